"""Parquet to Parquet, and lines of JSON, on Spark (`local[2]`): the job beside mapInPandas, same model.

`spark_tables.py [--rows N ...] [--text-rows N ...]` prints wall time, CPU time and peak memory of each, and
keeps them as JSON.
"""

import argparse
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from kept import command_line, keep
from mapper.machine import machine_facts
from peer_runs.contenders import BENCHMARKS, JOB_PYTHON, JOB_SCRIPT, WORK
from peer_runs.preparation import clear, make_case
from peer_runs.process_tree import Cost, run
from tables import command, made, medians, parser_of, species

KEPT = BENCHMARKS / "results" / "spark_tables.json"
MASTER = "local[2]"
# What the job may take of mapInPandas' wall time, of 10M rows of a table and of 2M lines.
GOALS = {"tables": 1.0, "text": 0.8}
TEXT_ROWS = 2_000_000
_SPECIES = re.compile(rb'"species": ?"(\w+)"')


def main() -> None:
    """Run both on files of each size, print what they took, and keep it."""
    parser = parser_of("The job on Spark beside mapInPandas, with tables and with lines.", "pyspark", KEPT)
    parser.add_argument("--text-rows", type=int, nargs="*", default=[TEXT_ROWS], help="(default %(default)s)")
    parser.set_defaults(peers_python=JOB_PYTHON)
    options = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    results = {
        "command": command_line(),
        "machine": machine_facts(),
        "goals": GOALS,
        "tables": [case(table_of(rows), rows, options) for rows in options.rows],
        "text": [case(make_case("iris", rows, 0.0).input, rows, options) for rows in options.text_rows],
    }
    keep(results, options.results)


def table_of(rows: int) -> Path:
    """Return the table of so many rows."""
    return made(WORK / f"iris-{rows}.parquet", rows)


def case(source: Path, rows: int, options: argparse.Namespace) -> dict[str, Any]:
    """Run both in turn on a file, print what they took, and return it; their predictions must be the same."""
    output = WORK / "spark-output"
    costs: dict[str, list[Cost]] = {}
    for _ in range(options.repetitions):
        predictions = []
        for name, arguments in commands(source, output, options.peers_python).items():
            clear(output)
            costs.setdefault(name, []).append(run(command(name, arguments, output)))
            predictions.append(counts(output))
        clear(output)
        if predictions[0] != predictions[1] or sum(predictions[0].values()) != rows:
            raise SystemExit("The job and mapInPandas have predicted something else.")
    found = {name: medians(each) for name, each in costs.items()}
    ratio = round(found["job"]["wall_seconds"] / found["map_in_pandas"]["wall_seconds"], 3)
    print(json.dumps({"rows": rows, **found, "wall_ratio": ratio}, indent=2), flush=True)
    return {"rows": rows, **found, "wall_ratio": ratio}


def counts(output: Path) -> dict[str, int]:
    """Return how often each class was predicted: Spark's parts have no order."""
    if list(output.glob("*.parquet")):
        return {pair["values"]: pair["counts"] for pair in species(output).value_counts().to_pylist()}
    parts = [path for path in output.glob("part-*") if path.is_file()]
    return dict(Counter(name.decode() for part in parts for name in _SPECIES.findall(part.read_bytes())))


def commands(source: Path, output: Path, peers_python: Path) -> dict[str, list[str]]:
    """Return what to run, by name."""
    job = [str(JOB_PYTHON), JOB_SCRIPT, "-r", "spark", "--spark-master", MASTER, "--no-conf"]
    protocol = ["--output_protocol", "parquet"] if source.suffix == ".parquet" else []
    model = ["--model_qualified_name", "iris_model", *protocol]
    peer = [str(peers_python), str(BENCHMARKS / "peers" / "spark_peer.py"), "--model", "iris"]
    return {
        "job": [*job, *model, "--output-dir", str(output), str(source)],
        "map_in_pandas": [*peer, "--workers", "2", str(source), str(output)],
    }


if __name__ == "__main__":
    main()
