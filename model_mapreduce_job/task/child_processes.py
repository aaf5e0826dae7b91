"""Child processes: wait for their end with a time limit, and end them with their parent."""

from __future__ import annotations

import os
import select
import signal
from contextlib import contextmanager, suppress
from subprocess import TimeoutExpired
from typing import TYPE_CHECKING, Protocol

from model_mapreduce_job.task.channel import is_ready
from model_mapreduce_job.task.keeper import PR_SET_PDEATHSIG, prctl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from subprocess import Popen


class Process(Protocol):
    """A started process, such as a subprocess.Popen."""

    pid: int

    def poll(self) -> int | None:
        """Return its exit code, negative for a signal, or None while it runs."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit code; raises TimeoutExpired when it still runs after timeout seconds."""
        ...


def wait(process: Process, seconds: float) -> int:
    """Return a process's exit code; raises TimeoutExpired when it still runs after a number of seconds.

    Where the kernel reports the end, it's awaited, and not asked for 20 times a second.
    """
    with suppress(OSError, AttributeError):  # it was waited for before; or there is no pidfd here
        descriptor = os.pidfd_open(process.pid)
        try:
            is_ready(descriptor, select.POLLIN, seconds)
        finally:
            os.close(descriptor)
        seconds = 0.0
    return process.wait(seconds)


def wait_or_kill(process: Process, seconds: float) -> int:
    """Return a process's exit code; kill it if it still runs after a number of seconds."""
    try:
        return wait(process, seconds)
    except TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        return process.wait()


@contextmanager
def killed_on_error(process: Popen[bytes]) -> Iterator[Popen[bytes]]:
    """Wait for a process at the end of the with statement; an error, such as a signal's, kills it instead."""
    with process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise


def how_it_ended(code: int) -> str:
    """Return an exit code in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"  # a real-time signal has no name


def die_with_parent(parent: int) -> None:
    """Ask the kernel to end this process with its parent; end it now if the parent is gone already."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
