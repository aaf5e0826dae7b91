"""What a seed stands for: a run, what disturbs it, and how it goes on."""

from __future__ import annotations

import random
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from faults.changes import change_input, change_part
from faults.disk import compiler, failing_disk
from faults.kills import VICTIMS, Kill, kill
from faults.limits import some_limit
from faults.phases import PHASES, SECONDS, View
from faults.records import OPTIONS, RECORDS, text_of
from model_mapreduce_job.storage.splits import split_files

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

_MOST_KILLED = 6
KINDS = ("kill", "limit", "disk", "input", "part")


@dataclass
class Scenario:
    """A run in a directory that has `in`, and may make `out`.

    said is what was done to it, kills are those of the run that started last; texts are all that `in` held.
    """

    seed: int
    directory: Path
    counter: Path
    kinds: tuple[str, ...] = KINDS
    said: list[str] = field(default_factory=list)
    kills: list[Kill] = field(default_factory=list)
    texts: list[bytes] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    before: tuple[str, ...] = ()
    changed_too_late: bool = False

    def __post_init__(self) -> None:
        # seeds that follow one another take turns, so that any few of them have each kind
        kinds = [kind for kind in self.kinds if kind != "disk" or compiler()]
        self.kind = kinds[self.seed % len(kinds)]
        self.chance = random.Random(self.seed)  # noqa: S311 - no secrets
        self.format = self.chance.choice(sorted(OPTIONS))
        self.runner = "local" if self.kind == "part" else self.chance.choice(["inline", "local"])
        self.to_directory = self.kind == "part" or self.chance.random() < 0.7
        self.resumes = self.to_directory and self.chance.random() < 0.7
        # one run after the other is killed, each going on from what the one before has left
        self.disturbed_runs = self.chance.randint(2, _MOST_KILLED) if self.kind == "kill" else 1
        self.isolated = self.chance.random() < 0.2
        self.texts = [text_of(self.format, range(RECORDS))]
        self._prepare_fault()

    def _prepare_fault(self) -> None:
        if self.kind == "disk":
            said, self.environment = failing_disk(self.chance, self.directory, self.counter)
            self.said.append(said)
        elif self.kind == "limit":
            limit = some_limit(self.chance)
            self.before = limit.command(sys.executable)
            self.said.append(str(limit))

    @property
    def workers(self) -> int:
        """Return how many workers the run has, on which the number of its parts depends."""
        return 2 if self.runner == "local" else 1

    @property
    def options(self) -> list[str]:
        """Return the run's options."""
        return [
            *("-r", self.runner, "--quiet", "--model_qualified_name", "unhurried", *OPTIONS[self.format]),
            *(["--num-cores", str(self.workers)] if self.runner == "local" else []),
            *(["--isolate", "always"] if self.isolated else []),
            *(["--output-dir", "out"] if self.to_directory else []),
        ]

    def write_input(self) -> None:
        """Write the input."""
        path = self.directory / "in"
        path.write_bytes(self.texts[0])
        self.view = View(self.directory, self.to_directory, len(split_files([str(path)], self.workers)))

    def disturb(self, process: subprocess.Popen[bytes], what: str = "") -> None:
        """Do what the scenario has for while a run goes on; what names the run in what is said."""
        self.kills = []
        if self.kind in {"limit", "disk"}:
            return  # which a run has from its start on
        phases = PHASES[2:] if self.kind == "part" else (*PHASES, "predict")
        chosen = self.chance.choices(phases, k=self.chance.choice([1, 1, 2]))
        for phase in sorted(chosen, key=PHASES.index):
            self.view.wait_for(process, phase)
            time.sleep(self.chance.uniform(0, SECONDS[phase]))
            if process.poll() is None and (deed := self._deed(process.pid)):
                self.said.append(what + deed)

    def before_resuming(self) -> None:
        """Change what a stopped run has left."""
        if self.kind == "part" and self.resumes and (deed := change_part(self.chance, self.view.staging)):
            self.said.append(deed)

    def _deed(self, driver: int) -> str:
        if self.kind == "input":
            new = text_of(self.format, range(len(self.texts) * RECORDS, (len(self.texts) + 1) * RECORDS))
            deed = change_input(self.chance, self.directory / "in", new)
            self.texts.append((self.directory / "in").read_bytes())
            return deed
        if self.kind == "part" and self.chance.random() < 0.5:
            before = self.view.phase(driver)
            deed = change_part(self.chance, self.view.staging)
            # the job may have verified the part for the last time: whoever changes it now changes the output
            self.changed_too_late |= bool({before, self.view.phase(driver)} & {"publish", "end"})
            return deed
        return self._kill(driver)

    def _kill(self, driver: int) -> str:
        victim = "driver" if self.kind == "part" else self.chance.choice(VICTIMS)
        phase = "stop" if any(kill.codes for kill in self.kills) else self.view.phase(driver)
        sent = kill(self.chance, driver, victim, phase) or kill(self.chance, driver, "driver", phase)
        if sent is None:
            return ""
        self.kills.append(sent)
        return str(sent)
