"""The benchmark of the mapper: it runs, and it tells a wrong result from a slow one."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
BENCHMARKS = ROOT / "benchmarks"
TASK = (
    "model_mapreduce_job/shipped_script.py",
    "--mapper",
    "--step-num=0",
    "--model_qualified_name",
    "iris_model",
)
FLOWER = b'{"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}'
TARGETS = {
    "mapper CPU / floor CPU": ("at_most", 1.15),
    "mapper rate / plain job's": ("at_least", 20),
    "mapper rate / plain job's, scikit-learn": ("at_least", 60),
    "mapper rate, 1 % bad / clean": ("at_least", 0.8),
    "mapper rate, 10 % bad / clean": ("at_least", 0.6),
    "peak memory, larger / smaller of both files": ("at_most", 1.05),
    "peak memory / loaded model's alone": ("at_most", 1.3),
    "job over 15 rows - imports, CPU seconds": ("at_most", 1.2),
}


@pytest.fixture
def benchmark_module(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what imports a module of the benchmark by its name."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return lambda name: importlib.import_module(f"mapper.{name}")


def run(*arguments: str, stdin: bytes = b"") -> bytes:
    # Measuring coverage in what is measured here would take most of its time.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    process = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**environment, "PYTHONPATH": "./", "APP_SETTINGS": "ProdConfig"},
        input=stdin,
        capture_output=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr.decode()
    return process.stdout


def test_a_quick_run_compares_everything_and_keeps_it(tmp_path: Path) -> None:
    """Every figure that the project promises is measured, held against its target, and kept."""
    printed = run("benchmarks/benchmark.py", "--quick", "--results", str(tmp_path / "kept.json")).decode()
    kept = json.loads((tmp_path / "kept.json").read_text())
    assert all(name in printed for name in TARGETS)
    assert kept["comparisons"].keys() == TARGETS.keys()
    for name, (bound, value) in TARGETS.items():
        assert kept["comparisons"][name][bound] == value
    assert kept["machine"]["libraries"]["mrjob"] == "0.7.4"
    assert kept["start_up_left_out"]["mapper"]["peak_mib"]["median"] > 10


def test_the_floor_predicts_as_the_mapper_does() -> None:
    """The floor is an honest program: its output is the mapper's for good lines and for bad ones."""
    lines = [FLOWER, FLOWER.replace(b"0.2", b'"asd"'), b"no JSON", b'"\xff"', b"[" * 100_000, b"{}", FLOWER]
    stdin = b"\n".join(lines)
    assert run("benchmarks/mapper/floor.py", stdin=stdin) == run(*TASK, stdin=stdin)


def test_a_program_that_fails_is_no_measurement(benchmark_module: Any, tmp_path: Path) -> None:
    """A program that ends with an error ends the benchmark, with the program's own words."""
    measured = benchmark_module("measured_process")
    program = measured.Program("broken", ("-c", "raise SystemExit('no model file')"), {})
    with pytest.raises(measured.RunError, match="broken exited with 1: no model file"):
        measured.measure(program, Path(os.devnull), tmp_path / "output")


@pytest.mark.parametrize("output", [b"", b"b\t2\n", b"a\t1\nb\t2\nc\t3\n"])
def test_another_output_is_told_from_the_same_one(
    benchmark_module: Any, tmp_path: Path, output: bytes
) -> None:
    """An output that is empty, differs, or has more lines does not pass for the mapper's."""
    starts_alike = benchmark_module("race").starts_alike
    for name, content in (("other", output), ("mapper", b"a\t1\nb\t2\n"), ("part", b"a\t1\n")):
        (tmp_path / name).write_bytes(content)
    assert not starts_alike(tmp_path / "other", tmp_path / "mapper")
    assert starts_alike(tmp_path / "part", tmp_path / "mapper")


def test_start_up_is_left_out(benchmark_module: Any) -> None:
    """A contestant's work is what it costs beyond the median cost of its program over an empty input."""
    cost = benchmark_module("measured_process").Cost
    contestants, race = benchmark_module("contestants"), benchmark_module("race")
    mapper = contestants.Contestant("mapper", contestants.MAPPER, Path("rows"), rows=300)
    starts = [cost(seconds, 9.0, 1) for seconds in (0.5, 0.4, 9.0)]
    ran = race.Race({"mapper": mapper}, {"mapper": starts}, {"mapper": [cost(2.0, 9.0, 1)]})
    assert ran.work_seconds("mapper") == [1.5]
    assert ran.rates("mapper") == [200]


@pytest.mark.parametrize(
    ("bound", "figure", "met"), [("at most", 2.0, True), ("at most", 2.1, False), ("at least", 1.9, False)]
)
def test_a_missed_target_is_called_missed(
    benchmark_module: Any, bound: str, figure: float, met: bool
) -> None:
    comparisons = benchmark_module("comparisons")
    comparison = comparisons.Comparison(
        "some figure", comparisons.Target(bound, 2.0), comparisons.Spread.of([figure])
    )
    assert comparison.is_met is met
    assert str(comparison).endswith("met" if met else "MISSED")
