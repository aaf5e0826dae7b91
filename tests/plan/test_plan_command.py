"""--plan on this machine: what it tells, what it refuses, and that it starts and leaves nothing."""

import gzip
import json
import os
import random
from pathlib import Path

import pytest
from plan_runs import PROJECT, SPARK, Planner, numbered

CORES = os.cpu_count() or 1
NOTHING = {".ses"}  # what importing ONNX Runtime leaves, with or without a plan


def left_by(planner: Planner) -> set[str]:
    return {path.name for path in planner.tmp.iterdir()} - NOTHING


def test_a_plan_tells_rows_bytes_files_failures_speed_and_time(planner: Planner) -> None:
    path = PROJECT / "data" / "input.ldjson"
    told = Planner(planner.directory, "iris_model").plan("--max_error_rate", "0.07", path)
    assert told.code == 0, told.errors
    assert told.errors == ""
    assert told.row("plan") == "iris_model 1.0 with -r inline; nothing was started"
    assert told.row("input") == "1 file, 1,247 bytes, 15 rows"
    assert told.row("sample") == "15 lines of 1 file: 14 predicted, 1 failed (6.67%), 0 blank"
    assert "1 x ValidationError: Expected `float`, got `str` - at `$.petal_width`" in told.report
    assert told.row("output_schema") == "every prediction of the sample fits it"
    assert int(told.row("batch size")) > 15
    assert "records/s on one core of this machine; the model loads in" in told.row("speed")
    assert "about" in told.row("time")
    assert left_by(planner) == set()


def test_a_run_after_its_plan_counts_what_the_plan_said(planner: Planner) -> None:
    """The plan's counts of an input that it read whole are those of a run."""
    path = planner.write("in", [*numbered(500), {"do": "no n"}, [], *numbered(20)])
    figures = planner.figures(path)
    assert figures["input"] == {
        "files": 1,
        "stored_bytes": path.stat().st_size,
        "rows": 522,
        "is_exact": True,
    }
    counts = figures["sample"]["counts"]
    assert (counts["lines"], counts["predicted"], counts["failed"]) == (522, 520, 2)
    assert {reason["type"]: reason["count"] for reason in figures["sample"]["reasons"]} == {
        "AttributeError": 1,
        "KeyError": 1,
    }


def test_files_of_a_directory_are_counted_less_those_that_hadoop_passes_over(planner: Planner) -> None:
    """A small compressed file is counted exactly; a header and a blank line are no rows."""
    below = planner.directory / "in" / "below"
    below.mkdir(parents=True)
    (below.parent / "a").write_bytes(b"n,do\n1,answer\n\n2,nothing\n")
    (below / "b.gz").write_bytes(gzip.compress(b"n,do\n" + b"3,nothing\n" * 1000))
    planner.write("in/_SUCCESS", numbered(4))
    figures = planner.figures("--input_protocol", "csv", planner.directory / "in")
    assert (figures["input"]["files"], figures["input"]["rows"]) == (2, 1002)
    assert figures["input"]["is_exact"]
    assert figures["sample"]["files"] == 2
    assert (figures["sample"]["counts"]["blank"], figures["sample"]["counts"]["headers"]) == (1, 2)


def test_rows_of_large_files_are_estimated_closely_and_failures_at_their_end_seen(planner: Planner) -> None:
    """One file is compressed; the end of the other, a third of all rows, can't be predicted."""
    chance = random.Random(7)  # noqa: S311 - no secret
    text = b"".join(b'{"n": %d}\n' % chance.randrange(10**9) for _ in range(500_000))
    (planner.directory / "in").mkdir()
    (planner.directory / "in" / "a.gz").write_bytes(gzip.compress(text, 1))
    (planner.directory / "in" / "b").write_bytes(text + b'{"no": 123456789}\n' * 500_000)
    summary = planner.directory / "summary.json"
    told = planner.plan("--summary_file", summary, planner.directory / "in")
    assert told.code == 0, told.errors
    said = told.row("input").rpartition(", about ")[2]
    assert int(said.removesuffix(" rows").replace(",", "")) == pytest.approx(1_500_000, rel=0.03)
    assert "The whole input is like the sample" in told.report
    assert json.loads(summary.read_text())["plan"]["sample"]["failed_share"] == pytest.approx(1 / 3, abs=0.1)


