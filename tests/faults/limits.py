"""Limits of the kernel's on a run's processes."""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

MIB = 1 << 20
# None of them is above what a run may need, nor so low that Python itself can't start.
KINDS = {
    "memory": (resource.RLIMIT_AS, 60 * MIB, 400 * MIB),
    "descriptors": (resource.RLIMIT_NOFILE, 8, 40),
    "file size": (resource.RLIMIT_FSIZE, 100, 2 * MIB),
    **({"processes": (resource.RLIMIT_NPROC, 1, 300)} if os.geteuid() else {}),  # root has none
}


@dataclass(frozen=True)
class Limit:
    """A limit on one process, and on those that it starts from then on."""

    name: str
    value: int

    def set_for(self, pid: int) -> str:
        """Set it for a process, and return what it is."""
        number, _, _ = KINDS[self.name]
        with suppress(ProcessLookupError):
            resource.prlimit(pid, number, (self.value, self.value))
        return f"limit: {self.name}"


def some_limit(chance: Random) -> Limit:
    """Return a limit of any kind."""
    name = chance.choice(sorted(KINDS))
    _, low, high = KINDS[name]
    return Limit(name, chance.randint(low, high))
