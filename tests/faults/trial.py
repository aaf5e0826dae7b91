"""One seed: a run that is disturbed, and what must hold of it and of the next one."""

from __future__ import annotations

import shutil
import signal
import traceback
from dataclasses import dataclass
from pathlib import Path
from subprocess import TimeoutExpired
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from local_jobs import Ended, LocalJob, output_of

from faults.records import wanted
from faults.scenario import KINDS, Scenario

if TYPE_CHECKING:
    import subprocess

LONGEST_SECONDS = 120  # a run that takes longer hangs
KILLED = {-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP}


@dataclass(frozen=True)
class Outcome:
    """What a seed came to; failure is empty when all was well."""

    seed: int
    faults: tuple[str, ...]
    code: int | None
    failure: str = ""


class Trial:
    """A scenario's run, and the next one."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.directory = scenario.directory
        self.code: int | None = None
        self.job = LocalJob(self.directory, tuple(scenario.options), measured=False)
        self.job.environment = {"UNHURRIED_SECONDS": "0.004", "PYTHONDONTWRITEBYTECODE": "1"}

    def run(self) -> None:
        """Run, disturb, look, run again and look; raises AssertionError or TimeoutExpired."""
        path = self.directory / "in"
        path.write_bytes(self.scenario.text)
        try:
            first = self._disturbed()
            self._check_first(first, [self.scenario.text, path.read_bytes()])
            self._check_processes()
            self.scenario.before_resuming()
            self._run_again()
            assert self._output() == wanted(self.scenario.format, path.read_bytes()), "not the whole output"
            self._check_processes()
            self._check_files()
        finally:
            self.job.kill()

    def _disturbed(self) -> Ended:
        usual = dict(self.job.environment)
        self.job.environment.update(self.scenario.environment)
        process = self._start()
        self.job.environment = usual
        self.scenario.disturb(process)
        ran = _ended(process)
        self.code = ran.code
        return ran

    def _check_first(self, first: Ended, texts: list[bytes]) -> None:
        wholes = [wanted(self.scenario.format, text) for text in texts]
        output = self._output()
        if first.code == 0:
            assert output in wholes, "exit code 0, and the output is not whole"
        elif self.scenario.to_directory:
            # a run may be stopped just after its output appeared, never before that is whole
            assert output in {None, *wholes}, f"exit code {first.code}, and the output is not whole"
        else:
            assert any(whole.startswith(output or b"") for whole in wholes), "the output is of something else"
        if first.code not in KILLED | {0} and not _never_started(first.errors):
            assert first.errors.count("\n") == 1, f"exit code {first.code}, not one line: {first.errors}"

    def _run_again(self) -> None:
        if self._output() is not None and self.scenario.to_directory:
            shutil.rmtree(self.directory / "out")
        if self.scenario.resumes:
            again = _ended(self._start("--resume"))
            if again.code == 0:
                assert again.errors == "", f"resumed, with {again.errors}"
                return
            changed = self.scenario.kind in {"input", "part"}
            assert changed, f"--resume: exit code {again.code}: {again.errors}"
            assert again.errors.count("\n") == 1, f"not one line: {again.errors}"
            assert self._output() is None, "an output, though --resume ended in an error"
        again = _ended(self._start())
        assert again.code == 0, f"the next run: exit code {again.code}: {again.errors}"
        assert again.errors.count("\n") <= 1, f"not one line: {again.errors}"

    def _start(self, *options: str) -> subprocess.Popen[bytes]:
        """Start a run, whose output goes into a file unless it's in a directory of its own."""
        if self.scenario.to_directory:
            return self.job.start("in", *options)
        with (self.directory / "stdout").open("wb") as stdout:
            return self.job.start("in", *options, stdout=stdout)

    def _output(self) -> bytes | None:
        if not self.scenario.to_directory:
            return (self.directory / "stdout").read_bytes()
        out = self.directory / "out"
        if not out.exists():
            return None
        assert (out / "_SUCCESS").exists(), "an output without _SUCCESS"
        return output_of(out)

    def _check_processes(self) -> None:
        assert self.job.processes() == [], "processes are left"

    def _check_files(self) -> None:
        assert self.job.left() == [], f"temporary files are left: {self.job.left()}"
        left = {path.name for path in self.directory.iterdir()} - {"stdout"}
        assert left == {"in", "tmp"} | ({"out"} if self.scenario.to_directory else set()), f"left: {left}"


def outcome_of(seed: int, kinds: tuple[str, ...] = KINDS) -> Outcome:
    """Run a seed in a directory of its own, and return what it came to."""
    with TemporaryDirectory(prefix="faults-") as place:
        directory = Path(place) / "run"
        directory.mkdir()
        trial = Trial(scenario := Scenario(seed, directory, Path(place) / "counter", kinds))
        failure = ""
        try:
            trial.run()
        except (AssertionError, TimeoutExpired, OSError):
            failure = traceback.format_exc()
        return Outcome(seed, tuple(scenario.said), trial.code, failure)


def _ended(process: subprocess.Popen[bytes]) -> Ended:
    output, errors = process.communicate(timeout=LONGEST_SECONDS)
    return Ended(process.returncode, output or b"", errors.decode(errors="replace"))


def _never_started(errors: str) -> bool:
    """Return whether it was Python, not the job, that had no room to begin in."""
    early = ("Fatal Python error", "init_", "error while loading shared libraries", "MemoryError")
    return any(word in errors for word in early)
