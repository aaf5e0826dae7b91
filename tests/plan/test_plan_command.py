"""--plan on this machine: what it tells, what it refuses, and that it starts and leaves nothing."""

import gzip
import json
import os
import random
from pathlib import Path

import pytest
from plan_runs import PROJECT, Planner

CORES = os.cpu_count() or 1
NOTHING = {".ses"}  # what importing ONNX Runtime leaves, with or without a plan


def numbered(count: int) -> list[dict[str, object]]:
    return [{"n": number} for number in range(count)]


def left_by(planner: Planner) -> set[str]:
    return {path.name for path in planner.tmp.iterdir()} - NOTHING


def test_a_plan_tells_rows_bytes_files_failures_speed_and_time(planner: Planner) -> None:
    path = PROJECT / "data" / "input.ldjson"
    told = Planner(planner.directory, "iris_model").plan(path)
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
    planner.write("in/a", numbered(2))
    planner.write("in/below/b", numbered(3))
    planner.write("in/_SUCCESS", numbered(4))
    figures = planner.figures(planner.directory / "in")
    assert (figures["input"]["files"], figures["input"]["rows"]) == (2, 5)
    assert figures["sample"]["files"] == 2


def test_blank_lines_and_headers_are_no_rows(planner: Planner) -> None:
    path = planner.directory / "in.csv"
    path.write_text("n,do\n1,answer\n\n2,nothing\n")
    figures = planner.figures("--input_protocol", "csv", path)
    assert figures["input"]["rows"] == 2
    assert (figures["sample"]["counts"]["blank"], figures["sample"]["counts"]["headers"]) == (1, 1)


def test_a_small_compressed_file_is_counted_exactly(planner: Planner) -> None:
    path = planner.directory / "in.gz"
    path.write_bytes(gzip.compress(planner.write("in", numbered(1000)).read_bytes()))
    figures = planner.figures(path)
    assert (figures["input"]["rows"], figures["input"]["is_exact"]) == (1000, True)


@pytest.mark.parametrize("compressed", [False, True])
def test_rows_of_a_large_file_are_estimated_closely(planner: Planner, *, compressed: bool) -> None:
    chance = random.Random(7)  # noqa: S311 - no secret
    text = b"".join(b'{"n": %d}\n' % chance.randrange(10**9) for _ in range(1_000_000))
    path = planner.directory / ("in.gz" if compressed else "in")
    path.write_bytes(gzip.compress(text, 1) if compressed else text)
    told = planner.plan(path)
    assert told.code == 0, told.errors
    said = told.row("input").rpartition(", about ")[2]
    assert int(said.removesuffix(" rows").replace(",", "")) == pytest.approx(1_000_000, rel=0.03)
    assert "The whole input is like the sample" in told.report


def test_failures_at_the_end_of_a_large_file_are_seen(planner: Planner) -> None:
    good, bad = b'{"n": 123456789}\n' * 700_000, b'{"no": 123456789}\n' * 700_000
    path = planner.directory / "in"
    path.write_bytes(good + bad)
    assert planner.figures(path)["sample"]["failed_share"] == pytest.approx(0.5, abs=0.1)


# Where the run would be


def test_local_plans_for_the_cores_of_this_machine(planner: Planner) -> None:
    figures = planner.figures("-r", "local", planner.write("in", numbered(300_000)))
    assert figures["cluster"]["cores"] == CORES
    (expected,) = figures["expected"]
    assert expected["busy"] == min(CORES, 4)  # of 4.1 MB, in splits of 1 MiB
    assert figures["cost"] is None
    assert left_by(planner) == set()


def test_a_spark_of_unknown_size_is_planned_for_some_sizes(planner: Planner) -> None:
    figures = planner.figures("-r", "spark", "--spark-master", "yarn", planner.write("in", numbered(10)))
    assert [expected["cores"] for expected in figures["expected"]] == [1, 10, 100]
    assert left_by(planner) == set()


# What the sample shows of the model


