"""--plan shows what a model does with the sample: fails, ends its process, hangs, prints, does not load."""

import pytest
from plan_runs import Planner, numbered


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


def test_a_sample_that_fails_altogether_ends_as_its_run_would(planner: Planner) -> None:
    path = planner.write("in", [{}] * 1200)
    told = planner.plan(path)
    assert told.code == 3
    assert "1,200 x KeyError" in told.report
    assert "all failed" in told.errors
    assert planner.plan("--no_fail_fast", path).code == 0


@pytest.mark.parametrize("isolate", ["auto", "always"])
def test_a_key_that_no_record_of_the_sample_has_ends_the_plan_after_its_report(
    planner: Planner, isolate: str
) -> None:
    path = planner.write("in", numbered(8))
    told = planner.plan("--isolate", isolate, "--key", "n", "--key", "nofield", path)
    assert (told.code, told.row("sample")) == (1, "8 lines of 1 file: 8 predicted, 0 failed (0.00%), 0 blank")
    assert told.errors == (
        "In the sample, --key nofield is a field that none of 8 records has. "
        "A run publishes nothing where no record has it.\n"
    )
    assert planner.plan("--isolate", isolate, "--key", "n", path).code == 0


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


def test_a_record_that_hangs_is_a_failure_where_there_is_a_limit(planner: Planner) -> None:
    """So are one that interrupts its process, and one whose line is too long."""
    records = [*numbered(5), {"do": "hang"}, {"do": "interrupt"}, {"n": "x" * 100}, *numbered(5)]
    told = planner.plan("--predict_timeout", "0.5", "--max_record_bytes", "100", planner.write("in", records))
    assert told.code == 0, told.errors
    assert told.row("sample").startswith("13 lines of 1 file: 10 predicted, 3 failed")
    for kind in ("PredictTimeout", "KeyboardInterrupt", "OverlongLine"):
        assert f"1 x {kind}" in told.report


def test_what_a_model_prints_is_no_part_of_the_plan(planner: Planner) -> None:
    told = planner.plan(planner.write("in", [{"do": "print", "n": 1}]), "--verbose")
    assert told.report.startswith("plan ")
    assert "greeting" not in told.report
    assert "greeting" in told.errors


def test_a_model_that_waits_is_said_to_wait(planner: Planner) -> None:
    told = planner.plan(planner.write("in", [{"do": "print", "n": 1}, *[{"do": "sleep", "n": 20}] * 40]))
    assert told.errors == ""
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
