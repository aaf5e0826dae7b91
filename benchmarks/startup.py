"""How long a short run takes to start: `-r local` on 15 rows beside what it can't do without.

The reference is the wall time of `python -c "import mrjob.job"` plus that of a process that loads the model
alone. Pairs are interleaved, so that other work on the machine meets both; the ratio is what counts.

    python benchmarks/startup.py
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
KEPT = PROJECT / "benchmarks" / "results" / "startup.json"
REPETITIONS = 15
LIMIT = 1.3

_RUN = ("-m", "model_mapreduce_job", "-r", "local", "--quiet", "--no-conf")
RUN = [sys.executable, *_RUN, "--model_qualified_name", "iris_model", "data/input.ldjson"]
IMPORT = [sys.executable, "-c", "import mrjob.job"]
LOAD = [sys.executable, "-c", "from iris_model.iris_predict import IrisModel; IrisModel()"]


def main() -> None:
    """Measure, show the figures, and keep them."""
    parser = argparse.ArgumentParser(description="Measure how long a short run takes to start.")
    parser.add_argument("--repetitions", type=int, default=REPETITIONS, help="pairs to run (default: 15)")
    parser.add_argument("--results", type=Path, default=KEPT, help="the file to write")
    options = parser.parse_args()
    figures = measure(options.repetitions)
    text = json.dumps(figures, indent=2)
    options.results.write_text(f"{text}\n", encoding="utf-8")
    sys.stdout.write(f"{text}\n")


def measure(repetitions: int) -> dict[str, Any]:
    """Return the medians of interleaved runs, and the median of the ratios of each pair."""
    rounds = [[seconds(command) for command in (RUN, IMPORT, LOAD)] for _ in range(repetitions + 1)][1:]
    run, imported, loaded = (median(times) for times in zip(*rounds, strict=True))
    return {
        "repetitions": repetitions,
        "run_seconds": round(run, 3),
        "import_mrjob_seconds": round(imported, 3),
        "load_model_seconds": round(loaded, 3),
        "ratio": round(median(each[0] / (each[1] + each[2]) for each in rounds), 2),
        "ratio_limit": LIMIT,
        "python": sys.version.split()[0],
        "cores": os.cpu_count(),
    }


def seconds(command: list[str]) -> float:
    """Return the wall time of a command."""
    environment = {**os.environ, "PYTHONPATH": "./", "APP_SETTINGS": "ProdConfig"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # installed packages are compiled
    started = perf_counter()
    subprocess.run(command, cwd=PROJECT, env=environment, check=True, capture_output=True)
    return perf_counter() - started


if __name__ == "__main__":
    main()
