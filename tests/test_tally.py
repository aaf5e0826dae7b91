"""What a task counts."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_mapreduce_job.exceptions import TooManyFailuresError
from model_mapreduce_job.formats.records import Failure
from model_mapreduce_job.pipeline.counters import (
    FINGERPRINT_GROUP,
    GROUP,
    MAX_KINDS,
    RunStart,
    Tally,
    fingerprint_of,
)


def counters(tally: Any, group: Any = GROUP) -> Any:
    return {name: amount for its_group, name, amount in tally.counters() if its_group == group}


def with_failures(*kinds: Any) -> Any:
    tally = Tally()
    for kind in kinds:
        tally.add_failure(Failure(kind, f"a {kind}"))
    return tally


def test_counters_are_named_as_the_guide_has_them_and_times_are_in_milliseconds() -> None:
    tally = Tally(
        lines=9, predicted=5, failed=1, blank=2, headers=1, batches=3, predict_ns=7_900_000, load_ns=1_000_000
    )
    assert counters(tally) == {
        "lines": 9,
        "predicted": 5,
        "failed": 1,
        "blank": 2,
        "headers": 1,
        "batches": 3,
        "predict_ms": 7,
        "load_ms": 1,
    }


def test_counts_of_nothing_are_not_sent() -> None:
    assert counters(Tally()) == {"predict_ms": 0, "load_ms": 0}


def test_failures_are_counted_by_type_with_the_first_message_of_each() -> None:
    tally = with_failures("A", "B", "A")
    tally.add_failure(Failure("A", "another message"))
    assert tally.failed == 4
    assert counters(tally)["failed: A"] == 3
    assert counters(tally)["failed: B"] == 1
    assert tally.examples == {"A": "a A", "B": "a B"}


def test_types_beyond_the_twentieth_are_counted_as_other() -> None:
    tally = with_failures(*map(str, range(30)), "0", "29")
    assert len(tally.kinds) == MAX_KINDS + 1
    assert tally.kinds["0"] == 2
    assert tally.kinds["other"] == 11
    assert sum(tally.kinds.values()) == tally.failed == 32


def test_an_example_is_short() -> None:
    tally = Tally()
    tally.add_failure(Failure("A", "x" * 1000))
    assert len(tally.examples["A"]) == 300


@pytest.mark.parametrize(("failed", "predicted"), [(999, 0), (5000, 1), (0, 0)])
def test_a_start_with_fewer_failures_or_a_prediction_is_good_enough(failed: Any, predicted: Any) -> None:
    tally = with_failures(*["A"] * failed)
    tally.predicted = predicted
    tally.leading_failures = min(failed, 999)
    tally.check_start()


def test_a_start_of_a_thousand_failures_is_told_with_the_most_frequent_reason() -> None:
    tally = with_failures(*["A"] * 400, *["B"] * 600)
    tally.add_leading(1000)
    with pytest.raises(
        TooManyFailuresError, match=r"first 1,000 records .* failed, most of them with B: a B"
    ):
        tally.check_start()


def test_tallies_add_up_and_keep_the_first_examples() -> None:
    first, second = with_failures("A", "B"), with_failures("B", "C")
    second.examples["B"] = "another"
    first.lines, second.lines, second.blank, second.fingerprint = 5, 3, 1, 7
    first.add(second)
    assert (first.lines, first.failed, first.blank, first.fingerprint) == (8, 4, 1, 7)
    assert first.kinds == {"A": 1, "B": 2, "C": 1}
    assert first.examples == {"A": "a A", "B": "a B", "C": "a C"}


def test_tallies_that_add_up_have_no_more_types_than_one() -> None:
    tally = with_failures(*map(str, range(15)))
    tally.add(with_failures(*map(str, range(10, 25))))
    assert len(tally.kinds) == MAX_KINDS + 1
    assert sum(tally.kinds.values()) == tally.failed == 30


def test_a_tally_can_be_sent_as_json_and_made_again() -> None:
    tally = with_failures("A")
    tally.add_output([b"line"])
    again = Tally(**json.loads(json.dumps(tally.as_dict())))
    merged = Tally()
    merged.add(again)
    assert merged == tally


LINES = st.lists(st.binary(max_size=5), min_size=1, max_size=30)


@given(LINES, st.randoms(use_true_random=False), st.integers(0, 30))
@settings(deadline=None)
def test_the_fingerprint_of_parts_in_any_order_is_that_of_the_whole(
    lines: list[bytes], random: Any, cut: Any
) -> None:
    whole, first, second = Tally(), Tally(), Tally()
    whole.add_output(lines)
    shuffled = random.sample(lines, len(lines))
    first.add_output(shuffled[:cut])
    second.add_output(shuffled[cut:])
    summed = {
        f"limb {n}": sum(counters(part, FINGERPRINT_GROUP).get(f"limb {n}", 0) for part in (first, second))
        for n in range(4)
    }
    assert fingerprint_of(summed) == fingerprint_of(counters(whole, FINGERPRINT_GROUP))


def test_the_fingerprint_counts_how_often_a_line_is_there() -> None:
    once, twice = Tally(), Tally()
    once.add_output([b"a"])
    twice.add_output([b"a", b"a"])
    assert fingerprint_of(counters(once, FINGERPRINT_GROUP)) != fingerprint_of(
        counters(twice, FINGERPRINT_GROUP)
    )


def test_the_fingerprint_is_128_bits_in_hexadecimal() -> None:
    tally = Tally()
    tally.add_output([b"a"] * 1000)
    limbs = counters(tally, FINGERPRINT_GROUP)
    assert all(0 <= limb < 2**32 for limb in limbs.values())
    text = fingerprint_of(limbs)
    assert len(text) == 32
    assert int(text, 16) == tally.fingerprint % 2**128


def test_without_output_there_is_no_fingerprint() -> None:
    assert fingerprint_of(counters(Tally(), FINGERPRINT_GROUP)) is None


def test_the_fingerprint_of_an_output_never_changes() -> None:
    tally = Tally()
    tally.add_output([b"a", b"b"])
    assert fingerprint_of(counters(tally, FINGERPRINT_GROUP)) == "bdda89bae6aab45039933ec86a444c96"


def test_warnings_are_few_short_and_different() -> None:
    tally, other = Tally(), Tally()
    for number in (*range(30), 0):
        tally.add_warning(f"{number}\n" + "x" * 1000)
    other.add_warning("another")
    other.add_warning("another")
    assert len(tally.warnings) == 20
    assert {len(warning) for warning in tally.warnings} == {300}
    other.add(tally)
    assert other.warnings == ["another", *tally.warnings[:19]]


def test_an_example_names_the_line_of_the_models_code() -> None:
    tally = Tally()
    tally.add_failure(Failure("A", "x" * 1000, "churn.py:41"))
    assert tally.examples["A"].endswith("x (at churn.py:41)")
    assert len(tally.examples["A"]) == 300


def task(failed: int, predicted: int) -> Tally:
    tally = with_failures(*["A"] * failed)
    tally.predicted = predicted
    tally.add_leading(failed)
    return tally


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
