"""Runs the mapper beside a hand-written floor and plain mrjob jobs: `benchmark.py [--quick]`.

Prints what compares with what, and keeps it as JSON. README.md says what is measured and how.
"""

import argparse
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from kept import keep
from mapper.comparisons import Comparison, Spread, comparisons
from mapper.contestants import ROOT, WORK, contestants
from mapper.machine import machine_facts
from mapper.measured_process import Cost
from mapper.race import Race, run_race
from mapper.sizes import FULL, QUICK, Sizes

MIB = 1 << 20
KEPT = ROOT / "benchmarks" / "results" / "mapper.json"


def main() -> None:
    """Run what the command line asks for."""
    options = parse_options()
    sizes = chosen_sizes(options)
    facts = machine_facts()
    race = run_race(contestants(sizes), sizes)
    compared = list(comparisons(race))
    print_tables(race, compared)
    path = options.results or (WORK / "mapper-quick.json" if options.quick else KEPT)
    keep(results(facts, sizes, race, compared), path)


def parse_options() -> argparse.Namespace:
    """Read the command line of this process."""
    parser = argparse.ArgumentParser(
        description="Run the mapper beside a hand-written floor and plain mrjob jobs."
    )
    parser.add_argument(
        "--quick", action="store_true", help="small files, one repetition: shows only that it works"
    )
    parser.add_argument(
        "--repetitions", type=int, help=f"measured runs of each program (default {FULL.repetitions})"
    )
    parser.add_argument(
        "--results", type=Path, help="the JSON file to write (default benchmarks/results/mapper.json)"
    )
    return parser.parse_args()


def chosen_sizes(options: argparse.Namespace) -> Sizes:
    """Return the sizes that the options ask for."""
    sizes = QUICK if options.quick else FULL
    return replace(sizes, repetitions=options.repetitions) if options.repetitions else sizes


def print_tables(race: Race, compared: list[Comparison]) -> None:
    """Print a line for each contestant, then one for each comparison: medians, in brackets the extremes."""
    print(f"\n{'start-up left out':28} {'rows':>10} {'us CPU a row':>14} {'peak MiB':>9}")
    for name, run in summed_up(race).items():
        seconds, peak = run["cpu_us_a_row"]["median"], run["peak_mib"]["median"]
        print(f"{name:28} {run['rows']:10,} {seconds:14.3f} {peak:9.1f}")
    print(f"\n{'whole':28} {'CPU seconds':>25} {'peak MiB':>9}")
    for name, start in whole_runs(race).items():
        print(f"{name:28} {start['cpu_seconds']['median']:25.3f} {start['peak_mib']['median']:9.1f}")
    print()
    for comparison in compared:
        print(comparison)


def results(facts: dict[str, Any], sizes: Sizes, race: Race, compared: list[Comparison]) -> dict[str, Any]:
    """Return everything that is kept."""
    return {
        "machine": facts,
        "sizes": asdict(sizes),
        "comparisons": {
            comparison.name: {
                **asdict(comparison.spread),
                comparison.target.bound.replace(" ", "_"): comparison.target.value,
                "met": comparison.is_met,
            }
            for comparison in compared
        },
        "start_up_left_out": summed_up(race),
        "whole": whole_runs(race),
    }


def summed_up(race: Race) -> dict[str, dict[str, Any]]:
    """Return what each contestant needs over its file."""
    return {
        name: {
            "rows": contestant.rows,
            "cpu_us_a_row": spread([seconds / contestant.rows * 1e6 for seconds in race.work_seconds(name)]),
            "rows_a_cpu_second": spread(race.rates(name)),
            **costs(race.runs[name]),
        }
        for name, contestant in race.contestants.items()
    }


def whole_runs(race: Race) -> Mapping[str, dict[str, Any]]:
    """Return what each program needs that has nothing to read."""
    return {
        name: {"cpu_seconds": spread([cost.cpu_seconds for cost in start]), **costs(start)}
        for name, start in race.starts.items()
    }


def costs(runs: list[Cost]) -> dict[str, Any]:
    """Return time and memory of whole runs."""
    return {
        "wall_seconds": spread([run.wall_seconds for run in runs]),
        "peak_mib": spread([run.peak_bytes / MIB for run in runs]),
    }


def spread(values: list[float]) -> dict[str, float]:
    """Return median, minimum and maximum to four digits behind the point."""
    return {name: round(value, 4) for name, value in asdict(Spread.of(values)).items()}


if __name__ == "__main__":
    main()
