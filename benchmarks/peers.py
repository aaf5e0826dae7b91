"""Runs the job beside the tools that people would pick instead: `peers.py [--quick]`.

Prints a table for each case, and keeps the figures as JSON. peers/README.md says what is measured and how.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kept import command_line, keep
from mapper.machine import machine_facts
from peer_runs.contenders import BENCHMARKS, WORK, Case, Contender, contenders
from peer_runs.preparation import REQUIREMENTS, check_machine, make_case, make_csv_case, make_environment
from peer_runs.process_tree import RunError
from peer_runs.race import race
from peer_runs.standings import Standing, as_json, ratios, standings, table

KEPT = BENCHMARKS / "results" / "peers.json"
QUICK_ROWS = 20_000
PLAIN = "plain mrjob"


def main() -> None:
    """Run what the command line asks for."""
    options = parse_options()
    try:
        chosen = chosen_contenders(options.peers)
        check_machine()
        make_environment()
        cases = [
            make_case(model, rows, options.bad_share if model == "iris" else 0.0)
            for model, rows in chosen_sizes(options)
        ]
        if options.csv:
            cases = [make_csv_case(case, writes) for case in cases for writes in options.csv]
        results = run_cases(cases, chosen, options)
    except RunError as error:
        sys.exit(f"peers.py: {error}")
    path = options.results or (WORK / "peers-quick.json" if options.quick else KEPT)
    keep(results, path)


def parse_options() -> argparse.Namespace:
    """Read the command line of this process."""
    parser = argparse.ArgumentParser(
        description="Run the job beside the tools that people would pick instead."
    )
    parser.add_argument("--rows", type=int, nargs="*", default=[1_000_000, 10_000_000], help="of iris")
    parser.add_argument("--wide-rows", type=int, nargs="*", default=[1_000_000], help="of the wide record")
    parser.add_argument("--peers", nargs="+", help=f"who runs (default all): {', '.join(contenders())}")
    parser.add_argument("--repetitions", type=int, default=3, help="runs of each (default %(default)s)")
    parser.add_argument("--bad-share", type=float, default=0.0, help="share of iris rows that are bad")
    parser.add_argument(
        "--csv", nargs="+", choices=["csv", "json"], help="rows as csv, written in each of these"
    )
    parser.add_argument("--timeout", type=float, default=1800.0, help="seconds that a run may take")
    parser.add_argument(
        "--unchecked", action="store_true", help="outputs are not compared, which takes longer than the runs"
    )
    parser.add_argument("--quick", action="store_true", help="small files, one run each: only that it works")
    parser.add_argument("--results", type=Path, help="the JSON file to write (default results/peers.json)")
    return parser.parse_args()


def chosen_contenders(names: Sequence[str] | None) -> list[Contender]:
    """Return the contenders of these names, all without names; raises RunError for one that is not there."""
    known = contenders()
    if unknown := set(names or ()) - known.keys():
        raise RunError(f"no such peer: {', '.join(sorted(unknown))}. There are: {', '.join(known)}")
    return [known[name] for name in names or known]


def chosen_sizes(options: argparse.Namespace) -> list[tuple[str, int]]:
    """Return the model and the number of rows of each case."""
    if options.quick:
        return [("iris", QUICK_ROWS), ("wide", QUICK_ROWS)]
    return [("iris", rows) for rows in options.rows] + [("wide", rows) for rows in options.wide_rows]


def run_cases(
    cases: Sequence[Case], chosen: Sequence[Contender], options: argparse.Namespace
) -> dict[str, Any]:
    """Run each case, print its table, and return all that is kept."""
    kept: dict[str, Any] = {
        "command": command_line(),
        "machine": machine_facts(),
        "peers": pinned_versions(),
        "cases": [],
    }
    # The plain job does not run on every size: its rate on the largest that it ran is what counts.
    plain_rates: dict[str, float | None] = {}
    for case in cases:
        found = run_case(case, chosen, options)
        plain_rates[case.model] = rate_of(PLAIN, found) or plain_rates.get(case.model)
        compared = ratios(found, plain_rates[case.model])
        print("\n".join(f"{name:36}{value}" for name, value in compared.items()), flush=True)
        kept["cases"].append(case_results(case, found, compared, options))
    return kept


def run_case(case: Case, chosen: Sequence[Contender], options: argparse.Namespace) -> list[Standing]:
    """Run the contenders on one case and print their table."""
    print(f"\n{case.name}, load {os.getloadavg()[0]:.2f}", flush=True)
    repetitions = 1 if options.quick else options.repetitions
    found = standings([*race(case, chosen, repetitions, options.timeout, compares=not options.unchecked)])
    print(table(found), flush=True)
    return found


def rate_of(name: str, found: Sequence[Standing]) -> float | None:
    """Return the rows/s of a contender, None when it has no good run."""
    return next((each.rows_per_second for each in found if each.name == name and each.costs), None)


def case_results(
    case: Case, found: Sequence[Standing], compared: dict[str, float | str], options: argparse.Namespace
) -> dict[str, Any]:
    """Return what is kept of a case."""
    return {
        "model": case.model,
        "rows": case.rows,
        "reads": case.reads,
        "writes": case.writes,
        "bytes": case.input.stat().st_size,
        "bad_share": options.bad_share,
        "outputs_compared": not options.unchecked,
        "ratios": compared,
        "standings": [as_json(each) for each in found],
    }


def pinned_versions() -> list[str]:
    """Return the requirements that the peers were installed from."""
    lines = REQUIREMENTS.read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


if __name__ == "__main__":
    main()
