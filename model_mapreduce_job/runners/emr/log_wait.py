"""How long the driver waits for AWS to answer, and for a step's logs to come to S3."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from model_mapreduce_job.storage.aws_errors import UNREACHED

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger("mrjob.emr")  # mrjob shows what its own loggers write

OFFLINE_SECONDS: Final = 600.0
_MOST_SECONDS: Final = 600.0  # EMR copies logs to S3 every five minutes
_OVER: Final = frozenset({"TERMINATED", "TERMINATED_WITH_ERRORS"})


class LogWait:
    """Waits for the logs of steps, for those of each up to ten minutes in all.

    mrjob sleeps for ten minutes; this ends when the logs have come, and says what it waits for.
    """

    def __init__(self) -> None:
        self._deadlines: dict[str, float] = {}

    def wait(
        self, step_id: str, state: Callable[[], str], have_come: Callable[[], bool], every_seconds: float
    ) -> None:
        """Return when a step's logs have come, its cluster is over, or it takes too long."""
        deadline = self._deadlines.setdefault(step_id, time.monotonic() + _MOST_SECONDS)
        with suppress(KeyboardInterrupt):
            while time.monotonic() < deadline:
                now = state()
                if now in _OVER or (now != "TERMINATING" and have_come()):
                    return
                log.info("Waiting for logs to come to S3 (cluster is %s; ctrl-c goes on without)", now)
                time.sleep(every_seconds)
        self._deadlines[step_id] = 0.0


def logs_have_come(step: dict[str, Any], filesystem: Any, place: str) -> bool:
    """Return whether a place on S3 has logs that are later than the end of a step, as AWS describes it."""
    ended = step["Status"]["Timeline"].get("EndDateTime")
    if ended is None:
        return False
    since = ended - timedelta(seconds=1)  # S3 keeps whole seconds
    return any(item.last_modified >= since for _, item in filesystem._ls(place))  # ls() has no times


def until_reached(call: Callable[[], None], pause: float) -> None:
    """Call something until AWS answers, with pauses of some seconds; at most ten minutes."""
    deadline = 0.0
    while True:
        try:
            call()
        except UNREACHED as error:
            deadline = deadline or time.monotonic() + OFFLINE_SECONDS
            if time.monotonic() > deadline:
                raise
            log.warning("AWS can't be reached; the step runs on, trying again: %s", error)
            time.sleep(pause)
        else:
            return
