"""A run on many nodes, from figures of one machine: `scaling.py [--check]`.

docs/scaling.md has the formula and its assumptions. Without --check, prints its tables; with it, compares the
formula and the simulation with the runs in results/cluster.json.
"""

import argparse
import heapq
import json
import math
import random
import statistics
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results" / "cluster.json"
RECORDS = (10**9, 10**12)
NODES = (1, 10, 100, 1000)
SIMULATIONS = 20
SECONDS_AN_HOUR = 3600


@dataclass(frozen=True)
class Cluster:
    """What a run's time depends on. Seconds, and records for each second.

    record_seconds is the time of one slot for one record, Hadoop's own part included. spread is the standard
    deviation of the logarithm of a task's time; lost is the share of attempts that are lost half-way.
    """

    slots: int
    record_seconds: float
    startup_seconds: float
    run_seconds: float
    task_records: int
    spread: float = 0.0
    lost: float = 0.0

    def tasks(self, records: int) -> int:
        """Return how many tasks there are."""
        return max(1, math.ceil(records / self.task_records))

    def task_seconds(self, records: int) -> float:
        """Return what a task takes."""
        return self.startup_seconds + records / self.tasks(records) * self.record_seconds


def rounds(tasks: int, slots: int) -> float:
    """Return how many tasks a slot has time for in a run, the last of which some slots wait for.

    That is half a task where there are many slots, and at least as many as the busiest slot has.
    """
    return max(math.ceil(tasks / slots), tasks / slots + (1 - 1 / slots) / 2)


def formula(cluster: Cluster, records: int) -> float:
    """Return the seconds of a run: its own, and those of a slot's tasks."""
    task = cluster.task_seconds(records) * (1 + cluster.lost / 2) * math.exp(cluster.spread**2 / 2)
    tasks = cluster.tasks(records)
    return cluster.run_seconds + task * (1 if tasks <= cluster.slots else rounds(tasks, cluster.slots))


def simulate(cluster: Cluster, records: int, rng: random.Random) -> float:
    """Return the seconds of one run, task by task: each goes to the slot that is free first."""
    task = cluster.task_seconds(records)
    free = [0.0] * min(cluster.slots, cluster.tasks(records))
    waiting = cluster.tasks(records)
    while waiting:
        start = heapq.heappop(free)
        took = task * rng.lognormvariate(0, cluster.spread)
        if rng.random() < cluster.lost:
            took /= 2  # half-way on average, and then the task waits again
        else:
            waiting -= 1
        heapq.heappush(free, start + took)
    return cluster.run_seconds + max(free)


def simulated(cluster: Cluster, records: int, runs: int = SIMULATIONS) -> float:
    """Return the mean of some simulated runs."""
    rng = random.Random(0)  # noqa: S311 - repeatable, not a secret
    return sum(simulate(cluster, records, rng) for _ in range(runs)) / runs


def measured_cluster(results: dict[str, Any]) -> Cluster:
    """Return the cluster whose figures two runs tell: over one record, and with a task for each core."""
    cores = results["machine"]["cores"]
    full = next(run for run in results["by_concurrent_tasks"] if run["tasks"] == cores)
    one = results["one_record"]
    fixed, startup = statistics.median(run["job"] for run in one["seconds"]), one["task_seconds"]
    task_records = math.ceil(results["rows"] / results["tasks"])
    # the formula, solved for what a task takes
    task = (full["seconds"] - (fixed - startup)) / rounds(results["tasks"], cores)
    return Cluster(
        slots=cores,
        record_seconds=(task - startup) / task_records,
        startup_seconds=startup,
        run_seconds=fixed - startup,
        task_records=task_records,
    )


def check(results: dict[str, Any]) -> None:
    """Print what formula and simulation say of the runs that were measured, and how far off they are."""
    print(f"{'tasks at a time':>15} {'measured':>9} {'formula':>9} {'simulated':>9}  off by")
    measured = measured_cluster(results)
    for run in results["by_concurrent_tasks"]:
        cluster = replace(measured, slots=min(run["tasks"], measured.slots))
        told, played = formula(cluster, results["rows"]), simulated(cluster, results["rows"], runs=1)
        off = f"{told / run['seconds'] - 1:+.0%}, {played / run['seconds'] - 1:+.0%}"
        print(f"{run['tasks']:>15} {run['seconds']:>8.1f}s {told:>8.1f}s {played:>8.1f}s  {off}")


def tables(results: dict[str, Any], slots_a_node: int, task_records: int) -> None:
    """Print time and node hours by records and nodes."""
    base = replace(measured_cluster(results), task_records=task_records, spread=0.2, lost=0.001)
    print(f"{'records':>9} {'nodes':>6} {'tasks':>8} {'formula':>9} {'simulated':>9} {'node hours':>11}")
    for records in RECORDS:
        for nodes in NODES:
            cluster = replace(base, slots=nodes * slots_a_node)
            hours = formula(cluster, records) / SECONDS_AN_HOUR
            played = simulated(cluster, records, runs=1) / SECONDS_AN_HOUR
            tasks = cluster.tasks(records)
            cells = f"{tasks:>8,} {hours:>8.2f}h {played:>8.2f}h {hours * nodes:>11.1f}"
            print(f"{records:>9.0e} {nodes:>6} {cells}")


def main() -> None:
    """Print what the command line asks for."""
    parser = argparse.ArgumentParser(description="A run on many nodes, from figures of one machine.")
    parser.add_argument("--check", action="store_true", help="compare with the runs that were measured")
    parser.add_argument("--slots", type=int, default=4, help="tasks at a time on a node (default 4)")
    parser.add_argument(
        "--task-records", type=int, default=1_600_000, help="records of a task (default: 128 MiB)"
    )
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    results = json.loads(options.results.read_text(encoding="utf-8"))
    if options.check:
        check(results)
    else:
        tables(results, options.slots, options.task_records)


if __name__ == "__main__":
    main()
