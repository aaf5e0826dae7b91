"""Parquet to Parquet: the job beside Polars' scan_parquet and sink_parquet, same file, same ONNX model.

`tables.py [--rows N ...]` prints wall time, CPU time and peak memory of each, and keeps them as JSON.
"""

import argparse
import json
import os
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from kept import command_line, keep
from mapper.machine import machine_facts
from peer_runs.contenders import BENCHMARKS, JOB_PYTHON, JOB_SCRIPT, PEERS_PYTHON, QUIET, ROOT, WORK
from peer_runs.preparation import clear, make_environment
from peer_runs.process_tree import Command, Cost, run

FIELDS = ("sepal_length", "sepal_width", "petal_length", "petal_width")
KEPT = BENCHMARKS / "results" / "tables.json"
ROWS_A_BLOCK = 250_000
TIMEOUT = 1800.0
# What the job may take of Polars' figures, of 10M rows.
GOALS = {"wall_seconds": 1.1, "peak_mib": 0.333}


def main() -> None:
    """Run both on files of each size, print what they took, and keep it."""
    parser = parser_of("The job beside Polars, Parquet to Parquet.", "Polars", KEPT)
    parser.set_defaults(rows=[1_000_000, 10_000_000], peers_python=PEERS_PYTHON)
    options = parser.parse_args()
    if options.peers_python == PEERS_PYTHON:
        make_environment()
    WORK.mkdir(parents=True, exist_ok=True)
    cases = [case(rows, options) for rows in options.rows]
    results = {"command": command_line(), "machine": machine_facts(), "goals": GOALS, "cases": cases}
    keep(results, options.results)


def parser_of(description: str, library: str, kept: Path) -> argparse.ArgumentParser:
    """Return what reads the command line of a comparison with a library on Parquet files."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000_000], help="(default %(default)s)")
    parser.add_argument("--repetitions", type=int, default=3, help="runs of each (default %(default)s)")
    parser.add_argument("--peers-python", type=Path, help=f"a Python that has {library}")
    parser.add_argument("--results", type=Path, default=kept, help="the JSON file to write")
    return parser


def case(rows: int, options: argparse.Namespace) -> dict[str, Any]:
    """Run both in turn on a file, print what they took, and return it; their predictions must be the same."""
    source = made(WORK / f"iris-{rows}.parquet", rows)
    costs: dict[str, list[Cost]] = {}
    for _ in range(options.repetitions):
        predictions = []
        for name, arguments in commands(source, WORK / "tables-output", options.peers_python).items():
            clear(WORK / "tables-output")
            costs.setdefault(name, []).append(run(command(name, arguments, WORK / "tables-output")))
            predictions.append(species(WORK / "tables-output"))
        clear(WORK / "tables-output")
        if not predictions[0].equals(predictions[1]) or len(predictions[0]) != rows:
            raise SystemExit("The job and Polars have predicted something else.")
    found = {name: medians(each) for name, each in costs.items()}
    ratios = {figure: round(value / found["polars"][figure], 3) for figure, value in found["job"].items()}
    print(json.dumps({"rows": rows, **found, "ratios": ratios}, indent=2), flush=True)
    return {"rows": rows, **found, "job_to_polars": ratios}


def medians(costs: list[Cost]) -> dict[str, float]:
    """Return the medians of several runs' figures."""
    return {
        "wall_seconds": round(median(cost.wall_seconds for cost in costs), 3),
        "cpu_seconds": round(median(cost.cpu_seconds for cost in costs), 3),
        "peak_mib": round(median(cost.peak_bytes for cost in costs) / 2**20, 1),
        "peak_mib_less_files": round(median(cost.peak_bytes_less_files for cost in costs) / 2**20, 1),
    }


def species(output: Path) -> pa.ChunkedArray:
    """Return the predictions in an output, in its order."""
    tables = [pq.read_table(part, columns=["species"])["species"] for part in parts(output)]
    return pa.chunked_array([chunk.cast(pa.string()) for table in tables for chunk in table.chunks])


def made(path: Path, rows: int) -> Path:
    """Return a Parquet file of measurements, made when it is not there."""
    if not path.exists():
        random = np.random.default_rng(7)
        schema = pa.schema([(field, pa.float64()) for field in FIELDS])
        with pq.ParquetWriter(path, schema) as writer:
            for start in range(0, rows, ROWS_A_BLOCK):
                count = min(ROWS_A_BLOCK, rows - start)
                columns = [np.round(random.uniform(0.1, 8, count), 1) for _ in FIELDS]
                writer.write_table(pa.table(columns, schema=schema))
    return path


def commands(source: Path, output: Path, peers_python: Path) -> dict[str, list[str]]:
    """Return what to run, by name."""
    job = [str(JOB_PYTHON), JOB_SCRIPT, "-r", "local", "--num-cores", "2", "--no-conf"]
    options = [
        "--model_qualified_name",
        "iris_model",
        "--output_protocol",
        "parquet",
        "--output-dir",
        str(output),
    ]
    polars = [str(peers_python), str(BENCHMARKS / "peers" / "polars_parquet_peer.py")]
    return {"job": [*job, *options, str(source)], "polars": [*polars, str(source), str(output)]}


def command(name: str, arguments: list[str], output: Path) -> Command:
    """Return how to run one of them."""
    path = os.pathsep.join(map(str, (ROOT, BENCHMARKS / "peers")))
    log = output.with_suffix(f".{name}.log")
    environment = {**os.environ, **QUIET, "PYTHONPATH": path, "APP_SETTINGS": "ProdConfig"}
    return Command(arguments, environment, ROOT, log.with_suffix(".stdout"), log, TIMEOUT)


def parts(output: Path) -> list[Path]:
    """Return the files of an output."""
    return sorted(output.glob("*.parquet")) if output.is_dir() else [output]


if __name__ == "__main__":
    main()