# Where the run would be


def test_local_plans_for_the_cores_of_this_machine(planner: Planner) -> None:
    path = planner.directory / "in"
    path.write_bytes(b'{"n": 123456}\n' * 300_000)
    figures = planner.figures("-r", "local", path)
    assert figures["cluster"]["cores"] == CORES
    (expected,) = figures["expected"]
    assert expected["busy"] == min(CORES, 4)  # of 4.1 MB, in splits of 1 MiB
    assert figures["cost"] is None
    assert left_by(planner) == set()


@pytest.mark.measured
def test_a_spark_of_unknown_size_is_planned_for_some_sizes(planner: Planner) -> None:
    figures = planner.figures(*SPARK, "--spark-master", "yarn", planner.write("in", numbered(10)))
    assert [expected["cores"] for expected in figures["expected"]] == [1, 10, 100]
    assert left_by(planner) == set()


def test_small_files_share_tasks_and_a_large_one_has_many(planner: Planner) -> None:
    """The run's parts are as many as its plan has tasks, and its model is loaded as often."""
    for number in range(60):
        planner.write(f"in/{number:02}", numbered(15))
    planner.write("in/large", numbered(200_000))
    told = planner.plan("-r", "local", "--num-cores", "2", "in")
    assert told.code == 0, told.errors
    summary, output = planner.directory / "run.json", planner.directory / "out"
    options = ("-r", "local", "--num-cores", "2", "--output-dir", output, "--summary_file", summary)
    ran = planner.run(*options, "in")
    assert ran.code == 0, ran.errors
    parts = len(list(output.glob("part-*")))
    assert told.row("tasks").startswith(f"{parts} tasks, the model is loaded 2 times: 1 file is cut into ")
    assert json.loads(summary.read_text())["counts"]["loads"] == 2


# What can't be planned


@pytest.mark.parametrize("runner", [("-r", "inline"), ("-r", "local"), SPARK])
def test_an_output_that_is_there_is_refused_as_the_run_would_be(
    planner: Planner, runner: tuple[str, ...]
) -> None:
    planner.write("out/something", [])
    told = planner.plan(*runner, "--output-dir", "out", planner.write("in", numbered(1)))
    assert (told.code, told.report) == (1, "")
    mistake = f"The output {planner.directory / 'out'} is there already. Name another, or remove it first."
    assert told.errors.splitlines()[-1] == mistake


@pytest.mark.parametrize("runner", [("-r", "inline"), SPARK])
def test_an_output_that_cant_be_made_is_refused(planner: Planner, runner: tuple[str, ...]) -> None:
    path = planner.write("in", numbered(1))
    told = planner.plan(*runner, "--output-dir", path / "out", path)
    assert (told.code, told.report) == (1, "")
    mistake = f"The output {path / 'out'} can't be made: Not a directory: {path}."
    assert told.errors.splitlines()[-1] == mistake


@pytest.mark.measured
@pytest.mark.parametrize(
    ("arguments", "mistake"),
    [
        (("--resume",), "--resume goes on with the parts of an --output-dir."),
        (
            ("-r", "spark", "--spark-submit-bin", "/nowhere/submit"),
            "/nowhere/submit can't be started",
        ),
        ((*SPARK, "--spark-master", "spark://127.0.0.1:1"), "can't be reached. Is it up?"),
        (("--input_protocol", "csv"), "Lines of JSON are read with --input_protocol ldjson."),
    ],
)
def test_what_the_run_would_refuse_is_refused(
    planner: Planner, arguments: tuple[str, ...], mistake: str
) -> None:
    told = Planner(planner.directory, "iris_model").plan(*arguments, planner.write("in", numbered(1)))
    assert (told.code, told.report) == (1, "")
    assert mistake in told.errors.splitlines()[-1]