def test_a_prediction_that_does_not_fit_output_schema_has_failed(planner: Planner) -> None:
    path = planner.write("in", [*numbered(8), *[{"do": "answer", "answer": {"n": "seven"}}] * 2])
    told = planner.plan("--max_error_rate", "0.1", path)
    assert told.code == 3
    assert told.row("output_schema") == "2 predictions of the sample do not fit it, and count as failed here"
    assert '2 x OutputSchemaMismatch: {"n": "seven"}: Expected `int`, got `str`' in told.report
    assert told.errors.startswith(
        "In the sample, 2 of 10 records failed (20.00%), more than --max_error_rate 0.1"
    )
    assert len(told.errors.splitlines()) == 1


def test_null_may_be_what_a_model_answers(planner: Planner) -> None:
    path = planner.write("in", [*[{"do": "answer", "answer": None}] * 3, {}])
    figures = Planner(planner.directory, "schemaless").figures(path)
    assert (figures["sample"]["counts"]["predicted"], figures["sample"]["counts"]["failed"]) == (3, 1)
    assert figures["output_schema"]["problem"] == "the model has none"


def test_an_output_schema_of_no_known_kind_is_said_and_stops_nothing(planner: Planner) -> None:
    told = Planner(planner.directory, "unknown").plan(planner.write("in", numbered(2)))
    assert told.code == 0
    assert told.row("output_schema") == "not checked: the model's is of no known kind: 7"


def test_failures_up_to_the_allowed_rate_pass(planner: Planner) -> None:
    path = planner.write("in", [*numbered(9), {}])
    assert planner.plan("--max_error_rate", "0.1", path).code == 0


def test_a_sample_that_fails_altogether_ends_as_its_run_would(planner: Planner) -> None:
    path = planner.write("in", [{}] * 1200)
    told = planner.plan(path)
    assert told.code == 3
    assert "1,200 x KeyError" in told.report
    assert "all failed" in told.errors
    assert planner.plan("--no_fail_fast", path).code == 0


@pytest.mark.parametrize("isolate", ["auto", "always"])
def test_a_record_that_ends_the_process_is_a_failure_of_the_sample(planner: Planner, isolate: str) -> None:
    path = planner.write("in", [*numbered(40), {"do": "die"}, *numbered(40)])
    told = planner.plan("--isolate", isolate, path)
    assert told.code == 0, told.errors
    assert told.row("sample") == "81 lines of 1 file: 80 predicted, 1 failed (1.23%), 0 blank"
    assert "1 x ProcessDied" in told.report
    assert ("a record ended the model's process (killed by SIGKILL)" in told.report) == (isolate == "auto")
    assert "process of its own" in told.row("batch size")
    assert "records/s" in told.row("speed")


def test_where_isolation_is_ruled_out_such_a_record_ends_the_plan_with_one_line(planner: Planner) -> None:
    told = planner.plan("--isolate", "never", planner.write("in", [{"do": "die"}]))
    assert (told.code, told.report) == (1, "")
    assert told.errors.startswith("The sample's process ended (killed by SIGKILL)")
    assert len(told.errors.splitlines()) == 1


def test_a_model_that_interrupts_its_process_does_not_end_the_plan(planner: Planner) -> None:
    told = planner.plan(planner.write("in", [{"do": "interrupt"}, {"n": 1}]))
    assert told.code == 0, told.errors
    assert told.row("sample").startswith("2 lines of 1 file: 1 predicted, 1 failed")


def test_lines_that_are_all_too_long_are_failures(planner: Planner) -> None:
    told = planner.plan("--max_record_bytes", "5", planner.write("in", [{"n": 1}] * 3))
    assert told.code == 0, told.errors
    assert "3 x OverlongLine" in told.report


def test_a_record_that_hangs_is_a_failure_where_there_is_a_limit(planner: Planner) -> None:
    path = planner.write("in", [*numbered(5), {"do": "hang"}, *numbered(5)])
    told = planner.plan("--predict_timeout", "0.5", path)
    assert told.code == 0, told.errors
    assert "1 x PredictTimeout" in told.report


def test_what_a_model_prints_is_no_part_of_the_plan(planner: Planner) -> None:
    told = planner.plan(planner.write("in", [{"do": "print", "n": 1}]))
    assert told.report.startswith("plan ")
    assert "greeting" not in told.report
    assert told.errors == ""
    told = planner.plan(planner.directory / "in", "--verbose")
    assert "greeting" not in told.report
    assert "greeting" in told.errors


