"""How far a run has come, as one sees from outside."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterable

PHASES = ("start", "load", "predict", "publish", "end")
# About as long as each takes; a kill comes at a random moment of it, or after it on a quick machine.
SECONDS = {"start": 0.3, "load": 0.2, "predict": 0.2, "publish": 0.01, "end": 0.03}
_LOOK_SECONDS = 0.003


@dataclass(frozen=True)
class View:
    """A run's files: where they are, whether the output is a directory, how many parts it is to have."""

    directory: Path
    to_directory: bool
    parts: int

    @property
    def staging(self) -> Path:
        """Return where an output directory is made."""
        return self.directory / ".out.unfinished"

    def phase(self, driver: int) -> str:
        """Return the phase that a run is in."""
        if self._has_ended() or handles(driver, signal.SIGHUP, "SigIgn"):
            return "end"
        if not handles(driver, signal.SIGHUP):
            return "start"
        names = self._names()
        finished = sum(name.startswith("part-") for name in names)
        if finished == self.parts:
            return "publish"
        if finished or any(".attempt-" in name for name in names):
            return "predict"
        return "load" if children_of(driver) else "start"

    def wait_for(self, process: subprocess.Popen[bytes], phase: str) -> None:
        """Return when a run is in a phase, or beyond it, or has ended."""
        wanted = PHASES.index(phase)
        while process.poll() is None and PHASES.index(self.phase(process.pid)) < wanted:
            time.sleep(_LOOK_SECONDS)

    def _has_ended(self) -> bool:
        # for standard output, its last byte and the end are too close to each other
        return self.to_directory and (self.directory / "out").exists()

    def _names(self) -> Iterable[str]:
        """Return the names of what the run has written of its parts."""
        names: list[str] = []
        for place in [self.staging] if self.to_directory else (self.directory / "tmp").glob("*/output"):
            with suppress(OSError):
                names += os.listdir(place)  # noqa: PTH208 - names are all that is asked for, and often
        return names


def children_of(pid: int) -> list[int]:
    """Return the processes that a process has started, less those that have ended."""
    try:
        return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
    except OSError:
        return []


def handles(pid: int, number: signal.Signals, how: str = "SigCgt") -> bool:
    """Return whether a process has a handler for a signal, or ignores it: SigCgt or SigIgn, as in /proc."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        return bool(int(status.partition(f"{how}:")[2].split()[0], 16) >> (number - 1) & 1)
    except (OSError, IndexError):
        return False
