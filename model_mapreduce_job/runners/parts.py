"""The parts of an output while they are being made: half-written ones never bear a part's name."""

from __future__ import annotations

import json
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.runners.files import DISK, write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from model_mapreduce_job.runners.files import Files
    from model_mapreduce_job.runners.map_task import MapTask


class Parts:
    """Where tasks write. path gives a finished part's place by its task's number.

    A durable part outlives the machine's power: it's synced; and beside it stands what its task counted, so
    that a later run can go on from it.
    """

    def __init__(self, path: Callable[[int], Path], *, durable: bool, files: Files = DISK) -> None:
        self._path = path
        self._files = files
        self.durable = durable
        # a worker that has outlived its killed driver must not write where a worker of this run does
        self._run = secrets.token_hex(4)

    def attempt_path(self, task: MapTask, attempt: int) -> Path:
        """Return where an attempt writes."""
        part = self._path(task.number)
        part.parent.mkdir(parents=True, exist_ok=True)
        return part.with_name(f".{part.name}.attempt-{attempt}-{self._run}")

    def finish(self, task: MapTask, attempt: int, tally: dict[str, Any]) -> None:
        """Give an attempt's output its part's name."""
        part = self._path(task.number)
        if self.durable:
            # not synced: a damaged one is noticed, and only means that the part is made again
            write_whole(self._files, tally_path(part), json.dumps(tally).encode(), synced=False)
        self._files.rename(self.attempt_path(task, attempt), part)

    def discard(self, task: MapTask, attempt: int) -> None:
        """Remove what an attempt has written."""
        self.attempt_path(task, attempt).unlink(missing_ok=True)

    def finished(self, number: int) -> dict[str, Any] | None:
        """Return what the task of a finished part counted; None when the part is not finished."""
        part = self._path(number)
        if not (self.durable and part.exists()):
            return None
        with suppress(OSError, ValueError):
            tally: dict[str, Any] = json.loads(tally_path(part).read_bytes())
            return tally
        return None


def in_order(parts: Iterable[Path]) -> list[Path]:
    """Return the parts of one directory in the order of their tasks: part-100000 comes behind part-99999."""
    return sorted(parts, key=lambda part: (len(part.name), part.name))


def tally_path(part: Path) -> Path:
    """Return where the counts of a durable part's task stand."""
    return part.with_name(f".{part.name}.tally")
