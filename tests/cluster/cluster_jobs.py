"""Runs of the job on clusters, and on this machine to compare them with."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from local_hadoop import LocalHadoop
from local_jobs import PROJECT, TESTS, Ended, LocalJob
from models.mending import BROKEN

_FINGERPRINT = re.compile(r"^fingerprint +([0-9a-f]{32})$", re.MULTILINE)
IRIS = ("--model_qualified_name", "iris_model", "--fingerprint")
OBEDIENT = ("--model_qualified_name", "obedient", "--fingerprint")
IRIS_SETTINGS = {"APP_SETTINGS": "ProdConfig"}
# Spark works for seconds in a test: a second compiler and threads that collect garbage only cost
QUICK_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
QUICK_EXECUTORS = ("-D", f"spark.executor.extraJavaOptions={QUICK_JAVA}")


def make_bundle(path: Path, settings: str, *options: str) -> Path:
    """Make a bundle, as `make bundle` does."""
    environment = {**os.environ, "APP_SETTINGS": settings, "PYTHONPATH": str(TESTS)}
    command = [sys.executable, "-m", "model_mapreduce_job.bundle", str(path), *options]
    subprocess.run(command, cwd=PROJECT, env=environment, check=True, stdout=subprocess.DEVNULL)
    return path


def on_hadoop(hadoop: LocalHadoop, directory: Path, *options: str, **environment: str) -> LocalJob:
    """Return the job on Hadoop; its tasks and directories can be told from others by the job's token."""
    job = LocalJob(directory, environment={**hadoop.environment, **environment})
    named = ("--label", job.token, "--cmdenv", f"TEST_RUN_TOKEN={job.token}")
    job.options = ("-r", "hadoop", "--no-conf", *named, *options)
    return job


def fingerprint(run: Ended) -> str:
    """Return the fingerprint of a run that came to a good end."""
    return fingerprint_in(run.code, run.errors)


def fingerprint_in(code: int, errors: str) -> str:
    """Return the fingerprint of a run, by its exit code and standard error, that came to a good end."""
    assert code == 0, errors
    found = _FINGERPRINT.search(errors)
    assert found, errors
    return found[1]


def inline_fingerprint(directory: Path, *arguments: object, **environment: str) -> str:
    """Return the fingerprint of the same run on the inline runner."""
    return fingerprint(LocalJob(directory, environment=environment).run("-r", "inline", *arguments))


def half_failed(directory: Path) -> tuple[Path, Ended]:
    """Return an output of the iris job without each second prediction, and the run that predicted all."""
    ran = LocalJob(directory, environment=IRIS_SETTINGS).run(*IRIS, PROJECT / "data" / "input.ldjson")
    lines = ran.output.splitlines(keepends=True)
    lines[::2] = [line.partition(b"\t")[0] + b"\tnull\n" for line in lines[::2]]
    (directory / "earlier").write_bytes(b"".join(lines))
    return directory / "earlier", ran


def broken_tables(directory: Path, kind: str) -> tuple[Path, str]:
    """Return a table of this kind in which a model that was broken has failed some, and the mended one's run.

    That has predicted all: its fingerprint is what a replay comes to.
    """
    rows = {"n": pa.array(range(3_000), pa.int64()), "text": [f"t{n}" for n in range(3_000)]}
    pq.write_table(pa.table(rows), directory / "given.parquet", row_group_size=700)
    options = ("--model_qualified_name", "mending", "--fingerprint", "--on_error", "explain")
    given = (*options, "--output_protocol", kind, "given.parquet", "--output-dir")
    fingerprint(LocalJob(directory, environment={BROKEN: "1"}).run("-r", "local", *given, "earlier"))
    return directory / "earlier", fingerprint(LocalJob(directory).run(*given, "whole"))


@dataclass(frozen=True)
class Task:
    """A Python process of a task."""

    pid: int
    attempt: str
    node: str

    @classmethod
    def of(cls, job: LocalJob) -> "list[Task]":
        """Return the running tasks of a job: of each the process that Hadoop's Java machine has started."""
        found = []
        for pid in job.pids():
            environment = environment_of(pid)
            if "mapreduce_task_attempt_id" in environment and _parent_is_java(pid):
                node = re.search(r"nodemanager\d", environment["LOCAL_DIRS"])
                found.append(cls(pid, environment["mapreduce_task_attempt_id"], node[0] if node else ""))
        return found


def summary_of(path: Path) -> dict[str, Any]:
    """Return what a run has written to --summary_file."""
    summary: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return summary


def environment_of(pid: int) -> dict[str, str]:
    """Return the environment that a process was started with; none of one that has ended."""
    try:
        text = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return dict(entry.split("=", 1) for entry in text.split("\0") if "=" in entry)


def _parent_is_java(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        parent = next(line.split()[1] for line in status.splitlines() if line.startswith("PPid:"))
        return Path(f"/proc/{parent}/comm").read_text(encoding="ascii").strip() == "java"
    except (FileNotFoundError, ProcessLookupError):
        return False