@pytest.mark.measured
@pytest.mark.parametrize("arguments", [[], ["-"]])
def test_standard_input_is_refused(planner: Planner, arguments: list[str]) -> None:
    told = planner.plan(*arguments, stdin=b'{"n": 1}\n')
    assert (told.code, told.report) == (1, "")
    assert told.errors == (
        "--plan can't read standard input: what it reads would be gone. Save the input to a file.\n"
    )


@pytest.mark.measured
def test_a_pipe_is_refused_and_not_opened(planner: Planner) -> None:
    pipe = planner.directory / "pipe"
    os.mkfifo(pipe)
    told = planner.plan(pipe)
    assert told.code == 1
    assert "it is not a file" in told.errors


@pytest.mark.measured
@pytest.mark.parametrize("path", ["nothing", "s3://bucket/key"])
def test_an_input_that_is_not_there_or_not_here_is_named(planner: Planner, path: str) -> None:
    told = planner.plan("-r", "local", path)
    assert (told.code, told.report) == (1, "")
    assert path in told.errors
    assert len(told.errors.splitlines()) == 1


@pytest.mark.measured
def test_a_damaged_file_is_named(planner: Planner) -> None:
    path = planner.directory / "in.gz"
    path.write_bytes(gzip.compress(b'{"n": 1}\n' * 100)[:-9])
    told = planner.plan(path)
    assert told.code == 1
    assert "in.gz is cut off or damaged" in told.errors


@pytest.mark.measured
def test_an_empty_input_has_no_rows_and_no_speed(planner: Planner) -> None:
    told = planner.plan(planner.write("in", []))
    assert told.code == 0, told.errors
    assert told.row("input") == "1 file, 0 bytes, 0 rows"
    assert told.row("speed").startswith("not known")
    assert "time " not in told.report


@pytest.mark.measured
@pytest.mark.parametrize("price", ["m5.xlarge=free", "=1"])
def test_a_price_that_is_none_is_refused_in_one_line(planner: Planner, price: str) -> None:
    told = planner.plan("--price_per_hour", price, planner.write("in", numbered(1)))
    assert told.code != 0
    assert "an instance type and its price, such as m5.xlarge=0.24" in told.errors


def test_the_summary_file_has_the_plan(planner: Planner) -> None:
    """An output directory stays as it is, and --verbose shows what mrjob does."""
    summary, output = planner.directory / "summary.json", planner.directory / "out"
    options = ("--verbose", "--output-dir", output, "--summary_file", summary)
    told = planner.plan(*options, planner.write("in", numbered(10)))
    assert told.code == 0
    assert "making runner" in told.errors
    assert not output.exists()
    figures = json.loads(summary.read_text())["plan"]
    assert figures["model"] == {"qualified_name": "told", "version": "2.5"}
    assert figures["runner"] == "inline"
    assert figures["records_per_second_per_core"] > 0
    (expected,) = figures["expected"]
    parts = ("start_seconds", "load_seconds", "predict_seconds")
    assert expected["seconds"] == pytest.approx(sum(expected[part] for part in parts))


@pytest.mark.measured
def test_the_summary_is_written_when_the_sample_fails_too(planner: Planner) -> None:
    summary = planner.directory / "summary.json"
    path = planner.write("in", [{}])
    assert planner.plan("--summary_file", summary, "--max_error_rate", "0.5", path).code == 3
    assert json.loads(summary.read_text())["plan"]["sample"]["failed_share"] == 1.0


def test_a_summary_that_cant_be_written_is_said_in_one_line(planner: Planner) -> None:
    told = planner.plan("--summary_file", planner.tmp, planner.write("in", [{"n": 1}]))
    assert told.code == 1
    mistake = f"--summary_file {planner.tmp} can't be written: it's a directory."
    assert told.errors == f"{mistake} Name a file in it.\n"


@pytest.mark.measured
def test_a_subclass_of_the_job_can_be_planned(planner: Planner) -> None:
    script = Path(__file__).parent / "counting_job.py"
    told = Planner(planner.directory, "told", script).plan(planner.write("in", numbered(3)))
    assert told.code == 0, told.errors
    assert "Steps and reducers that follow" in told.report
