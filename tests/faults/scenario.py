"""What a seed stands for: a run, what disturbs it, and how it goes on."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from faults.changes import change_input, change_part
from faults.disk import compiler, failing_disk
from faults.kills import VICTIMS, kill, processes_below
from faults.limits import some_limit
from faults.records import OPTIONS, RECORDS, text_of

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

LONGEST_RUN = 3.0  # seconds; a fault that comes too late proves nothing, but costs nothing either
KINDS = ("kill", "limit", "disk", "input", "part")


@dataclass
class Scenario:
    """A run in a directory that has `in`, and may make `out`; said is what was done to it."""

    seed: int
    directory: Path
    counter: Path
    kinds: tuple[str, ...] = KINDS
    said: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # seeds that follow one another take turns, so that any few of them have each kind
        kinds = [kind for kind in self.kinds if kind != "disk" or compiler()]
        self.kind = kinds[self.seed % len(kinds)]
        self.chance = random.Random(self.seed)  # noqa: S311 - no secrets
        self.format = self.chance.choice(sorted(OPTIONS))
        self.runner = self.chance.choice(["inline", "local"])
        if self.kind == "part":
            self.runner = "local"  # which has several
        self.to_directory = self.kind == "part" or self.chance.random() < 0.7
        self.resumes = self.to_directory and self.chance.random() < 0.7
        self.isolated = self.chance.random() < 0.3
        self.text = text_of(self.format, range(RECORDS))
        self.other = text_of(self.format, range(RECORDS, 2 * RECORDS))
        if self.kind == "disk":
            said, self.environment = failing_disk(self.chance, self.directory, self.counter)
            self.said.append(said)

    @property
    def options(self) -> list[str]:
        """Return the run's options."""
        return [
            *("-r", self.runner, "--quiet", "--model_qualified_name", "unhurried", *OPTIONS[self.format]),
            *(["--isolate", "always"] if self.isolated else []),
            *(["--output-dir", "out"] if self.to_directory else []),
        ]

    def disturb(self, process: subprocess.Popen[bytes]) -> None:
        """Do what the scenario has for while a run goes on."""
        if self.kind == "limit":
            self.said.append(some_limit(self.chance).set_for(process.pid))
        moments = sorted(self.chance.uniform(0, LONGEST_RUN) for _ in range(self.chance.choice([1, 1, 2])))
        if self.kind == "part" or self.chance.random() < 0.5:
            self._wait_for_work(process)
            moments = [moment / 3 for moment in moments]
        started = time.monotonic()
        for moment in moments if self.kind not in {"limit", "disk"} else []:
            time.sleep(max(0.0, started + moment - time.monotonic()))
            if process.poll() is None:
                self.said.append(self._deed(process.pid))

    def before_resuming(self) -> None:
        """Change what a stopped run has left, now and then."""
        if self.kind == "part" and self.resumes:
            self.said.append(change_part(self.chance, self.directory / ".out.unfinished"))

    def _wait_for_work(self, process: subprocess.Popen[bytes]) -> None:
        """Wait until a part is there, or else a worker, as a busy machine may take long to start one."""
        staging = self.directory / ".out.unfinished"
        while process.poll() is None:
            if any(staging.glob("part-*")) if self.kind == "part" else processes_below(process.pid):
                return
            time.sleep(0.01)

    def _deed(self, driver: int) -> str:
        if self.kind == "input":
            return change_input(self.chance, self.directory / "in", self.other)
        if self.kind == "part" and self.chance.random() < 0.5:
            return change_part(self.chance, self.directory / ".out.unfinished")
        victim = "driver" if self.kind == "part" else self.chance.choice(VICTIMS)
        return kill(self.chance, driver, victim)
