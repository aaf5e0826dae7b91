"""The job on Hadoop beside a streaming job of `cat`: `benchmark_cluster.py [--rows N] [--repetitions N]`.

Needs the Hadoop of cluster/, which it brings up and leaves as it was. benchmarks/README.md says what is
measured.
"""

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cluster.hadoop_jobs import OUTPUT, ROOT, WORK, Cluster
from cluster.startup import startup_seconds
from iris_rows import write_iris_rows
from mapper.machine import machine_facts

KEPT = ROOT / "benchmarks" / "results" / "cluster.json"
ROWS, REPETITIONS, STARTS = 10_000_000, 3, 11
MOST_WALL_TIME, MOST_STARTUP_S = 1.35, 1.5
CONCURRENT = (1, 2, 4)
SOURCE, ONE = "hdfs:///benchmark/rows", "hdfs:///benchmark/one"


def main() -> None:
    """Measure, print and keep the figures."""
    options = parse_options()
    with running_cluster() as cluster:
        put_rows(cluster, options.rows)
        results = measure(cluster, options)
        cluster.fs("-rm", "-r", "-f", "-skipTrash", "/benchmark")
    options.results.parent.mkdir(parents=True, exist_ok=True)
    options.results.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(results, indent=2))
    print(f"kept in {options.results}")


def parse_options() -> argparse.Namespace:
    """Read the command line of this process."""
    parser = argparse.ArgumentParser(description="Run the job on Hadoop beside a streaming job of `cat`.")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    parser.add_argument("--results", type=Path, default=KEPT)
    return parser.parse_args()


def measure(cluster: Cluster, options: argparse.Namespace) -> dict[str, Any]:
    """Return all figures."""
    startup = startup_seconds(cluster.bundle, STARTS)
    cluster.run_job(SOURCE, {})  # the first run brings the bundle to the nodes
    pairs = [
        (cluster.run_cat(SOURCE, {}), cluster.run_job(SOURCE, {})[0]) for _ in range(options.repetitions)
    ]
    tasks = len(cluster.fs("-ls", "-C", f"{OUTPUT}/part-*").split())
    ratio = statistics.median(job / cat for cat, job in pairs)
    return {
        "machine": machine_facts(),
        "rows": options.rows,
        "seconds": [{"cat": round(cat, 2), "job": round(job, 2)} for cat, job in pairs],
        "job_to_cat": {"median": round(ratio, 3), "goal": MOST_WALL_TIME, "met": ratio <= MOST_WALL_TIME},
        "startup_seconds": {**startup, "goal": MOST_STARTUP_S, "met": startup["median"] <= MOST_STARTUP_S},
        "tasks": tasks,
        **one_record(cluster),
        "by_concurrent_tasks": [by_tasks(cluster, options.rows, tasks) for tasks in CONCURRENT],
    }


def one_record(cluster: Cluster) -> dict[str, float]:
    """Return the seconds of a run over one record, and of its task as the cluster sees it."""
    cluster.fs("-rm", "-f", ONE)
    path = WORK / "one.ldjson"
    write_iris_rows(path, 1)
    cluster.fs("-put", path, ONE)
    runs = [cluster.run_job(ONE, {"mapreduce.job.maps": "1"}) for _ in range(REPETITIONS)]
    seconds = statistics.median(seconds for seconds, _ in runs)
    task = statistics.median(cluster.map_seconds(told) for _, told in runs)
    return {"one_record_seconds": round(seconds, 2), "task_seconds": round(task, 2)}


def by_tasks(cluster: Cluster, rows: int, tasks: int) -> dict[str, Any]:
    """Return the rate of the job with so many tasks at a time."""
    seconds, _ = cluster.run_job(SOURCE, {"mapreduce.job.running.map.limit": str(tasks)})
    return {
        "tasks": tasks,
        "seconds": round(seconds, 2),
        "records_per_second": round(rows / seconds),
    }


def put_rows(cluster: Cluster, rows: int) -> None:
    """Make the input, unless it was made before, and put it into HDFS."""
    path = WORK / f"iris-{rows}.ldjson"
    if not path.exists():
        WORK.mkdir(parents=True, exist_ok=True)
        write_iris_rows(path, rows)
    cluster.fs("-mkdir", "-p", "/benchmark")
    cluster.fs("-put", "-f", path, SOURCE)


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Have Hadoop up, and down again unless it was up before; with a bundle of the job as it is now."""
    bundle = WORK / "bundle.tar.gz"
    subprocess.run([sys.executable, "-m", "model_mapreduce_job.bundle", str(bundle)], cwd=ROOT, check=True)
    was_up = command("status", "--json", check=False) == 0
    command("up", check=True)
    try:
        yield Cluster(bundle)
    finally:
        if not was_up:
            command("down", check=True)


def command(*arguments: str, check: bool) -> int:
    """Run a command of cluster.py; its exit code."""
    program = [sys.executable, str(ROOT / "cluster" / "cluster.py"), *arguments]
    return subprocess.run(program, check=check, stdout=subprocess.DEVNULL).returncode


if __name__ == "__main__":
    main()
