"""Jobs that add reducers and combiners to the one that predicts, on both local runners."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from local_jobs import PROJECT, TESTS, LocalJob, ended, output_of, wait_until, write_records

EXAMPLE = PROJECT / "examples" / "jobs" / "count_by_species.py"


@pytest.fixture
def distinct(job: LocalJob) -> LocalJob:
    job.script = TESTS / "jobs" / "distinct.py"
    return job


@pytest.mark.measured
def test_the_example_counts_by_predicted_species(job: LocalJob) -> None:
    """Of the sample's 15 flowers, each has a species but the one that can't be read."""
    job.script = EXAMPLE
    job.environment["APP_SETTINGS"] = "ProdConfig"
    ran = job.run("--model_qualified_name", "iris_model", PROJECT / "data" / "input.ldjson")
    assert ran.code == 0, ran.errors
    counts = dict(ran.pairs)
    assert counts.pop(None) == 1
    assert set(counts) <= {"setosa", "versicolor", "virginica"}
    assert sum(counts.values()) == 14
    assert "complete: 15 lines = 14 predicted + 1 failed + 0 blank" in ran.errors
    (job.tmp / ".ses").unlink(missing_ok=True)  # ONNX Runtime's own


@pytest.mark.parametrize("name", ["mapper_init", "mapper_final", "mapper_pre_filter"])
def test_what_would_never_be_called_is_refused(job: LocalJob, name: str) -> None:
    """Predictions come by the batch; who counts on a line before or after them has to know."""
    job.script = job.directory / "own.py"
    job.script.write_text(
        "from model_mapreduce_job import MLModelMapReduceJob\n"
        "class Own(MLModelMapReduceJob):\n"
        f"    def {name}(self): return 'grep 1'\n"
        "Own.run()\n"
    )
    ran = job.run("--output-dir", "out", write_records(job.directory / "in", [{"n": 1}]))
    assert (ran.code, ran.errors.count("\n")) == (1, 1), ran.errors
    assert f"The step that predicts has {name}, which -r" in ran.errors
    assert not (job.directory / "out").exists()


def test_a_combiner_and_a_reducer_get_records_and_predictions(distinct: LocalJob) -> None:
    """Equal records of different splits meet in the reducer; what combiners and reducers count is told."""
    records = [{"n": number // 3, "pad": "x" * 900} for number in range(3000)]
    write_records(distinct.directory / "in", [*records, *records[::-1]])
    ran = distinct.run("--num-cores", 2, "--verbose", "--output-dir", "out", "in")
    assert ran.code == 0, ran.errors
    lines = output_of(distinct.directory / "out").splitlines()
    assert len(lines) == len(set(lines)) == 1000
    assert "reduced=1000" in ran.errors
    assert "combined=" in ran.errors


def test_input_with_no_lines_gives_no_output(distinct: LocalJob) -> None:
    """Nothing to predict, combine or reduce."""
    (distinct.directory / "in").touch()
    ran = distinct.run("in")
    assert (ran.code, ran.output) == (0, b""), ran.errors


@pytest.mark.parametrize("job", ["local"], indirect=True)
def test_a_reducer_that_dies_leaves_nothing(distinct: LocalJob) -> None:
    """The output directory appears with the last reducer's work in it, or not at all."""
    write_records(distinct.directory / "in", [{"n": 1}, {"n": 2, "reduce": "fail"}])
    ran = distinct.run("--output-dir", "out", "--quiet", "in")
    assert ran.code == 1
    assert ran.errors.startswith("The run failed: ")
    assert not list(distinct.directory.glob(".out*"))


@pytest.mark.measured
@pytest.mark.parametrize(
    ("number", "code", "line"),
    [(signal.SIGINT, 130, "Stopped by Ctrl-C.\n"), (signal.SIGTERM, 143, "Stopped by SIGTERM.\n")],
)
def test_a_signal_ends_reducers_with_one_line(
    distinct: LocalJob, number: signal.Signals, code: int, line: str
) -> None:
    """There's nothing to keep for --resume: the parts are the reducers'."""
    reached = distinct.directory / "reached"
    write_records(distinct.directory / "in", [{"n": 1}, {"n": 2, "reduce": "wait", "reached": str(reached)}])
    process = distinct.start("--output-dir", "out", "--quiet", "in")
    wait_until(reached.exists)
    process.send_signal(number)
    ran = ended(process)
    assert (ran.code, ran.output, ran.errors) == (code, b"", line)
    assert {path.name for path in Path(distinct.directory).iterdir()} == {"in", "reached", "tmp"}
