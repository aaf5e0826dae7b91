"""Signals to a run's processes."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
VICTIMS = ("driver", "keeper", "worker", "both")


def processes_below(pid: int) -> list[tuple[int, int]]:
    """Return the processes below one, and how far below: a keeper is 1, its worker 2."""
    found: list[tuple[int, int]] = []
    with suppress(OSError):
        for child in map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
            found += [(child, 1), *((other, depth + 1) for other, depth in processes_below(child))]
    return found


def kill(chance: Random, driver: int, victim: str) -> str:
    """Send a signal to a driver, a process below it, or both; return which it was, and to whom."""
    below = processes_below(driver)
    wanted = [pid for pid, depth in below if victim == "both" or (depth == 1) is (victim == "keeper")]
    number = chance.choice(SIGNALS)
    if victim in {"keeper", "worker"} and not wanted:
        return f"kill: no {victim} yet"
    for pid in ([chance.choice(wanted)] if victim != "driver" and wanted else []) + (
        [driver] if victim in {"driver", "both"} else []
    ):
        with suppress(ProcessLookupError):
            os.kill(pid, number)
    return f"kill: {number.name} {victim}"
