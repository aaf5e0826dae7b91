"""A run over one record on Hadoop beside a streaming job of `cat`: `one_record.py [--repetitions N]`.

What differs is what the driver and one task's start take. Needs the Hadoop of cluster/, as
benchmark_cluster.py does.
"""

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

from cluster.hadoop_jobs import ROOT, WORK, Cluster
from cluster.running import running_cluster
from iris_rows import write_iris_rows
from kept import command_line, keep
from mapper.machine import machine_facts

KEPT = ROOT / "benchmarks" / "results" / "one_record.json"
SOURCE = "hdfs:///benchmark/one"
ONE_TASK = {"mapreduce.job.maps": "1"}
MOST_WALL_TIME, REPETITIONS, WARM_UPS = 1.2, 5, 3


def main() -> None:
    """Measure, print and keep the figures."""
    parser = argparse.ArgumentParser(description="Run the job over one record, and `cat`.")
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    parser.add_argument("--results", type=Path, default=KEPT)
    options = parser.parse_args()
    with running_cluster() as cluster:
        figures = one_record(cluster, options.repetitions)
        results = {"machine": machine_facts(), "command": command_line(), **figures}
    print(json.dumps(results, indent=2))
    keep(results, options.results)


def one_record(cluster: Cluster, repetitions: int) -> dict[str, Any]:
    """Return the seconds of both jobs over one record, in turn, and of the job's task."""
    path = WORK / "one.ldjson"
    write_iris_rows(path, 1)
    cluster.fs("-mkdir", "-p", "/benchmark")
    cluster.fs("-put", "-f", path, SOURCE)
    for _ in range(WARM_UPS):  # the first runs bring the bundle and the code to both nodes
        cluster.run_job(SOURCE, ONE_TASK)
    cats, jobs, tasks = [], [], []
    for _ in range(repetitions):
        cats.append(cluster.run_cat(SOURCE, ONE_TASK)[0])
        seconds, printed = cluster.run_job(SOURCE, ONE_TASK)
        jobs.append(seconds)
        tasks.append(cluster.map_seconds(printed))
    ratio = statistics.median(job / cat for cat, job in zip(cats, jobs, strict=True))
    return {
        "seconds": [
            {"cat": round(cat, 2), "job": round(job, 2)} for cat, job in zip(cats, jobs, strict=True)
        ],
        "job_to_cat": {"median": round(ratio, 3), "goal": MOST_WALL_TIME, "met": ratio <= MOST_WALL_TIME},
        "task_seconds": round(statistics.median(tasks), 2),
    }


if __name__ == "__main__":
    main()
