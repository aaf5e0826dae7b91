"""Signals to a run's processes."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from faults.phases import children_of, handles

if TYPE_CHECKING:
    from random import Random

SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
VICTIMS = ("driver", "driver", "keeper", "worker", "both")


@dataclass(frozen=True)
class Kill:
    """A signal that was sent: in which phase, to whom, and how the driver handled it at that moment."""

    number: signal.Signals
    victim: str
    phase: str
    handled: str

    def __str__(self) -> str:
        return f"kill: {self.number.name} {self.victim} in {self.phase}"

    @property
    def codes(self) -> set[int]:
        """Return the exit codes that it may give a run, beside 0 for one that was done before it struck.

        Only a driver can be ended by one: workers and keepers are replaced.
        """
        if self.victim not in {"driver", "both"} or self.handled == "ignored":
            return set()
        if self.number == signal.SIGKILL:
            return {-signal.SIGKILL}
        if self.handled == "caught":
            return {128 + self.number}
        # what strikes while Python itself starts is not the job's to explain; its own end by Ctrl-C is 1 then
        return {-self.number, 128 + self.number, *([1] if self.number == signal.SIGINT else [])}


def processes_below(pid: int) -> list[tuple[int, int]]:
    """Return the processes below one, and how far below: a keeper is 1, its worker 2."""
    found: list[tuple[int, int]] = []
    for child in children_of(pid):
        found += [(child, 1), *((other, depth + 1) for other, depth in processes_below(child))]
    return found


def kill(chance: Random, driver: int, victim: str, phase: str) -> Kill | None:
    """Send a signal to a driver, a process below it, or both; return what was sent, if anybody was there."""
    below = processes_below(driver)
    wanted = [pid for pid, depth in below if victim == "both" or (depth == 1) is (victim == "keeper")]
    number = chance.choice(SIGNALS)
    targets = [chance.choice(wanted)] if victim != "driver" and wanted else []
    targets += [driver] if victim in {"driver", "both"} else []
    handled, sent = _handled(driver, number), 0
    for pid in targets:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
            sent += 1
    return Kill(number, victim, phase, handled) if sent else None


def _handled(pid: int, number: signal.Signals) -> str:
    """Return what a process does with a signal: caught by the job, ignored, or Python's default."""
    if handles(pid, number, "SigIgn"):
        return "ignored"
    # SIGHUP is the last that the job handles; Python handles SIGINT from its own start on
    return "caught" if handles(pid, signal.SIGHUP) and handles(pid, number) else "default"
