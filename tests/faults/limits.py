"""Limits of the kernel's on a run's processes."""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

MIB = 1 << 20
# None of them is above what a run may need; some are so low that Python itself can't start.
KINDS = {
    "memory": (resource.RLIMIT_AS, 30 * MIB, 200 * MIB),
    "descriptors": (resource.RLIMIT_NOFILE, 6, 40),
    "file size": (resource.RLIMIT_FSIZE, 100, 2 * MIB),
    **({"processes": (resource.RLIMIT_NPROC, 1, 300)} if os.geteuid() else {}),  # root has none
}
# Sets a limit in the place of the process that is to have it, before that is anything else.
_LIMITED = """
import os, resource, sys
number, value = map(int, sys.argv[1:3])
resource.setrlimit(number, (value, value))
os.execv(sys.argv[3], sys.argv[3:])
"""


@dataclass(frozen=True)
class Limit:
    """A limit on a process from its start on, and on those that it starts."""

    name: str
    value: int

    def __str__(self) -> str:
        return f"limit: {self.name}"

    def command(self, python: str) -> tuple[str, ...]:
        """Return what a command is to begin with, to have the limit."""
        number, _, _ = KINDS[self.name]
        return python, "-IS", "-c", _LIMITED, str(int(number)), str(self.value)


def some_limit(chance: Random) -> Limit:
    """Return a limit of any kind."""
    name = chance.choice(sorted(KINDS))
    _, low, high = KINDS[name]
    return Limit(name, chance.randint(low, high))
