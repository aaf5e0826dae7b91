"""What a task counts and reports, and what becomes of many reports."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_mapreduce_job.exceptions import TooManyFailuresError
from model_mapreduce_job.formats.lines import Place
from model_mapreduce_job.formats.records import Failure
from model_mapreduce_job.pipeline.counters import COUNTS, FINGERPRINT_GROUP, GROUP, MAX_REASONS, Counters
from model_mapreduce_job.pipeline.task_report import (
    Example,
    ReportBuilder,
    RunStart,
    SlowBatch,
    TaskReport,
    check_start,
    merged,
)


def with_failures(*kinds: str) -> ReportBuilder:
    report = ReportBuilder()
    report.add_failures([Failure(kind, f"a {kind}") for kind in kinds], lambda _: 1)
    return report


def messages(report: TaskReport | ReportBuilder) -> dict[str, str]:
    return {kind: example.message for kind, example in report.examples.items()}


def test_counters_are_named_as_the_guide_has_them_and_times_are_in_milliseconds() -> None:
    counters = Counters(
        lines=9, predicted=5, failed=1, blank=2, headers=1, batches=3, predict_ns=7_900_000, load_ns=1_000_000
    )
    assert counters.as_groups() == {
        GROUP: {
            "lines": 9,
            "predicted": 5,
            "failed": 1,
            "blank": 2,
            "headers": 1,
            "batches": 3,
            "predict_ms": 7,
            "load_ms": 1,
        }
    }


def test_counts_of_nothing_are_not_sent() -> None:
    assert Counters().as_groups() == {GROUP: {"predict_ms": 0, "load_ms": 0}}


COUNTS_OF_ANY_TASK = st.builds(
    Counters,
    **dict.fromkeys(set(Counters.__struct_fields__) - {"reasons", "keys"}, st.integers(0, 2**40)),
    reasons=st.dictionaries(st.text(max_size=5), st.integers(1, 9), max_size=20),
    keys=st.lists(st.integers(0, 9), max_size=3),
)


@given(COUNTS_OF_ANY_TASK)
def test_counters_come_back_from_their_groups_with_times_in_whole_milliseconds(counters: Counters) -> None:
    again = Counters.of_groups(counters.as_groups())
    assert {name: getattr(again, name) for name in COUNTS} == {
        name: getattr(counters, name) for name in COUNTS
    }
    assert (again.reasons, again.keys) == (counters.reasons, counters.keys)
    assert again.fingerprint_hex == counters.fingerprint_hex


def test_failures_are_counted_by_type_with_the_first_message_and_line_of_each() -> None:
    report = with_failures("A", "B", "A")
    report.add_failures([Failure("A", "another message"), Failure("C", "c")], lambda _: 7)
    assert report.counters.failed == 5
    assert report.counters.as_groups()[GROUP]["failed: A"] == 3
    assert report.examples == {
        "A": Example("a A", Place(1)),
        "B": Example("a B", Place(1)),
        "C": Example("c", Place(7)),
    }


def test_types_beyond_the_twentieth_are_counted_as_other() -> None:
    report = with_failures(*map(str, range(30)), "0", "29")
    reasons = report.counters.reasons
    assert len(reasons) == MAX_REASONS + 1
    assert (reasons["0"], reasons["other"]) == (2, 11)
    assert sum(reasons.values()) == report.counters.failed == 32
    assert messages(report)["other"] == "a 20"


@pytest.mark.parametrize("place", ["", "churn.py:41"])
def test_an_example_is_short_and_names_the_line_of_the_models_code(place: str) -> None:
    report = ReportBuilder()
    report.add_failures([Failure("A", "x" * 1000, place)], lambda _: 1)
    message = messages(report)["A"]
    assert len(message) == 300
    assert message.endswith(f"x (at {place})" if place else "xx")


@pytest.mark.parametrize(("failed", "predicted"), [(999, 0), (5000, 1), (0, 0)])
def test_a_start_with_fewer_failures_or_a_prediction_is_good_enough(failed: int, predicted: int) -> None:
    report = with_failures(*["A"] * failed)
    report.counters.predicted = predicted
    report.leading_failures = min(failed, 999)
    check_start(report)


def test_a_start_of_a_thousand_failures_is_reported_with_the_most_frequent_reason() -> None:
    report = with_failures(*["A"] * 400, *["B"] * 600)
    report.leading_failures += 1000
    with pytest.raises(
        TooManyFailuresError, match=r"first 1,000 records .* failed, most of them with B: a B\. Check"
    ):
        check_start(report)


def test_reports_add_up_and_keep_the_first_examples() -> None:
    first, second = with_failures("A", "B"), with_failures("B", "C")
    second.examples["B"] = Example("another")
    first.counters.lines, second.counters.lines = 5, 3
    second.counters.blank, second.counters.fingerprint = 1, 7
    both = merged([first.built(), second.built()])
    counters = both.counters
    assert (counters.lines, counters.failed, counters.blank, counters.fingerprint) == (8, 4, 1, 7)
    assert counters.reasons == {"A": 1, "B": 2, "C": 1}
    assert messages(both) == {"A": "a A", "B": "a B", "C": "a C"}


def test_reports_of_many_tasks_are_no_larger_than_one() -> None:
    """Failures of each of the types are counted all the same."""
    tasks = [with_failures(*map(str, range(n, n + 15))).built() for n in range(0, 100, 10)]
    whole = merged(tasks)
    assert len(whole.counters.reasons) == MAX_REASONS + 1
    assert whole.examples.keys() == whole.counters.reasons.keys()
    assert sum(whole.counters.reasons.values()) == whole.counters.failed == 150


def test_a_report_does_not_change_when_its_task_goes_on() -> None:
    task = with_failures("A")
    report = task.built()
    task.add_failures([Failure("B", "b")], lambda _: 2)
    task.add_warning("w")
    assert (report.counters.reasons, report.warnings, list(report.examples)) == ({"A": 1}, (), ["A"])


def test_a_report_can_be_sent_as_json_and_made_again() -> None:
    task = with_failures("A")
    task.counters.add_output([b"line"])
    task.add_batch(SlowBatch(1.5, 10, Place(1)))
    task.add_warning("w")
    report = task.built()
    again = msgspec.convert(json.loads(json.dumps(msgspec.to_builtins(report))), TaskReport)
    assert merged([again]) == again == report


def test_the_five_batches_that_took_longest_are_kept() -> None:
    report, other = ReportBuilder(), ReportBuilder()
    for seconds in (3.0, 1.0, 9.0, 4.0, 5.0, 2.0, 7.0):
        report.add_batch(SlowBatch(seconds, 10, Place(int(seconds))))
    other.add_batch(SlowBatch(6.0, 1))
    whole = merged([other.built(), report.built()])
    assert [batch.seconds for batch in whole.slowest] == [9.0, 7.0, 6.0, 5.0, 4.0]


def test_lines_of_a_part_of_a_task_are_counted_on() -> None:
    """What names no line of a file stands for nothing beside other tasks' places."""
    task, part = with_failures("A"), with_failures("B")
    task.counters.lines = 10
    part.add_batch(SlowBatch(1.0, 1, Place(2)))
    task.add_part(part.built())
    report = task.built()
    assert (report.examples["B"].place, report.slowest[0].place) == (Place(11), Place(12))
    assert report.in_file("in", 512).examples["B"].place == Place(11, "in", 512)
    assert report.without_places().examples["B"] == Example("a B")


