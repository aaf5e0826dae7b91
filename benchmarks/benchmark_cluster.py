"""The job on Hadoop beside a streaming job of `cat`: `benchmark_cluster.py [--rows N] [--repetitions N]`.

Needs the Hadoop of cluster/, which it brings up and leaves as it was. benchmarks/README.md says what is
measured.
"""

import argparse
import json
import os
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cluster.hadoop_jobs import OUTPUT, ROOT, WORK, Cluster
from cluster.running import running_cluster
from cluster.small_files import small_files
from cluster.startup import startup_seconds
from iris_rows import write_iris_rows
from kept import command_line, keep
from mapper.machine import machine_facts
from one_record import one_record

KEPT = ROOT / "benchmarks" / "results" / "cluster.json"
ROWS, REPETITIONS, STARTS = 10_000_000, 3, 11
MOST_WALL_TIME, MOST_STARTUP_S = 1.1, 1.5
CONCURRENT = (1, 2, 4)
SOURCE = "hdfs:///benchmark/rows"


def main() -> None:
    """Measure, print and keep the figures."""
    options = parse_options()
    with running_cluster(options.bundle) as cluster:
        results = figures(cluster, options)
        cluster.fs("-rm", "-r", "-f", "-skipTrash", "/benchmark")
    print(json.dumps(results, indent=2))
    keep(results, options.results)


def parse_options() -> argparse.Namespace:
    """Read the command line of this process."""
    parser = argparse.ArgumentParser(description="Run the job on Hadoop beside a streaming job of `cat`.")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    parser.add_argument("--results", type=Path, default=KEPT)
    parts = parser.add_mutually_exclusive_group()
    parts.add_argument("--turns", action="store_true", help="cat, lines and blocks in turn, and nothing else")
    parts.add_argument(
        "--small-files", action="store_true", help="small files and one file, and nothing else"
    )
    parser.add_argument("--bundle", type=Path, help="one that was made before; a bundle takes its time")
    return parser.parse_args()


def figures(cluster: Cluster, options: argparse.Namespace) -> dict[str, Any]:
    """Return the figures to keep; where only some were asked for, with the others that are kept."""
    kept = json.loads(options.results.read_text(encoding="utf-8")) if options.results.exists() else {}
    if options.small_files:
        return {**kept, "small_files": dated(small_files(cluster, options.repetitions, timed))}
    put_rows(cluster, options.rows)
    if options.turns:
        return {**kept, "blocks": dated(in_turns(cluster, options))}
    return {
        **measure(cluster, options),
        "blocks": dated(in_turns(cluster, options)),
        "small_files": dated(small_files(cluster, options.repetitions, timed)),
    }


def dated(found: dict[str, Any]) -> dict[str, Any]:
    """Return figures with the command that repeats them, and their day."""
    return {"command": command_line(), "date": machine_facts()["date"], **found}


def measure(cluster: Cluster, options: argparse.Namespace) -> dict[str, Any]:
    """Return the figures that docs/scaling.md builds on."""
    startup = startup_seconds(cluster.bundle, STARTS)
    cluster.run_job(SOURCE, {})  # the first run brings the bundle to the nodes
    tasks = len(cluster.fs("-ls", "-C", f"{OUTPUT}/part-*").split())
    return {
        "machine": machine_facts(),
        "rows": options.rows,
        "startup_seconds": {**startup, "goal": MOST_STARTUP_S, "met": startup["median"] <= MOST_STARTUP_S},
        "tasks": tasks,
        "one_record": one_record(cluster, options.repetitions),
        "by_concurrent_tasks": [by_tasks(cluster, options.rows, tasks) for tasks in CONCURRENT],
    }


def in_turns(cluster: Cluster, options: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of the ways in turn."""
    ways: dict[str, Callable[[], tuple[float, str]]] = {
        "cat": lambda: cluster.run_cat(SOURCE, {}),
        "lines": lambda: cluster.run_job(SOURCE, {}, "--no_blocks"),
        "blocks": lambda: cluster.run_job(SOURCE, {}),
    }
    cluster.run_job(SOURCE, {"mapreduce.job.maps": "1"})  # the first run brings the bundle to the nodes
    found = [{name: timed(run) for name, run in ways.items()} for _ in range(options.repetitions)]
    ratio = _median_ratio(found, "seconds", "blocks", "cat")
    return {
        "rows": options.rows,
        "turns": found,
        "blocks_to_cat": {"median": ratio, "goal": MOST_WALL_TIME, "met": ratio <= MOST_WALL_TIME},
        "machine_cpu_of_blocks_to_lines": _median_ratio(found, "machine_cpu_seconds", "blocks", "lines"),
        "task_cpu_of_blocks_to_lines": _median_ratio(found, "task_cpu_seconds", "blocks", "lines"),
    }


def timed(run: Callable[[], tuple[float, str]]) -> dict[str, float]:
    """Return the seconds of a run, its map tasks' CPU time, and that of the whole machine while it ran."""
    before = busy_seconds()
    seconds, told = run()
    machine = busy_seconds() - before
    tasks = Cluster.cpu_seconds(told)
    return {"seconds": round(seconds, 2), "task_cpu_seconds": tasks, "machine_cpu_seconds": round(machine, 1)}


def busy_seconds() -> float:
    """Return the CPU time that the machine has spent at work since it was started."""
    fields = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _iowait, irq, softirq = map(int, fields[:7])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def _median_ratio(found: list[dict[str, dict[str, float]]], what: str, one: str, other: str) -> float:
    return round(statistics.median(turn[one][what] / turn[other][what] for turn in found), 3)


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


if __name__ == "__main__":
    main()
