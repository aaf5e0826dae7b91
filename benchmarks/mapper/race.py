"""The contestants' runs: interleaved, so that what slows the machine for a while slows them all."""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from mapper.contestants import WHOLE_RUNS, Contestant
from mapper.measured_process import Cost, Program, RunError, measure
from mapper.sizes import Sizes

NOTHING = Path(os.devnull)
CHUNK_BYTES = 1 << 16


@dataclass(frozen=True)
class Race:
    """What all runs cost, in the order of the repetitions.

    starts is the cost of each program over an empty input, by its name; runs is the cost of each contestant.
    """

    contestants: Mapping[str, Contestant]
    starts: Mapping[str, list[Cost]]
    runs: Mapping[str, list[Cost]]

    def work_seconds(self, name: str) -> list[float]:
        """Return a contestant's CPU seconds in each repetition, start-up left out."""
        start = median(cost.cpu_seconds for cost in self.starts[self.contestants[name].program.name])
        return [cost.cpu_seconds - start for cost in self.runs[name]]

    def rates(self, name: str) -> list[float]:
        """Return a contestant's rows for each CPU second in each repetition, start-up left out."""
        return [self.contestants[name].rows / seconds for seconds in self.work_seconds(name)]

    def peaks(self, name: str) -> list[int]:
        """Return a contestant's peak memory in bytes in each repetition."""
        return [cost.peak_bytes for cost in self.runs[name]]

    def whole_seconds(self, name: str) -> list[float]:
        """Return the CPU seconds of a program that reads nothing in each repetition."""
        return [cost.cpu_seconds for cost in self.starts[name]]

    def whole_peaks(self, name: str) -> list[int]:
        """Return the peak memory in bytes of a program that reads nothing in each repetition."""
        return [cost.peak_bytes for cost in self.starts[name]]


def run_race(contestants: Mapping[str, Contestant], sizes: Sizes) -> Race:
    """Run all contestants as often as sizes say.

    The first round is for warming up: files get cached, modules compiled. Raises RunError when one fails, or
    when the outputs of two that should agree differ.
    """
    programs = {contestant.program.name: contestant.program for contestant in contestants.values()}
    starts: dict[str, list[Cost]] = defaultdict(list)
    runs: dict[str, list[Cost]] = defaultdict(list)
    for number in range(sizes.warm_ups + sizes.repetitions):
        print(f"round {number + 1} of {sizes.warm_ups + sizes.repetitions}", flush=True)
        for program in (*programs.values(), *WHOLE_RUNS):
            starts[program.name].append(start_of(program))
        for name, contestant in contestants.items():
            runs[name].append(run_of(contestant))
    compare_outputs(contestants)
    for contestant in contestants.values():
        contestant.output.unlink()
    return Race(contestants, _warm(starts, sizes), _warm(runs, sizes))


def compare_outputs(contestants: Mapping[str, Contestant]) -> None:
    """Raise RunError when a contestant's output is not the one that it should be the same as."""
    for contestant in contestants.values():
        if contestant.same_as and not starts_alike(contestant.output, contestants[contestant.same_as].output):
            raise RunError(f"{contestant.name} and {contestant.same_as} do not predict the same")


def start_of(program: Program) -> Cost:
    """Return what a program costs that reads nothing."""
    return measure(program, NOTHING, NOTHING)


def run_of(contestant: Contestant) -> Cost:
    """Return what a contestant costs over its file."""
    return measure(contestant.program, contestant.source, contestant.output)


def starts_alike(shorter: Path, longer: Path) -> bool:
    """Return whether a file that holds something is the start of another, or all of it."""
    if not 0 < shorter.stat().st_size <= longer.stat().st_size:
        return False
    with longer.open("rb") as other:
        return all(chunk == other.read(len(chunk)) for chunk in chunks(shorter))


def chunks(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes, some at a time: this process must stay smaller than those it measures."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _warm(costs: Mapping[str, list[Cost]], sizes: Sizes) -> dict[str, list[Cost]]:
    return {name: listed[sizes.warm_ups :] for name, listed in costs.items()}
