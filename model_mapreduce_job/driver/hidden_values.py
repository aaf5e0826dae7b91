"""Values that may be secrets, kept out of what mrjob writes to its log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from mrjob.conf import load_opts_from_mrjob_confs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from model_mapreduce_job.task.run_options import RunOptions

HIDDEN = "[hidden]"
_SECRET = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
# What is shorter is part of too many words.
_SHORTEST = 3


class HidesValues(logging.Filter):
    """Shows a message without the values given."""

    def __init__(self, values: Iterable[str]) -> None:
        super().__init__()
        # a value that holds another one is hidden first
        self._values = sorted((value for value in values if len(value) >= _SHORTEST), key=len, reverse=True)

    def filter(self, record: logging.LogRecord) -> bool:
        """Take the values out of a record; return that it is to be shown."""
        message = record.getMessage()
        for value in self._values:
            # mrjob writes Python's own notation, too
            message = message.replace(value, HIDDEN).replace(repr(value)[1:-1], HIDDEN)
        record.msg, record.args = message, ()
        return True


def hide_values(secrets: Iterable[str], options: RunOptions) -> None:
    """Keep secrets of the command line, and those in mrjob.conf, out of mrjob's log.

    With --verbose, mrjob writes all of its options there.
    """
    configured = load_opts_from_mrjob_confs(options.runner, options.conf_paths)
    values = {*secrets, *(value for _, opts in configured for value in secrets_in(opts))}
    for handler in logging.getLogger("mrjob").handlers:
        handler.addFilter(HidesValues(values))


def secrets_in(options: Mapping[str, Any]) -> list[str]:
    """Return the values of environment variables and AWS keys among mrjob's options."""
    named = [options.get(name) for name in _SECRET]
    environment = options.get("cmdenv")
    values = list(environment.values()) if isinstance(environment, dict) else []
    return [str(value) for value in [*named, *values] if value]
