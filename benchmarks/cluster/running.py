"""The Hadoop of cluster/, up while a benchmark runs."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster.hadoop_jobs import ROOT, WORK, Cluster


@contextmanager
def running_cluster(bundle: Path | None = None) -> Iterator[Cluster]:
    """Have Hadoop up, and down again unless it was up before; with a bundle of the job as it is now."""
    was_up = command("status", "--json") == 0
    if command("up"):
        sys.exit(1)  # it has said why
    try:
        yield Cluster(bundle or _make_bundle())
    finally:
        if not was_up and command("down"):
            sys.exit(1)


def _make_bundle() -> Path:
    bundle = WORK / "bundle.tar.gz"
    subprocess.run([sys.executable, "-m", "model_mapreduce_job.bundle", str(bundle)], cwd=ROOT, check=True)
    return bundle


def command(*arguments: str) -> int:
    """Run a command of cluster.py; its exit code."""
    program = [sys.executable, str(ROOT / "cluster" / "cluster.py"), *arguments]
    return subprocess.run(program, check=False, stdout=subprocess.DEVNULL).returncode
