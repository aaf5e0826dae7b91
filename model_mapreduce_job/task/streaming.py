"""A task of Hadoop streaming: its streams, kept apart from the model's output, and its heartbeat."""

from __future__ import annotations

import os
import re
import time

TYPE_CHECKING = False  # this module is loaded before the worker is forked: importing typing would delay it
if TYPE_CHECKING:
    from model_mapreduce_job.task.keeper import Page

# Hadoop ends a task that is silent for mapreduce.task.timeout, by default 600 s
BEAT_SECONDS = 10.0
FAILED = "The task failed: "
STDIN, STDOUT, STDERR = 0, 1, 2
# The most that a model may write into a task's log; of the rest only the end is kept.
LARGEST_LOG = 16 << 20
_KEPT_BYTES = 1 << 14
_LOWEST_DESCRIPTOR = 200
# A line that would be read as a counter, a status or a report of this package's own.
_REPORT = re.compile(rb"^([ \t]*)(reporter:|The task failed: |This task runs on )", re.MULTILINE)


class TaskStreams:
    """A task's own standard streams, on descriptors that a model's code does not know.

    The model's code gets an empty standard input; its standard output and error go to the listener, which
    escapes lines that Hadoop would read as counters. Without a listener both go to standard error.
    """

    def __init__(self, *, listens: bool) -> None:
        self.stdin, self.stdout, self.stderr = (_apart(number) for number in (STDIN, STDOUT, STDERR))
        self.listener = StreamingListener(self.stderr) if listens else None

    def take(self) -> None:
        """Set up the standard streams of the model's code; called once, in the worker."""
        nothing = os.open(os.devnull, os.O_RDONLY)
        written = self.listener.write_end if self.listener else self.stderr
        for descriptor, standard in ((nothing, STDIN), (written, STDOUT), (written, STDERR)):
            os.dup2(descriptor, standard)
        os.close(nothing)
        if self.listener:
            self.listener.let_go()


class StreamingListener:
    """Writes the escaped output of a model's code to the log, and reports the task's progress."""

    def __init__(self, log: int, beat_seconds: float = BEAT_SECONDS) -> None:
        read_end, self.write_end = os.pipe()
        self.descriptor: int | None = read_end
        self._log = log
        self._line = b""
        self._written = 0
        self._kept = b""
        self._beat_seconds = beat_seconds
        self._beaten = time.monotonic()

    def begin(self) -> None:
        """Close the writing end, which is the worker's."""
        os.close(self.write_end)

    def hear(self, data: bytes) -> None:
        """Write whole lines to the log; a line that is longer than 16 KiB is cut."""
        whole, newline, rest = (self._line + data).rpartition(b"\n")
        if len(rest) > _KEPT_BYTES:
            whole, newline, rest = whole + newline + rest, b"\n", b""
        self._line = rest
        if newline:
            self._pass_on(whole + newline)

    def tick(self, page: Page) -> None:
        """Report the progress, if the last report is old enough."""
        now = time.monotonic()
        if now - self._beaten >= self._beat_seconds:
            self._beaten = now
            write(self._log, b"reporter:status:%d lines predicted\n" % page.lines)

    def close(self) -> None:
        """Write the rest to the log."""
        if self._line:
            self._pass_on(self._line + b"\n")
        if self._kept:
            write(self._log, b"... (left out)\n" + self._kept)

    def let_go(self) -> None:
        """Close both ends, in the worker."""
        for descriptor in (self.descriptor, self.write_end):
            if descriptor is not None:
                os.close(descriptor)

    def _pass_on(self, text: bytes) -> None:
        harmless = _REPORT.sub(rb"\1| \2", text.replace(b"\r", b"\n"))
        if self._written < LARGEST_LOG:
            self._written += len(harmless)
            write(self._log, harmless)
        else:
            self._kept = (self._kept + harmless)[-_KEPT_BYTES:]


def is_hadoop_task() -> bool:
    """Return whether this process is a task of Hadoop streaming, by its environment."""
    return bool(job_setting("mapreduce.task.attempt.id"))


def job_setting(name: str) -> str:
    """Return a setting of the job, which Hadoop passes to tasks in the environment; empty if unset."""
    return os.environ.get(name.replace(".", "_"), "")


def write(descriptor: int, data: bytes | memoryview) -> None:
    """Write all of the data."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _apart(descriptor: int) -> int:
    """Return a high descriptor of the same stream that child processes do not inherit."""
    import fcntl  # noqa: PLC0415 - not on every platform

    try:
        return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _LOWEST_DESCRIPTOR)
    except OSError:
        return os.dup(descriptor)
