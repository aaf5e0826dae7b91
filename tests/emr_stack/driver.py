"""Runs a job's driver against a stack, as a person would: a process with mrjob.conf and options."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from emr_stack.stack import EmrStack

PROJECT: Final = Path(__file__).parent.parent.parent
MAIN_JOB: Final = PROJECT / "model_mapreduce_job" / "ml_model_map_reduce_job.py"
UPPER_CASE: Final = PROJECT / "tests" / "emr_stack" / "jobs" / "upper_case.py"
DEADLINE_SECONDS: Final = 180.0  # of a run that takes five on an idle machine

# What tests change in mrjob.conf: the driver looks often (though each look makes all
# its clients anew), and the upper-case job needs nothing installed.
OFTEN: Final = f"""
include: {PROJECT / "mrjob.conf"}
runners:
  emr:
    check_cluster_every: 0.5
"""
BARE: Final = f"{OFTEN}    bootstrap: !clear null\n"


@dataclass(frozen=True)
class Started:
    """A driver that is under way."""

    process: subprocess.Popen[bytes]
    log: Path

    def wait_for(self, text: str) -> None:
        """Wait until the driver has written a text; fails when it ends or takes too long without."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while text not in self.log.read_text():
            assert self.process.poll() is None, f"ended without {text!r}: {self.log.read_text()}"
            assert time.monotonic() < deadline, f"no {text!r}: {self.log.read_text()}"
            time.sleep(0.05)

    def end(self, number: signal.Signals) -> int:
        """Send a signal, and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_SECONDS)


@dataclass(frozen=True)
class Driver:
    """Starts drivers; they leave nothing outside a directory of the test."""

    stack: EmrStack
    place: Path
    deadline_seconds: float = DEADLINE_SECONDS

    def run(self, *arguments: str | Path, job: Path = UPPER_CASE) -> subprocess.CompletedProcess[str]:
        """Run a job on EMR to its end."""
        ended = subprocess.run(
            self._command(job, arguments),
            env=self._environment(),
            cwd=PROJECT,
            capture_output=True,
            timeout=self.deadline_seconds,
            check=False,
        )
        # not as text: that would make an LF of each CR
        return subprocess.CompletedProcess(
            ended.args, ended.returncode, ended.stdout.decode(), ended.stderr.decode()
        )

    @contextmanager
    def start(self, *arguments: str | Path) -> Iterator[Started]:
        """Start the upper-case job on EMR; it is killed when the test leaves without having ended it."""
        log = self.place / f"driver-{time.monotonic_ns()}.log"
        command = self._command(UPPER_CASE, arguments)
        with (
            log.open("wb") as err,
            subprocess.Popen(
                command, env=self._environment(), cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=err
            ) as process,
        ):
            try:
                yield Started(process, log)
            finally:
                process.kill()

    def _command(self, job: Path, arguments: tuple[str | Path, ...]) -> list[str]:
        conf = self.place / f"{job.stem}.conf"
        conf.write_text(BARE if job == UPPER_CASE else OFTEN)
        return [sys.executable, str(job), "-r", "emr", "-c", str(conf), *map(str, arguments)]

    def _environment(self) -> dict[str, str]:
        tmp = self.place / "tmp"
        tmp.mkdir(exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if name != "MRJOB_CONF"}
        return {**kept, **self.stack.environment(), "TMPDIR": str(tmp)}
