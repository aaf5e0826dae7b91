"""Why a task on a cluster failed: its own words, in one line."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from model_mapreduce_job import exceptions
from model_mapreduce_job.exceptions import IncompleteRunError, InputError, ModelMapReduceError
from model_mapreduce_job.printable import printable
from model_mapreduce_job.storage.hadoop_commands import ClusterError
from model_mapreduce_job.task.streaming import FAILED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Hadoop moves the history of a job soon after its end, between a look and a read as well.
_PAUSES: Final = (0.5, 1.0, 2.0)

_PLACE: Final = re.compile(r"^This task runs on (?P<host>\S+) and reads (?P<split>.+)\.$", re.MULTILINE)
_OWN: Final = re.compile(rf"^{FAILED}(?P<kind>\w+): (?P<message>.*)$", re.MULTILINE)
_TRACEBACK: Final = "Traceback (most recent call last):"
_FATAL: Final = re.compile(r"^Fatal Python error: .*$", re.MULTILINE)
_NOISE: Final = re.compile(
    r"^(reporter:|\+ |log4j:|SLF4J|This task runs on |Example of a failure: |Warning: |\s*$)"
)
_JAVAS: Final = re.compile(r"^Exception running child : (?:java\.io\.IOException: )?")
# What Hadoop's codecs say whose native library isn't there.
LACKS_CODEC: Final = re.compile(r"native \S+ library not available|without native", re.IGNORECASE)
GIVE_IT_OTHERWISE: Final = (
    " The Hadoop there can't decompress this input: give it as .gz or .bz2, or run with -r local."
)
_EXIT_CODE: Final = re.compile(r"subprocess (?:failed|exited) with code (?P<code>\d+)")
_SIGNALS: Final = {
    137: "SIGKILL: often it used more memory than its container has",
    139: "SIGSEGV",
    143: "SIGTERM",
}


@dataclass(frozen=True)
class TaskFailure:
    """A failed task: why, on which host, what it was reading; kind is the class of this package's error."""

    reason: str
    host: str = ""
    split: str = ""
    kind: str = ""
    traceback: str = ""

    @classmethod
    def of(cls, stderr: str, hadoop_error: str = "", split: str = "") -> TaskFailure:
        """Return the error in a task's standard error, or Hadoop's own where there is none."""
        place = _PLACE.search(stderr)
        host, split = (place["host"], place["split"]) if place else ("", split)
        if own := list(_OWN.finditer(stderr)):
            return cls(own[-1]["message"], host, split, own[-1]["kind"])
        start = stderr.rfind(_TRACEBACK)
        traceback = stderr[start:] if start >= 0 else ""
        return cls(
            _reason(stderr, traceback) or _hadoop_reason(hadoop_error), host, split, traceback=traceback
        )

    def error(self, restore: Callable[[str], str] = str) -> ModelMapReduceError:
        """Return the error that ends the run: what ended the task, where that is one of this package's.

        restore puts the person's names for files into the cluster's words.
        """
        found = getattr(exceptions, self.kind, IncompleteRunError) if self.kind else IncompleteRunError
        return found(printable(restore(f"A task failed{self._place()}: {self._advised()}")))

    def _advised(self) -> str:
        """Return the reason, with what to do where it is an input that the cluster can't decompress."""
        lacks_codec = LACKS_CODEC.search(self.reason)
        return f"{self.reason.rstrip('.')}.{GIVE_IT_OTHERWISE}" if lacks_codec else self.reason

    def _place(self) -> str:
        on = f" on {self.host}" if self.host else ""
        return f"{on}, reading {self.split}" if self.split else on


def failure_found(
    look: Callable[[], TaskFailure], application: str, pauses: Sequence[float] = _PAUSES
) -> TaskFailure:
    """Return the failure that a look at a job's logs finds; where they can't be read, it looks again.

    look raises ClusterError, InputError or OSError then. What is returned in the end says where the logs are.
    """
    why: Exception | None = None
    for pause in (0.0, *pauses):
        time.sleep(pause)
        try:
            return look()
        except (ClusterError, InputError, OSError) as error:
            why = error
    command = f"yarn logs -applicationId {application}" if application else "yarn application -list"
    return TaskFailure(f"why is in its logs, which can't be read from here ({why}). Try: {command}")


def _reason(stderr: str, traceback: str) -> str:
    """Return the line that says it best: the error below a traceback, a crash, or else the last one."""
    if fatal := _FATAL.search(stderr):
        return fatal[0]
    lines = [line for line in (traceback or stderr).splitlines() if not _NOISE.match(line)]
    flush = [line for line in lines[1:] if not line.startswith(" ")] if traceback else lines[-1:]
    return flush[0].strip() if flush else ""


def _hadoop_reason(message: str) -> str:
    """Return the first line of Hadoop's error, with what an exit code stands for."""
    line = _JAVAS.sub("", message.strip().partition("\n")[0])
    if found := _EXIT_CODE.search(line):
        code = int(found["code"])
        return f"it ended with exit code {code}{f' ({_SIGNALS[code]})' if code in _SIGNALS else ''}"
    return line or "it did not say why; its logs are on the host"