LINES = st.lists(st.binary(max_size=5), min_size=1, max_size=30)


@given(LINES, st.randoms(use_true_random=False), st.integers(0, 30))
@settings(deadline=None)
def test_the_fingerprint_of_parts_in_any_order_is_that_of_the_whole(
    lines: list[bytes], random: Any, cut: Any
) -> None:
    whole, first, second = Counters(), Counters(), Counters()
    whole.add_output(lines)
    shuffled = random.sample(lines, len(lines))
    first.add_output(shuffled[:cut])
    second.add_output(shuffled[cut:])
    limbs = [part.as_groups().get(FINGERPRINT_GROUP, {}) for part in (first, second)]
    summed = {name: sum(part.get(name, 0) for part in limbs) for name in {**limbs[0], **limbs[1]}}
    assert Counters.of_groups({FINGERPRINT_GROUP: summed}).fingerprint_hex == whole.fingerprint_hex


def fingerprint(*lines: bytes) -> str | None:
    counters = Counters()
    counters.add_output(lines)
    return counters.fingerprint_hex


def test_the_fingerprint_counts_how_often_a_line_is_there() -> None:
    assert fingerprint(b"a") != fingerprint(b"a", b"a")


def test_the_fingerprint_is_128_bits_in_hexadecimal_that_counters_of_hadoop_can_hold() -> None:
    counters = Counters()
    counters.add_output([b"a"] * 1000)
    limbs = counters.as_groups()[FINGERPRINT_GROUP]
    assert all(0 <= limb < 2**32 for limb in limbs.values())
    text = counters.fingerprint_hex
    assert text is not None
    assert len(text) == 32
    assert int(text, 16) == counters.fingerprint % 2**128


def test_without_output_or_with_part_of_its_counters_there_is_no_fingerprint() -> None:
    assert fingerprint() is None
    assert Counters.of_groups({FINGERPRINT_GROUP: {"limb 0": 1}}).fingerprint_hex is None


def test_the_fingerprint_of_an_output_never_changes() -> None:
    assert fingerprint(b"a", b"b") == "bdda89bae6aab45039933ec86a444c96"


def test_warnings_are_few_short_and_different() -> None:
    report, other = ReportBuilder(), ReportBuilder()
    for number in (*range(30), 0):
        report.add_warning(f"{number}\n" + "x" * 1000)
    other.add_warning("another")
    other.add_warning("another")
    assert len(report.warnings) == 20
    assert {len(warning) for warning in report.warnings} == {300}
    other.add(report.built())
    assert other.warnings == ["another", *report.warnings[:19]]


def task(failed: int, predicted: int) -> TaskReport:
    report = with_failures(*["A"] * failed)
    report.counters.predicted = predicted
    report.leading_failures += failed
    return report.built()


@given(st.permutations(range(5)))
@settings(deadline=None)
def test_a_run_whose_first_thousand_records_fail_is_found_wherever_its_tasks_begin(order: list[int]) -> None:
    parts = [task(400, 0), task(0, 0), task(350, 0), task(250, 9), task(0, 9)]
    start = RunStart()
    with pytest.raises(TooManyFailuresError, match="first 1,000 records"):  # noqa: PT012 - at one of them
        for number in order:
            start.add(number, parts[number])


@given(st.permutations(range(4)))
@settings(deadline=None)
def test_a_thousand_failures_later_in_a_run_are_no_bad_start(order: list[int]) -> None:
    parts = [task(999, 1), task(5000, 0), task(1000, 0), task(0, 9)]
    start = RunStart()
    for number in order:
        start.add(number, parts[number])
