"""Kills a run's workers, its driver or both at a random moment, and looks at what is left.

Each time the output must be whole, or there must be none; then the next run must give all of it, and leave
neither files nor processes behind. `make torture SEEDS=n` runs as many seeds as one likes.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from local_jobs import Ended, LocalJob, ended, output_of, write_records

RECORDS = 120
PAD = "x" * 40_000  # few records, but several splits
ENDING = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
STOPPED = {-signal.SIGKILL, 128 + signal.SIGTERM, 128 + signal.SIGINT, -signal.SIGINT, -signal.SIGTERM}
ONE_LINE = {128 + signal.SIGTERM: "Stopped by SIGTERM.", 128 + signal.SIGINT: "Stopped by Ctrl-C."}
LONGEST_RUN = 1.0  # seconds; a kill that comes too late proves nothing, but costs nothing either


class Torture:
    """One seed's run, in a directory of its own."""

    def __init__(self, seed: int, directory: Path) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - no secrets
        runner = self.chance.choice(["inline", "local"])
        self.job = LocalJob(directory, ("-r", runner, "--quiet"), measured=False)
        self.job.environment["UNHURRIED_SECONDS"] = "0.004"
        self.job.options += ("--model_qualified_name", "unhurried", "--output-dir", "out", "in")
        self.out = directory / "out"

    def run(self) -> str:
        """Run, kill and run again; return in words what happened. Raises AssertionError."""
        path = write_records(self.job.directory / "in", [{"n": n, "pad": PAD} for n in range(RECORDS)])
        keys = path.read_bytes().splitlines()
        self.whole = b"".join(b'%s\t{"n": %d}\n' % (key, number) for number, key in enumerate(keys))
        victims = self.chance.choice(["worker", "driver", "both", "worker, worker", "worker, driver"])
        try:
            first = self._disturbed(victims.split(", "))
            self._check_first(first, may_stop=victims not in {"worker", "worker, worker"})
            again = self._run_again()
            self._check_last()
        finally:
            self.job.kill()
        return f"killed {victims}: exit code {first.code}, {again}"

    def _disturbed(self, victims: list[str]) -> Ended:
        process = self.job.start()
        moments = sorted(self.chance.uniform(0, LONGEST_RUN) for _ in victims)
        started = time.monotonic()
        for victim, moment in zip(victims, moments, strict=True):
            time.sleep(max(0.0, started + moment - time.monotonic()))
            self._kill(process.pid, victim)
        return ended(process)

    def _kill(self, driver: int, victim: str) -> None:
        """Kill the driver, a process below it, or both; one that's gone already is none the worse for it."""
        below = _descendants(driver)
        with suppress(ProcessLookupError):
            if victim != "driver" and below:
                os.kill(self.chance.choice(below), signal.SIGKILL)
        with suppress(ProcessLookupError):
            if victim != "worker":
                os.kill(driver, self.chance.choice(ENDING))

    def _check_first(self, first: Ended, *, may_stop: bool) -> None:
        too_early = "Fatal Python error: init_" in first.errors  # the interpreter itself had not started
        expected = first.code == 0 or (may_stop and (too_early or first.code in STOPPED))
        assert expected, f"exit code {first.code}: {first.errors}"
        assert self.out.exists() or first.code != 0, "no output of a run that ended well"
        if first.code in ONE_LINE and not too_early:
            assert first.errors.startswith(ONE_LINE[first.code]), first.errors
            assert first.errors.count("\n") == 1, first.errors
        if self.out.exists():
            self._check_output()

    def _check_output(self) -> None:
        assert output_of(self.out) == self.whole, "the output is not whole"
        assert (self.out / "_SUCCESS").exists(), "the output has no _SUCCESS"

    def _run_again(self) -> str:
        if self.out.exists():
            shutil.rmtree(self.out)
        how = self.chance.choice([[], ["--resume"]])
        again = self.job.run(*how)
        discards = not how and again.errors.startswith("Starting over: ") and again.errors.count("\n") == 1
        assert again.code == 0, f"the next run: {again.code}, {again.errors}"
        assert not again.errors or discards, again.errors
        return "resumed" if how else "started over"

    def _check_last(self) -> None:
        self._check_output()
        assert self.job.processes() == [], "processes are left"
        assert self.job.left() == [], f"temporary files are left: {self.job.left()}"
        left = {path.name for path in self.job.directory.iterdir()}
        assert left == {"in", "out", "tmp"}, f"files are left: {left}"


def torture(seed: int) -> str:
    """Run a seed and return in words what happened; an AssertionError becomes part of them."""
    with TemporaryDirectory() as directory:
        try:
            return f"seed {seed}: {Torture(seed, Path(directory)).run()}"
        except AssertionError:
            return f"seed {seed} FAILED: {traceback.format_exc()}"


def failures(seeds: range, processes: int = 2) -> list[str]:
    """Run seeds, some at a time; return what there is to say of those that failed."""
    found = []
    with ThreadPoolExecutor(processes) as pool:
        for said in pool.map(torture, seeds):
            print(said, flush=True)  # noqa: T201 - it may take long
            found += [said] if "FAILED" in said else []
    return found


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for child in map(int, below):
            found += [child, *_descendants(child)]
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many (default 200)")
    parser.add_argument("--first", type=int, default=0, help="the first one (default 0)")
    given = parser.parse_args()
    failed = failures(range(given.first, given.first + given.seeds))
    print(f"{given.seeds - len(failed)} passed, {len(failed)} failed")  # noqa: T201 - what it's for
    sys.exit(bool(failed))
