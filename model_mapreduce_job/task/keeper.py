"""The keeper: a small process between a task's starter and the worker with the model's code.

It is the process that was started. Before it imports anything but this module it forks: the copy becomes the
worker, the original watches it. The keeper ends the worker when a batch is over its time limit, when a signal
has stopped it for long, when the starter is gone, and on a signal; it ends every process that the worker has
started; and it ends in the same way as the worker, so that the starter sees the worker's exit code or signal.
"""

from __future__ import annotations

import ctypes
import os
import resource
import select
import signal
import sys
from contextlib import suppress
from mmap import mmap
from time import monotonic, monotonic_ns

TYPE_CHECKING = False  # this module comes before all others: importing typing would delay each worker
if TYPE_CHECKING:
    from typing import Protocol

    class Listener(Protocol):
        """Called by the keeper with data from a descriptor, and regularly."""

        descriptor: int | None

        def begin(self) -> None:
            """Close the worker's descriptors; called in the keeper once the worker is forked."""

        def hear(self, data: bytes) -> None:
            """Handle data from the descriptor."""

        def tick(self, page: Page) -> None:
            """Do regular work; called at least once a second."""

        def close(self) -> None:
            """Finish: there is no more data."""


# Names the descriptor of the channel that a task's process is started with.
CHANNEL_VARIABLE = "MODEL_MAPREDUCE_JOB_CHANNEL"
# Options of the system call prctl
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
_PAGE_BYTES = 4096
# The cells of the page; guard.py reads the first two.
_DEADLINE_NS, _LIMIT_NS, _LINES, _IS_FINISHED = range(4)
_FIRST_TICK_SECONDS, _LONGEST_TICK_SECONDS = 0.05, 1.0
# How long a worker may take to exit after its work is done, for example because of a model's threads.
GRACE_SECONDS = 3.0
# Who stops a run on purpose stops the keeper with the worker.
STOPPED_SECONDS = 5.0
_SWEEP_SECONDS, _TIDYING_SECONDS = 3.0, 1.0
_SIGNALLED = 128
_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Page:
    """A page of memory that the worker writes and the keeper reads; times are of the monotonic clock."""

    def __init__(self, memory: mmap | None = None) -> None:
        # the view keeps the memory, and its guard, alive as long as this page
        self._cells = memoryview(memory or mmap(-1, _PAGE_BYTES)).cast("Q")

    def begin(self, seconds: float) -> None:
        """Begin a batch with a time limit in seconds."""
        self._cells[_LIMIT_NS] = int(seconds * 1e9)
        self._cells[_DEADLINE_NS] = monotonic_ns() + self._cells[_LIMIT_NS]

    def end(self) -> None:
        """End the time limit of a batch."""
        self._cells[_DEADLINE_NS] = 0

    def finish(self) -> None:
        """Mark the work as done: how the worker ends does not matter from now on."""
        self._cells[_IS_FINISHED] = 1

    def add_lines(self, lines: int) -> None:
        """Count lines of output."""
        self._cells[_LINES] += lines

    @property
    def is_late(self) -> bool:
        """Whether a batch is over its time limit."""
        return 0 < self._cells[_DEADLINE_NS] < monotonic_ns()

    @property
    def limit_seconds(self) -> float:
        """The last time limit that was set, 0 when there was none."""
        return self._cells[_LIMIT_NS] / 1e9

    @property
    def lines(self) -> int:
        """The lines of output so far."""
        return self._cells[_LINES]

    @property
    def is_finished(self) -> bool:
        """Whether all work is done."""
        return bool(self._cells[_IS_FINISHED])


class Silence:
    """A listener without a descriptor."""

    descriptor: int | None = None

    def begin(self) -> None:
        """Close nothing."""

    def hear(self, data: bytes) -> None:
        """Drop the data."""

    def tick(self, page: Page) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def keep(listener: Listener | None = None) -> Page:
    """Fork the worker and return in it; the calling process becomes the keeper and never returns."""
    page, parent, keeper = Page(), os.getppid(), os.getpid()
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    child = os.fork()
    if child:
        _Watch(child, page, parent, listener or Silence()).run()
    os.setsid()
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != keeper:
        os._exit(1)
    return page


