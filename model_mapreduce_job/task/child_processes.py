"""Processes that another one started: they are waited for, but not forever, and go when it goes."""

from __future__ import annotations

import os
import signal
from subprocess import TimeoutExpired
from typing import Protocol

from model_mapreduce_job.task.keeper import PR_SET_PDEATHSIG, prctl


class Process(Protocol):
    """A started process: its id, and how it's waited for. subprocess.Popen is one."""

    pid: int

    def poll(self) -> int | None:
        """Return its exit code, negative for a signal, or None while it runs."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit code; raises TimeoutExpired when it still runs after so many seconds."""
        ...


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
    """Ask the kernel to end this process with its parent, whose id is given; ends it now if that is gone."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
