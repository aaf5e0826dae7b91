"""One seed: a run that is disturbed, and what must hold of it and of the next ones."""

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


@dataclass(frozen=True)
class Outcome:
    """What a seed came to; failure is empty when all was well."""

    seed: int
    faults: tuple[str, ...]
    codes: tuple[int, ...]
    failure: str = ""


class Trial:
    """A scenario's run, and the next ones."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.directory = scenario.directory
        self.codes: list[int] = []
        self.job = LocalJob(self.directory, tuple(scenario.options), measured=False)
        self.job.environment = {"UNHURRIED_SECONDS": "0.004", "PYTHONDONTWRITEBYTECODE": "1"}

    def run(self) -> None:
        """Run, disturb, look, run again and look; raises AssertionError or TimeoutExpired."""
        self.scenario.write_input()
        try:
            self._check_disturbed(self._disturbed())
            for _ in range(self.scenario.disturbed_runs - 1):
                self._remove_output()
                self._check_disturbed(self._disturbed(*(["--resume"] * self.scenario.resumes)))
            self.scenario.before_resuming()
            self._run_again()
            whole = wanted(self.scenario.format, (self.directory / "in").read_bytes())
            assert self._output() == whole, (
                f"not the whole output: {_difference(self._output() or b'', whole)}"
            )
            self._check_processes()
            self._check_files()
        finally:
            self.job.kill()

    def _disturbed(self, *options: str) -> Ended:
        usual = dict(self.job.environment)
        self.job.environment.update(self.scenario.environment)
        self.job.before = self.scenario.before
        process = self._start(*options)
        self.job.environment, self.job.before = usual, ()
        self.scenario.disturb(process, "".join(f"{option.strip('-')}: " for option in options))
        ran = _ended(process)
        self.codes.append(ran.code)
        return ran

    def _check_disturbed(self, ran: Ended) -> None:
        wholes = [wanted(self.scenario.format, text) for text in self.scenario.texts]
        output = None if self.scenario.changed_too_late else self._output()
        if ran.code == 0 and not self.scenario.changed_too_late:
            assert output in wholes, "exit code 0, and the output is not whole"
        elif self.scenario.to_directory:
            # a run may be stopped just after its output appeared, never before that is whole
            assert output in {None, *wholes}, f"exit code {ran.code}, and the output is not whole"
        else:
            # standard output can't be taken back; the exit code says that it was cut off
            assert any(whole.startswith(output or b"") for whole in wholes), "the output is of something else"
        self._check_code(ran)
        self._check_processes()

    def _check_code(self, ran: Ended) -> None:
        stopped = {code for kill in self.scenario.kills for code in kill.codes}
        errors = _less_of_discarded(ran.errors)
        if ran.code == 0:
            assert errors == "" or self._was_swallowed(errors), f"exit code 0, with {ran.errors}"
        elif ran.code in stopped and ran.code <= 1:
            # only a signal that nothing of the job's could handle, perhaps when another was being handled;
            # of Ctrl-C Python's own handler has its say
            said = [line for line in errors.splitlines() if not line.startswith("Stopped by ")]
            assert len(errors.splitlines()) - len(said) < len(self.scenario.kills), f"{ran.code}: {errors}"
            assert not said or "KeyboardInterrupt" in errors, f"{ran.code}, with {ran.errors}"
        elif ran.code in stopped:
            assert errors.startswith("Stopped by "), f"exit code {ran.code}: {ran.errors}"
            assert errors.count("\n") == 1, f"not one line: {ran.errors}"
        elif not _is_pythons_own(ran.errors):
            assert self.scenario.kind != "kill", f"nobody was to end it: exit code {ran.code}: {ran.errors}"
            assert ran.code == 1, f"exit code {ran.code}: {ran.errors}"
            assert errors.count("\n") == 1, f"not one line: {ran.errors}"

    def _remove_output(self) -> None:
        if self._output() is not None and self.scenario.to_directory:
            shutil.rmtree(self.directory / "out")

    def _was_swallowed(self, errors: str) -> bool:
        """Return whether Ctrl-C came while Python itself started, in a callback, which drops it."""
        early = any(
            kill.number == signal.SIGINT and kill.handled == "default" for kill in self.scenario.kills
        )
        return (
            early and errors.startswith("Exception ignored in") and errors.endswith("KeyboardInterrupt: \n")
        )

    def _run_again(self) -> None:
        self._remove_output()
        if self.scenario.resumes:
            again = _ended(self._start("--resume"))
            if again.code == 0:
                self._check_resumed(again.errors)
                return
            # parts of another input are none of this run's; any other can be gone on from
            assert len(self.scenario.texts) > 1, f"--resume: exit code {again.code}: {again.errors}"
            assert "input is not the same" in again.errors, f"--resume: {again.errors}"
            assert again.errors.count("\n") == 1, f"not one line: {again.errors}"
            assert self._output() is None, "an output, though --resume ended in an error"
        again = _ended(self._start())
        assert again.code == 0, f"the next run: exit code {again.code}: {again.errors}"
        assert _less_of_discarded(again.errors) == "", f"the next run: {again.errors}"

    def _check_resumed(self, errors: str) -> None:
        """Check that a part that was changed is named, as it's made again, and that no more is said."""
        changed = self.scenario.kind == "part"
        others = [line for line in errors.splitlines() if not line.endswith("and is made again.")]
        assert others == [], f"resumed, with {errors}"
        assert changed or errors == "", f"resumed, with {errors}"

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
        return Outcome(seed, tuple(scenario.said), tuple(trial.codes), failure)


def _ended(process: subprocess.Popen[bytes]) -> Ended:
    output, errors = process.communicate(timeout=LONGEST_SECONDS)
    return Ended(process.returncode, output or b"", errors.decode(errors="replace"))


def _difference(found: bytes, whole: bytes) -> str:
    """Return where two outputs begin to differ, and how they go on there."""
    pairs = zip(found, whole, strict=False)
    offset = next((at for at, (one, other) in enumerate(pairs) if one != other), min(len(found), len(whole)))
    ends = [text[offset : offset + 40] for text in (found, whole)]
    return f"{len(found):,} bytes, not {len(whole):,}; from {offset:,} on {ends[0]!r}, not {ends[1]!r}"


def _less_of_discarded(errors: str) -> str:
    """Return errors without the line by which a run that starts over says what it discards."""
    lines = errors.splitlines(keepends=True)
    return "".join(lines[1:] if lines and lines[0].startswith("Starting over, ") else lines)


def _is_pythons_own(errors: str) -> bool:
    """Return whether Python itself had no room to begin in, before anything of the job's was there."""
    early = ("Fatal Python error: init", "error while loading shared libraries", "MemoryError")
    return "model_mapreduce_job" not in errors and any(word in errors for word in early)
