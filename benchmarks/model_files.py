"""Model files: the job beside the few lines that a person would write with pandas and the same library.

`model_files.py [--rows N] [--libraries xgboost,...] [--formats csv,parquet] [--cores 1,2]` runs both in turns
over the same file: 18 columns, numbers of which some are missing, and a text.
"""

import argparse
import os
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from kept import keep
from mapper.machine import machine_facts
from model_file_training import FEATURES, LIBRARIES, save
from peer_runs.preparation import clear
from peer_runs.process_tree import Command, Cost, run

from model_mapreduce_job.models.files import path_digest

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "benchmarks" / "work" / "model_files"
KEPT = ROOT / "benchmarks" / "results" / "model_files.json"
JOB = ROOT / "model_mapreduce_job" / "ml_model_map_reduce_job.py"
SCRIPT = ROOT / "benchmarks" / "peers" / "pandas_model_file.py"
TARGETS = {1: 1.1, 2: 0.7}
TIMEOUT = 900.0
MISSING = 0.02


@dataclass(frozen=True)
class Case:
    """What is run: a library's model over a file of a format, on a number of cores."""

    library: str
    format: str
    cores: int
    source: Path
    model: Path

    def commands(self, output: Path) -> dict[str, list[str]]:
        """Return the job's and the script's command, which write the same columns."""
        job = [sys.executable, str(JOB), "--no-conf", "--quiet", "--model_file", str(self.model)]
        job += ["-r", "inline"] if self.cores == 1 else ["-r", "local", "--num-cores", str(self.cores)]
        job += ["--output_protocol", self.format, "--output-dir", str(output)]
        job += ["--features", ",".join(FEATURES)] if self.library == "onnx" else []
        job += ["--trust_model_file", path_digest(self.model)] if self.library == "sklearn" else []
        script = [sys.executable, str(SCRIPT), self.library, str(self.model), str(self.source), str(output)]
        pinned = ["taskset", "-c", "0"] if self.cores == 1 else []
        return {"job": [*pinned, *job, str(self.source)], "script": [*pinned, *script]}


def main() -> None:
    """Run what the command line asks for."""
    options = parse_options()
    WORK.mkdir(parents=True, exist_ok=True)
    found = [measured(case, options.rounds) for case in cases(options)]
    facts = {"machine": machine_facts(), "rows": options.rows, "rounds": options.rounds}
    keep({**facts, "cases": found}, options.results)


def parse_options() -> argparse.Namespace:
    """Read the command line of this process."""
    parser = argparse.ArgumentParser(description="Model files: the job beside pandas.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--libraries", default=",".join(LIBRARIES))
    parser.add_argument("--formats", default="csv,parquet")
    parser.add_argument("--cores", default="1,2")
    parser.add_argument("--results", type=Path, default=KEPT)
    return parser.parse_args()


def cases(options: argparse.Namespace) -> Iterator[Case]:
    """Yield what the options ask for; files that are not there are made."""
    for library in options.libraries.split(","):
        model = save(library, WORK)
        for kind in options.formats.split(","):
            source = made(kind, options.rows)
            for cores in map(int, options.cores.split(",")):
                yield Case(library, kind, cores, source, model)


def made(kind: str, rows: int) -> Path:
    """Return a file of this many rows, which is made when it is not there."""
    path = WORK / f"rows-{rows}.{kind}"
    if not path.exists():
        table = rows_of(rows)
        table.to_csv(path, index=False) if kind == "csv" else table.to_parquet(path)
    return path


def rows_of(count: int) -> pd.DataFrame:
    """Return a table with an id, 16 numbers of which 2 % are missing, and a city."""
    random = np.random.default_rng(11)
    numbers = {name: random.normal(50, 20, count).round(3) for name in FEATURES}
    for values in numbers.values():
        values[random.random(count) < MISSING] = np.nan
    cities = random.choice(["Lodz", "Oslo", "Quito", "Accra"], count)
    return pd.DataFrame({"id": np.arange(count), **numbers, "city": cities})


def measured(case: Case, rounds: int) -> dict[str, Any]:
    """Return the wall times of both, one after the other in each round, and print their ratio."""
    costs: dict[str, list[Cost]] = {"job": [], "script": []}
    output = WORK / "output"
    for _ in range(rounds):
        for name, arguments in case.commands(output).items():
            clear(output)
            log = WORK / f"{name}.log"
            environment = {**os.environ, "PYTHONPATH": str(ROOT)}
            costs[name].append(
                run(Command(arguments, environment, ROOT, log.with_suffix(".out"), log, TIMEOUT))
            )
    clear(output)
    walls = {name: [round(cost.wall_seconds, 3) for cost in found] for name, found in costs.items()}
    ratio = statistics.median(a / b for a, b in zip(walls["job"], walls["script"], strict=True))
    target = TARGETS[case.cores]
    print(
        f"{case.library:9} {case.format:8} {case.cores} cores: job {min(walls['job']):6.2f} s, "
        f"script {min(walls['script']):6.2f} s, ratio {ratio:5.2f}, at most {target}: "
        f"{'met' if ratio <= target else 'MISSED'}",
        flush=True,
    )
    facts = {"library": case.library, "format": case.format, "cores": case.cores}
    return {
        **facts,
        "wall_seconds": walls,
        "ratio": round(ratio, 3),
        "at_most": target,
        "met": ratio <= target,
    }


if __name__ == "__main__":
    main()
