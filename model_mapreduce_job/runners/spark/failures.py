"""Why a step on Spark failed, in the words that one machine has for it."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.printable import printable
from model_mapreduce_job.runners.hadoop.task_failures import LACKS_CODEC, TaskFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

log = logging.getLogger("mrjob.spark")  # mrjob shows what its own loggers write

_UNREADABLE: Final = re.compile(
    r"(?:\[\S+\] )?Encountered error while reading file (?P<file>.+?)\.?: (?P<why>.+)"
)


# What the libraries say that decompress.
_CUT_OFF: Final = re.compile(
    r"unexpected end of (input|file|zlib)|incorrect (data|header) check|not a gzip|"
    r"invalid (block|code|distance|stored)",
    re.IGNORECASE,
)
_ABORTED: Final = "Job aborted.: "
_GET_IT_WHOLE: Final = " If it is cut off or damaged, get a whole copy of it."


def error_of(found: Mapping[str, Any], restore: Callable[[str], str]) -> Exception:
    """Return the error that ends a run, given what the driver program says of a task that failed.

    Shows the traceback of an error that is not this package's own. restore gives Spark's words with the
    person's names of files in them.
    """
    failure = _of_input(TaskFailure(**found))
    for line in failure.traceback.splitlines():
        log.error("%s", printable(restore(line)))
    return failure.error(restore)


def _of_input(failure: TaskFailure) -> TaskFailure:
    """Return the failure of a file that can't be read as that: which one, why, and what to do."""
    reason = failure.reason.removeprefix(_ABORTED)
    found = _UNREADABLE.fullmatch(reason)
    if failure.kind or not (found or _CUT_OFF.match(reason)):
        return replace(failure, reason=reason)
    why = f"{found['file']} can't be read: {found['why']}" if found else reason
    advice = "" if LACKS_CODEC.search(why) else _GET_IT_WHOLE
    return replace(failure, reason=f"{why.rstrip('.')}.{advice}", kind=InputError.__name__)
