"""How many records came when: exact sums in few spans of time, whatever order the tasks' counts come in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_mapreduce_job.pipeline.counters import Counters
from model_mapreduce_job.pipeline.task_report import TaskReport, merged
from model_mapreduce_job.profiles.pace import MOST_SPANS, MOST_WORKERS, OTHER_WORKERS, Pace, PaceBuilder

if TYPE_CHECKING:
    from random import Random

START = 1.8e9
BATCH = st.tuples(st.integers(0, 10_000), st.floats(0, 1e6), st.floats(-1, 300))


def pace_of(*batches: tuple[int, float, float], name: str = "") -> Pace | None:
    builder = PaceBuilder()
    for records, began, seconds in batches:
        builder.add(records, START + began, START + began + seconds)
    found = builder.built()
    return found and found.of_worker(name)


def together(paces: list[Pace | None]) -> Pace | None:
    return merged(TaskReport(Counters(), pace=pace) for pace in paces).pace


@given(st.lists(st.lists(BATCH, max_size=9), max_size=6), st.randoms())
def test_the_order_in_which_tasks_are_added_makes_no_difference(
    tasks: list[list[tuple[int, float, float]]], chance: Random
) -> None:
    paces = [pace_of(*batches, name=f"{number % 3}") for number, batches in enumerate(tasks)]
    found = together(paces)
    chance.shuffle(paces)
    assert together(paces) == found
    records = sum(batch[0] for batches in tasks for batch in batches)
    assert (found is None) == (records == 0)
    if found is not None:
        assert msgspec.convert(msgspec.to_builtins(found), Pace) == found
        spans = [worker["records"] for worker in found.as_json()["workers"]]
        assert sum(map(sum, spans)) == records
        assert all(len(one) == len(spans[0]) <= MOST_SPANS for one in spans)


def test_a_batch_that_took_long_is_spread_over_its_time() -> None:
    found = pace_of((1000, 0, 10), (1, 10, 0))
    assert found is not None
    json = found.as_json()
    assert json["from"] == "2027-01-15T08:00:00+00:00"
    (worker,) = json["workers"]
    rates = [records / json["span_seconds"] for records in worker["records"]]
    assert rates[:-1] == pytest.approx([100] * (len(rates) - 1), abs=1 / json["span_seconds"])
    assert json["span_seconds"] * len(rates) == pytest.approx(10, rel=0.05)


def test_of_many_workers_the_later_ones_are_together() -> None:
    paces = [pace_of((1, number, 0.5), name=f"node {number}") for number in range(MOST_WORKERS + 5)]
    found = together(paces)
    assert found is not None
    assert list(found.workers) == [*(f"node {number}" for number in range(MOST_WORKERS)), OTHER_WORKERS]
    assert sum(found.workers[OTHER_WORKERS].records) == 5
