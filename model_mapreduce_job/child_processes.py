"""Processes that another one started: they are waited for, but not forever, and go when it goes."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from subprocess import TimeoutExpired
from time import monotonic, sleep
from typing import Protocol

_PR_SET_PDEATHSIG = 1
_POLL_SECONDS = 0.005


class Process(Protocol):
    """A started process: its id, and how it's waited for. subprocess.Popen is one."""

    pid: int

    def poll(self) -> int | None:
        """Return its exit code, negative for a signal, or None while it runs."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit code; raises TimeoutExpired when it still runs after so many seconds."""
        ...


class ForkedProcess:
    """A forked child of this process."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: int | None = None

    def poll(self) -> int | None:
        """Return its exit code, negative for a signal, or None while it runs."""
        return self._wait(os.WNOHANG)

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit code; raises TimeoutExpired when it still runs after so many seconds."""
        deadline = monotonic() + (timeout or 0)
        while (code := self._wait(0 if timeout is None else os.WNOHANG)) is None:
            if monotonic() >= deadline:
                raise TimeoutExpired([], timeout or 0)
            sleep(_POLL_SECONDS)
        return code

    def _wait(self, options: int) -> int | None:
        if self._code is None:
            pid, status = os.waitpid(self.pid, options)
            self._code = os.waitstatus_to_exitcode(status) if pid else None
        return self._code


def wait_or_kill(process: Process, seconds: float) -> int:
    """Return a process's exit code; one that still runs after so many seconds is killed."""
    try:
        return process.wait(seconds)
    except TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        return process.wait()


def how_it_ended(code: int) -> str:
    """Return an exit code in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"  # a real-time signal has no name


def die_with_parent(parent: int) -> None:
    """Ask the kernel to end this process with its parent, whose id is given; ends it now if that is gone.

    A process that hangs in a model's code would otherwise outlive it.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
