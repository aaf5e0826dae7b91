"""Plans of jobs, in processes of their own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PROJECT = HERE.parent.parent
JOB = PROJECT / "model_mapreduce_job" / "ml_model_map_reduce_job.py"
# A plan starts no spark-submit, but has to find one; Spark itself is there for the tests of clusters alone.
SPARK = ("-r", "spark", "--spark-submit-bin", "true")


@dataclass(frozen=True)
class Told:
    """What a plan came to."""

    code: int
    report: str
    errors: str

    def row(self, name: str) -> str:
        """Return what the report's row of this name says."""
        return next(line[15:] for line in self.report.splitlines() if line.startswith(f"{name:<14} "))


@dataclass(frozen=True)
class Planner:
    """Plans jobs with models of these tests; what they leave behind is below a directory."""

    directory: Path
    model: str = "told"
    job: Path = JOB

    def plan(self, *arguments: object, stdin: bytes = b"", **environment: str) -> Told:
        """Run a job with --plan."""
        return self.run("--plan", *arguments, stdin=stdin, **environment)

    def run(self, *arguments: object, stdin: bytes = b"", **environment: str) -> Told:
        """Run a job."""
        own = {
            "APP_SETTINGS": "plan_models.Models",
            "PYTHONPATH": os.pathsep.join((str(HERE), str(PROJECT))),
            "TMPDIR": str(self.tmp),
            "MRJOB_CONF": os.devnull,
        }
        command = [sys.executable, self.job, "--model_qualified_name", self.model]
        ended = subprocess.run(
            [*command, *map(str, arguments)],
            cwd=self.directory,
            env={**os.environ, **own, **environment},
            input=stdin,
            capture_output=True,
            timeout=120,
            check=False,
        )
        return Told(ended.returncode, ended.stdout.decode(), ended.stderr.decode())

    def figures(self, *arguments: object, **environment: str) -> dict[str, Any]:
        """Return what a plan writes to --summary_file."""
        summary = self.directory / "summary.json"
        told = self.plan("--summary_file", summary, *arguments, **environment)
        assert told.code == 0, told.errors
        figures: dict[str, Any] = json.loads(summary.read_text())["plan"]
        return figures

    @property
    def tmp(self) -> Path:
        """Return the directory for temporary files."""
        tmp = self.directory / "tmp"
        tmp.mkdir(exist_ok=True)
        return tmp

    def write(self, name: str, records: Iterable[Any]) -> Path:
        """Write one JSON line for each record."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{json.dumps(record)}\n" for record in records))
        return path


def numbered(count: int) -> list[dict[str, object]]:
    """Return records that are numbered."""
    return [{"n": number} for number in range(count)]