def test_a_model_that_waits_is_said_to_wait(planner: Planner) -> None:
    told = planner.plan(planner.write("in", [{"do": "sleep", "n": 20}] * 40))
    assert "The sample took" in told.report
    assert "the model waits for something else" in told.report


@pytest.mark.parametrize(
    ("model", "message"),
    [("unloadable", "its file is gone"), ("fatal", "The model can't be loaded"), ("nobody", "told")],
)
def test_a_model_that_cant_be_loaded_ends_the_plan_with_one_line(
    planner: Planner, model: str, message: str
) -> None:
    told = Planner(planner.directory, model).plan(planner.write("in", numbered(1)))
    assert (told.code, told.report) == (1, "")
    assert message in told.errors
    assert len(told.errors.splitlines()) == 1


# What can't be planned


@pytest.mark.parametrize("arguments", [[], ["-"]])
def test_standard_input_is_refused(planner: Planner, arguments: list[str]) -> None:
    told = planner.plan(*arguments, stdin=b'{"n": 1}\n')
    assert (told.code, told.report) == (1, "")
    assert told.errors == (
        "--plan can't read standard input: what it reads would be gone. Save the input to a file.\n"
    )


def test_a_pipe_is_refused_and_not_opened(planner: Planner) -> None:
    pipe = planner.directory / "pipe"
    os.mkfifo(pipe)
    told = planner.plan(pipe)
    assert told.code == 1
    assert "it is no file" in told.errors


@pytest.mark.parametrize("path", ["nothing", "s3://bucket/key", "hdfs://host/path"])
def test_an_input_that_is_not_there_or_not_here_is_named(planner: Planner, path: str) -> None:
    told = planner.plan("-r", "local", path)
    assert (told.code, told.report) == (1, "")
    assert path in told.errors
    assert len(told.errors.splitlines()) == 1


def test_a_damaged_file_is_named(planner: Planner) -> None:
    path = planner.directory / "in.gz"
    path.write_bytes(gzip.compress(b'{"n": 1}\n' * 100)[:-9])
    told = planner.plan(path)
    assert told.code == 1
    assert "in.gz is cut off or damaged" in told.errors


def test_an_empty_input_has_no_rows_and_no_speed(planner: Planner) -> None:
    told = planner.plan(planner.write("in", []))
    assert told.code == 0, told.errors
    assert told.row("input") == "1 file, 0 bytes, 0 rows"
    assert told.row("speed").startswith("not known")
    assert "time " not in told.report


@pytest.mark.parametrize("price", ["m5.xlarge", "m5.xlarge=free", "m5.xlarge=-1", "m5.xlarge=0", "=1"])
def test_a_price_that_is_none_is_refused_in_one_line(planner: Planner, price: str) -> None:
    told = planner.plan("--price_per_hour", price, planner.write("in", numbered(1)))
    assert told.code != 0
    assert "an instance type and its price, such as m5.xlarge=0.24" in told.errors


def test_the_summary_file_has_the_plan(planner: Planner) -> None:
    figures = planner.figures(planner.write("in", numbered(10)))
    assert figures["model"] == {"qualified_name": "told", "version": "2.5"}
    assert figures["runner"] == "inline"
    assert figures["records_per_second_per_core"] > 0
    (expected,) = figures["expected"]
    parts = ("start_seconds", "load_seconds", "predict_seconds")
    assert expected["seconds"] == pytest.approx(sum(expected[part] for part in parts))


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


def test_verbose_tells_what_mrjob_does(planner: Planner) -> None:
    told = planner.plan("--verbose", planner.write("in", [{"n": 1}]))
    assert told.code == 0
    assert "making runner" in told.errors


def test_an_output_directory_stays_as_it_is(planner: Planner) -> None:
    output = planner.directory / "out"
    assert planner.plan("--output-dir", output, planner.write("in", numbered(3))).code == 0
    assert not output.exists()


def test_a_subclass_of_the_job_can_be_planned(planner: Planner) -> None:
    script = Path(__file__).parent / "counting_job.py"
    told = Planner(planner.directory, "told", script).plan(planner.write("in", numbered(3)))
    assert told.code == 0, told.errors
    assert "Steps and reducers that follow" in told.report
