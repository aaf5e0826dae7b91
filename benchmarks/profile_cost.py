"""What a profile adds to a task's CPU time: of records of 4 fields and of 20, as ldjson and as csv.

`profile_cost.py [--repetitions N]` predicts each file with and without a profile, in turn, each in a process
of its own, prints what they took, and keeps it as JSON. The load of the model and the first batches, which
warm up, are not counted.
"""

import argparse
import gc
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import msgspec
from iris_rows import write_iris_rows
from kept import keep
from mapper.machine import machine_facts
from wide_rows import write_wide_rows

from model_mapreduce_job.config import Config
from model_mapreduce_job.task.delimited_options import text_reading
from model_mapreduce_job.task.factory import TaskFactory
from model_mapreduce_job.task.messages import Begin
from model_mapreduce_job.task.task_options import TaskOptions

BENCHMARKS = Path(__file__).resolve().parent
WORK = BENCHMARKS / "work"
KEPT = BENCHMARKS / "results" / "profile_cost.json"
# What a profile may add, as a share of the CPU time without one.
GOALS = {"iris_model": 0.15, "wide_model": 0.25}
WARM_UP_ROWS = 20_000


class Settings(Config):
    """The configuration: both examples."""

    models: ClassVar = [
        {"module_name": "iris_model.iris_predict", "class_name": "IrisModel", "qualified_name": "iris_model"},
        {"module_name": "wide_model.wide_predict", "class_name": "WideModel", "qualified_name": "wide_model"},
    ]


@dataclass(frozen=True)
class Case:
    """A file, and the model that predicts it."""

    model: str
    kind: str
    rows: int

    @property
    def path(self) -> Path:
        """Where the file is."""
        return WORK / f"{self.model}-{self.rows}.{self.kind}"

    def make(self) -> None:
        """Make the file, when it is not there."""
        if self.path.exists():
            return
        WORK.mkdir(exist_ok=True)
        lines = self.path.with_suffix(".ldjson")
        if not lines.exists():
            {"iris_model": write_iris_rows, "wide_model": write_wide_rows}[self.model](lines, self.rows)
        if self.kind == "csv":
            write_csv(lines, self.path)


def write_csv(source: Path, target: Path) -> None:
    """Write the records of an ldjson file as csv with a header."""
    with source.open("rb") as lines, target.open("w") as file:
        for place, record in enumerate(map(msgspec.json.decode, lines)):
            if not place:
                file.write(",".join(record) + "\n")
            file.write(",".join("" if value is None else str(value) for value in record.values()) + "\n")


def task_seconds(case: Case, *, is_profiled: bool) -> float:
    """Return the CPU seconds that a task takes for the case's file, in this process."""
    with case.path.open("rb") as file:
        header = file.readline().decode().strip() if case.kind == "csv" else None
    options = TaskOptions(
        model_qualified_name=case.model,
        input_protocol=case.kind,
        columns=header,
        header=case.kind == "csv",
        is_profiled=is_profiled,
    )
    gc.set_threshold(100_000, 50, 50)  # as tasks have it
    pipeline = TaskFactory(Begin(options)).make(0)
    started, rows = 0.0, 0
    with case.path.open("rb", buffering=0) as file:
        for lines in pipeline.predict_lines(text_reading(options).quick_blocks(file)):
            rows += len(lines)
            if not started and rows > WARM_UP_ROWS:
                started, before = time.process_time(), rows
    return (time.process_time() - started) / (rows - before) * case.rows


def measured(case: Case, *, is_profiled: bool) -> float:
    """Return the same of a process of its own."""
    arguments = ["-m", "profile_cost", "--one", case.model, case.kind, str(case.rows), str(int(is_profiled))]
    settings = {"APP_SETTINGS": "profile_cost.Settings", "OMP_NUM_THREADS": "1"}
    environment = {**os.environ, **settings, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    ran = subprocess.run(
        [sys.executable, *arguments], cwd=BENCHMARKS, env=environment, stdout=subprocess.PIPE, check=True
    )
    return float(ran.stdout)


def compared(case: Case, repetitions: int) -> dict[str, Any]:
    """Return what the case takes with and without a profile, and what the profile adds."""
    pairs = [
        (measured(case, is_profiled=False), measured(case, is_profiled=True)) for _ in range(repetitions)
    ]
    # the least of each, for what else a machine does can only add to it
    without, profiled = (1e6 * min(each) / case.rows for each in zip(*pairs, strict=True))
    return {
        "model": case.model,
        "input": case.kind,
        "rows": case.rows,
        "us_a_record": round(without, 3),
        "us_a_record_profiled": round(profiled, 3),
        "added": round(profiled / without - 1, 3),
        "at_most": GOALS[case.model],
    }


def main() -> None:
    """Measure all cases, or one of them in this process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--iris-rows", type=int, default=400_000)
    parser.add_argument("--wide-rows", type=int, default=100_000)
    parser.add_argument("--results", type=Path, default=KEPT, help="the JSON file to write")
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        model, kind, rows, is_profiled = given.one
        print(task_seconds(Case(model, kind, int(rows)), is_profiled=is_profiled == "1"))
        return
    sizes = {"iris_model": given.iris_rows, "wide_model": given.wide_rows}
    cases = [Case(model, kind, rows) for model, rows in sizes.items() for kind in ("ldjson", "csv")]
    for case in cases:
        case.make()
    found = [compared(case, given.repetitions) for case in cases]
    for each in found:
        print(json.dumps(each))
    keep({"machine": machine_facts(), "cases": found}, given.results)


if __name__ == "__main__":
    main()
