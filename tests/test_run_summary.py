"""What a run amounts to."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_mapreduce_job.exceptions import IncompleteRunError, InputError, TooManyFailuresError
from model_mapreduce_job.formats.lines import Place
from model_mapreduce_job.pipeline.counters import COUNTS, FINGERPRINT_GROUP, GROUP, KEYS_GROUP, Counters
from model_mapreduce_job.pipeline.summary import RunSummary
from model_mapreduce_job.pipeline.task_report import Example, SlowBatch, TaskReport

COUNTERS = {
    "lines": 10_000,
    "predicted": 8_900,
    "failed": 1_000,
    "blank": 99,
    "headers": 1,
    "batches": 12,
    "predict_ms": 300,
    "load_ms": 20,
    "loads": 1,
    "failed: ValueError": 100,
    "failed: DecodeError": 800,
    "failed: KeyError": 60,
    "failed: other": 40,
}
EXAMPLES = {"DecodeError": "JSON is malformed", "ValueError": "too wide"}


def summary(
    examples: Any = EXAMPLES, warnings: Any = (), input_records: int | None = None, **changes: Any
) -> RunSummary:
    report = TaskReport(
        Counters.of_groups({GROUP: COUNTERS | changes}),
        {kind: Example(message) for kind, message in examples.items()},
        warnings,
    )
    return RunSummary(report, 2.0, input_records=input_records)


def test_counts_are_those_of_the_counters() -> None:
    assert {name: getattr(summary().counters, name) for name in COUNTS} == {
        name: COUNTERS.get(name, 0) for name in COUNTS
    }


def test_the_share_of_failures_is_of_the_records_that_are_kept_as_well() -> None:
    kept = summary(lines=20_000, kept=10_000)
    assert kept.failed_share == pytest.approx(1000 / 19_900)
    assert kept.table().splitlines()[:2] == ["lines        20,000", "kept         10,000"]
    assert kept.table().splitlines()[-1] == (
        "complete: 20,000 lines = 10,000 kept + 8,900 predicted + 1,000 failed + 99 blank + 1 header"
    )


def test_reasons_are_by_frequency_and_the_rest_comes_last() -> None:
    assert list(summary().reasons.items()) == [
        ("DecodeError", 800),
        ("ValueError", 100),
        ("KeyError", 60),
        ("other", 40),
    ]


def test_reasons_of_many_tasks_are_twenty_and_the_rest() -> None:
    counters = {f"failed: E{n}": 100 - n for n in range(30)} | {"failed: other": 1000}
    reasons = RunSummary.of_counters({GROUP: counters}, 1.0).reasons
    assert len(reasons) <= 21
    assert sum(reasons.values()) == sum(counters.values())
    assert next(iter(reasons)) == "E0"
    assert list(reasons)[-1] == "other"


def test_a_complete_run_passes() -> None:
    summary().check(max_error_rate=1.0)


@pytest.mark.parametrize(
    "changes", [{"lines": 10_001}, {"predicted": 8_899}, {"failed": 1_001}, {"blank": 0}, {"headers": 0}]
)
def test_a_run_that_does_not_add_up_is_incomplete(changes: Any) -> None:
    with pytest.raises(
        IncompleteRunError, match=r"not complete: of 10,00\d lines, 8,\d\d\d were predicted, 1,00\d failed"
    ):
        summary(**changes).check(max_error_rate=1.0)


@pytest.mark.parametrize("given", [9_999, 10_001, 0])
def test_a_run_is_incomplete_when_the_cluster_gave_its_tasks_another_number_of_records(given: int) -> None:
    counted = summary(input_records=given)
    with pytest.raises(IncompleteRunError, match=rf"{given:,} records, they counted 10,000 lines"):
        counted.check(1.0)


@pytest.mark.parametrize("given", [10_000, None])
def test_the_clusters_own_count_proves_a_run_when_it_is_known(given: int | None) -> None:
    summary(input_records=given).check(1.0)


def test_too_many_failures_are_told_with_counts_and_the_most_frequent_reasons() -> None:
    with pytest.raises(TooManyFailuresError) as raised:
        summary().check(max_error_rate=0.1)
    assert str(raised.value) == (
        "1,000 of 9,900 records failed (10.10%), more than --max_error_rate 0.1 allows. "
        "Most frequent: 800 x DecodeError: JSON is malformed; 100 x ValueError: too wide; 60 x KeyError."
    )
    assert raised.value.exit_code == 3


@pytest.mark.parametrize("given", [9_999, 10_001, 0])
def test_a_run_that_counted_other_lines_than_the_cluster_gave_is_incomplete(given: int) -> None:
    told = summary(input_records=given)
    with pytest.raises(IncompleteRunError, match=rf"gave its tasks {given:,} records, they counted 10,000"):
        told.check(max_error_rate=1.0)


@pytest.mark.parametrize("given", [None, 10_000])
def test_a_run_that_counted_what_the_cluster_gave_is_complete(given: Any) -> None:
    summary(input_records=given).check(max_error_rate=1.0)


@pytest.mark.parametrize("rate", [1000 / 9900, 0.5, 1.0])
def test_failures_up_to_the_rate_are_allowed(rate: Any) -> None:
    summary().check(max_error_rate=rate)


def test_a_run_without_records_has_no_failed_share() -> None:
    empty = RunSummary.of_counters({GROUP: {"predict_ms": 0}}, 0.0)
    assert (empty.failed_share, empty.records_per_second) == (0, 0)
    empty.check(max_error_rate=0.0)


@pytest.mark.parametrize(
    ("counters", "given", "gap"),
    [
        ({}, None, "the runner reported no counts"),
        ({"other group": {"lines": 5}}, 5, "the runner reported no counts"),
        ({GROUP: {"predicted": 5}}, None, "the runner reported only some of the counts"),
        ({GROUP: {"lines": 5, "predicted": 5}}, 6, "gave its tasks 6 records, they counted 5 lines"),
    ],
)
def test_counts_that_are_not_known_prove_nothing(counters: Any, given: int | None, gap: str) -> None:
    """They are never taken for zero; the operator may say that he wants the output all the same."""
    unknown = RunSummary.of_counters(counters, 1.0, given)
    with pytest.raises(IncompleteRunError, match=rf"Nothing proves .*{gap}.*with --unproven"):
        unknown.check(1.0)
    with pytest.raises(IncompleteRunError, match="--max_error_rate can not be judged either"):
        unknown.check(0.5)
    unknown.check(0.5, unproven=True)
    *_, verdict = unknown.table().splitlines()
    assert verdict.startswith("unproven: ")
    assert gap in verdict
    assert unknown.as_json()["proof"] == "unproven"


def test_without_counts_no_share_is_said() -> None:
    unknown = RunSummary.of_counters({}, 1.0).as_json()
    assert (unknown["counts"], unknown["failed_share"]) == (None, None)


def test_no_counts_of_no_records_are_whole() -> None:
    RunSummary.of_counters({}, 1.0, input_records=0).check(0.0)


@pytest.mark.parametrize("changes", [{"lines": 10_001}, {"predicted": 8_899}])
def test_counts_that_contradict_each_other_are_no_matter_of_trust(changes: Any) -> None:
    with pytest.raises(IncompleteRunError):
        summary(**changes).check(1.0, unproven=True)
    assert summary(**changes).table().splitlines()[-1].startswith("not complete: of 10,00")
    assert summary(**changes).as_json()["proof"] == "not complete"


def test_what_a_model_says_can_not_pass_for_a_line_of_the_summary() -> None:
    examples = {"ValueError": "x\ncomplete: 1 lines\x1b[2J"}
    table = summary(examples).table()
    assert r"ValueError: x\ncomplete: 1 lines\x1b[2J" in table
    assert [line for line in table.splitlines() if line.startswith("complete")] == [table.splitlines()[-1]]


def test_the_table_has_counts_share_reasons_rate_and_the_proof() -> None:
    assert summary().table().splitlines() == [
        "lines        10,000",
        "predicted    8,900",
        "failed       1,000 (10.10%)",
        "blank        99",
        "headers      1",
        "records/s    4,950 (2.00 s)",
        "        800 x DecodeError: JSON is malformed",
        "        100 x ValueError: too wide",
        "         60 x KeyError",
        "complete: 10,000 lines = 8,900 predicted + 1,000 failed + 99 blank + 1 header",
    ]


def test_the_json_has_the_same_and_can_be_written() -> None:
    told = json.loads(json.dumps(summary().as_json()))
    assert told["counts"] == {name: COUNTERS.get(name, 0) for name in COUNTS}
    assert told["failed_share"] == pytest.approx(1000 / 9900)
    assert told["reasons"][0] == {
        "type": "DecodeError",
        "count": 800,
        "example": "JSON is malformed",
        "place": None,
    }
    assert (told["seconds"], told["records_per_second"], told["fingerprint"]) == (2.0, 4950.0, None)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=5))
def test_tasks_counters_add_up_to_a_complete_run(tasks: Any) -> None:
    sums: dict[str, dict[str, int]] = {}
    for predicted, failed, blank in tasks:
        counters = Counters(lines=predicted + failed + blank, predicted=predicted, blank=blank)
        counters.add_output([b"x"] * predicted)
        for _ in range(failed):
            counters.add_failure("E")
        for group, amounts in counters.as_groups().items():
            for name, amount in amounts.items():
                sums.setdefault(group, {})[name] = sums.get(group, {}).get(name, 0) + amount
    whole = RunSummary.of_counters(sums, 1.0)
    whole.check(max_error_rate=1.0)
    assert whole.counters.predicted == sum(predicted for predicted, _, _ in tasks)
    assert (whole.counters.fingerprint_hex is None) == (FINGERPRINT_GROUP not in sums)


def test_a_fingerprint_is_in_the_table() -> None:
    counters = Counters(lines=1, predicted=1)
    counters.add_output([b"x"])
    told = RunSummary.of_counters(counters.as_groups(), 1.0)
    assert f"fingerprint  {counters.fingerprint_hex}" in told.table()
    assert told.as_json()["fingerprint"] == counters.fingerprint_hex


def test_a_key_that_no_record_has_is_a_slip_of_the_pen() -> None:
    """One that some records lack is not."""
    counted = RunSummary.of_counters({GROUP: COUNTERS, KEYS_GROUP: {"key 0": 1, "key 1": 0}}, 1.0)
    counted.check_keys(["id"])
    for keys in (["id", "customer-id"], ["id", "name", "customer-id"][::2]):
        with pytest.raises(InputError, match="--key customer-id is a field that none of 9,900 records has"):
            counted.check_keys(keys)


def test_where_nothing_was_predicted_keys_are_the_least_matter() -> None:
    RunSummary.of_counters({GROUP: {"lines": 1, "failed": 1}}, 1.0).check_keys(["id"])


def test_warnings_are_in_the_table_and_in_the_json() -> None:
    warned = summary(warnings=("M answers by the batch",))
    assert "\nwarning: M answers by the batch\n" in warned.table()
    assert warned.as_json()["warnings"] == ["M answers by the batch"]
    assert summary().as_json()["warnings"] == []


@pytest.mark.parametrize(
    ("changes", "row"),
    [
        ({"loads": 4}, "loads        4 (0.02 s)"),
        (
            {"loads": 23, "failed: ProcessDied": 9, "failed: PredictTimeout": 2},
            "loads        23 (0.02 s): 11 records ended the process that predicted them",
        ),
    ],
)
def test_a_model_that_is_loaded_again_and_again_says_why(changes: Any, row: str) -> None:
    assert row in summary(**changes).table().splitlines()


def test_the_json_says_where_examples_and_the_slowest_batches_are() -> None:
    place = Place(7, "in.ldjson", 512)
    report = TaskReport(
        Counters(lines=1, failed=1, reasons={"E": 1}),
        {"E": Example("e", place)},
        (),
        (SlowBatch(1.5, 9, place),),
    )
    told = RunSummary(report, 2.0).as_json()
    where = {"file": "in.ldjson", "from_byte": 512, "line": 7}
    assert told["reasons"] == [{"type": "E", "count": 1, "example": "e", "place": where}]
    assert told["slowest_batches"] == [{"seconds": 1.5, "lines": 9, "place": where}]
    assert told["examples_are_in"] == "this summary"


def test_where_counters_alone_come_home_the_summary_says_where_examples_are() -> None:
    """Nothing is said where nothing failed."""
    told = RunSummary.of_counters({GROUP: COUNTERS}, 2.0)
    assert "\n  an example of each is in the logs of the tasks\n" in told.table()
    assert told.as_json()["examples_are_in"] == "the tasks' logs"
    assert "logs" not in RunSummary.of_counters({GROUP: {"lines": 1, "predicted": 1}}, 2.0).table()