def prctl(option: int, value: int) -> None:
    """Set an attribute of this process, where the kernel is Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


class _StoppedError(Exception):
    """Raised in the keeper by a signal that ends it."""


class _Watch:
    """The keeper's work: watches one worker."""

    def __init__(self, child: int, page: Page, parent: int, listener: Listener) -> None:
        self._child = child
        self._page = page
        self._parent = parent
        self._listener = listener
        self._status: int | None = None
        self._tick = _FIRST_TICK_SECONDS
        self._leave_by: float | None = None
        self._stopped_at: float | None = None

    def run(self) -> None:
        """Watch the worker until it ends, end the processes that it started, and exit in the same way."""
        outcome = _SIGNALLED + signal.SIGKILL
        try:
            for number in _ENDING:
                signal.signal(number, _stop)
            self._listener.begin()
            prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            outcome = self._watch()
        finally:
            for number in _ENDING:
                with suppress(_StoppedError):  # by another signal, just before it's ignored
                    signal.signal(number, signal.SIG_IGN)
            sweep()
            self._hear_rest()
            _end_as(0 if self._page.is_finished else outcome)

    def _watch(self) -> int:
        try:
            pidfd = _pidfd(self._child)
            while not self._has_ended():
                self._wait(pidfd)
                self._listener.tick(self._page)
                if self._page.is_late:
                    # the time that a stopped worker takes says nothing of its record
                    return -signal.SIGALRM if self._stopped_at is None else -signal.SIGKILL
                if os.getppid() != self._parent or self._is_overdue() or self._stands_still():
                    return -signal.SIGKILL
        except _StoppedError as stopped:
            return -int(stopped.args[0])
        code = os.waitstatus_to_exitcode(self._status or 0)
        # by SIGALRM a keeper reports that the time limit was over, so a worker's own must look different
        return _SIGNALLED + signal.SIGALRM if code == -signal.SIGALRM else code

    def _wait(self, pidfd: int | None) -> None:
        limit = self._page.limit_seconds
        seconds = min(self._tick, limit / 4) if limit else self._tick
        self._tick = min(2 * self._tick, _LONGEST_TICK_SECONDS) if pidfd else _FIRST_TICK_SECONDS
        listener = self._listener.descriptor
        sources = [descriptor for descriptor in (pidfd, listener) if descriptor is not None]
        if listener in select.select(sources, [], [], seconds)[0]:
            self._hear()

    def _hear(self) -> None:
        assert self._listener.descriptor is not None  # noqa: S101 - only where there is one is it waited for
        data = os.read(self._listener.descriptor, 1 << 16)
        if data:
            self._listener.hear(data)
        else:
            self._listener.descriptor = None

    def _hear_rest(self) -> None:
        with suppress(OSError):
            while (source := self._listener.descriptor) is not None and select.select([source], [], [], 0)[0]:
                self._hear()
            self._listener.close()

    def _has_ended(self) -> bool:
        """Return whether the worker has ended; reaps orphans as well."""
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED | os.WCONTINUED)
                if pid == self._child:
                    self._note(status)
                if not pid:
                    break
        return self._status is not None

    def _note(self, status: int) -> None:
        """Record the worker's end, or its stop or continuation by a signal."""
        if os.WIFSTOPPED(status):
            self._stopped_at = monotonic()
        elif os.WIFCONTINUED(status):
            self._stopped_at = None
        else:
            self._status = status

    def _stands_still(self) -> bool:
        if self._stopped_at is None or monotonic() < self._stopped_at + STOPPED_SECONDS:
            return False
        with suppress(OSError):
            os.write(2, b"It was stopped by a signal (SIGSTOP) for %d s.\n" % STOPPED_SECONDS)
        return True

    def _is_overdue(self) -> bool:
        if self._page.is_finished and self._leave_by is None:
            self._leave_by = monotonic() + GRACE_SECONDS
        return self._leave_by is not None and monotonic() > self._leave_by


def sweep() -> None:
    """Kill all processes below this one, and wait for their end."""
    start = monotonic()
    while (found := _below(os.getpid())) and monotonic() < start + _SWEEP_SECONDS:
        for pid in found:
            with suppress(ProcessLookupError, PermissionError, ChildProcessError):
                if monotonic() > start + _TIDYING_SECONDS or not _tidies(pid):
                    os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, os.WNOHANG)
        select.select([], [], [], 0.002)


def _tidies(pid: int) -> bool:
    """Return whether a process is one of multiprocessing's that remove shared memory, and end then."""
    with suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123 - as in _below
        return b"resource_tracker" in file.read()
    return False


def _below(pid: int) -> list[int]:
    """Return the descendants of a process from /proc; none where there is no /proc."""
    found: list[int] = []
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - pathlib is not loaded here
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:  # noqa: PTH123 - as above
                for child in set(map(int, file.read().split())):
                    found += [child, *_below(child)]
    return found


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None  # no such call here: the worker's end is asked for at each tick


def _stop(number: int, _frame: object) -> None:
    raise _StoppedError(number)


def _end_as(code: int) -> None:
    """End this process with an exit code, or by a signal where it is negative."""
    if code >= 0:
        os._exit(code)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(-code, signal.SIG_DFL)
    with suppress(OSError):
        os.kill(os.getpid(), -code)
    os._exit(_SIGNALLED - code)
