"""Figures in, figures out: rows, tasks, time and cost."""

import pytest

from model_mapreduce_job.plan.cluster import Fleet, Machines
from model_mapreduce_job.plan.estimate import (
    Cost,
    Work,
    estimate_cost,
    estimate_duration,
    estimate_rows,
)
from model_mapreduce_job.plan.prices import COPIED_ON, EC2_AND_EMR, Prices, prices_for
from model_mapreduce_job.plan.tasks import ExpectedTasks, Piece

MASTER = Fleet("master", "on demand", [Machines("a.xlarge", 1)])
CORE = Fleet("core", "spot", [Machines("a.xlarge", 4), Machines("b.xlarge", 2)])


def test_rows_are_the_bytes_by_the_samples_mean_bytes_a_row() -> None:
    assert estimate_rows(text_bytes=8300.0, sample_bytes=830, sample_rows=10) == 100


def test_blank_lines_of_the_sample_make_rows_fewer() -> None:
    assert estimate_rows(text_bytes=2000.0, sample_bytes=200, sample_rows=1) == 10


def test_an_empty_sample_tells_of_no_rows() -> None:
    assert estimate_rows(text_bytes=0.0, sample_bytes=0, sample_rows=0) == 0


def work(*texts: float, loads: int) -> Work:
    tasks = ExpectedTasks([[Piece(f"f{number}", 1, text)] for number, text in enumerate(texts)], loads)
    return Work(tasks, rows=1000, record_seconds=0.01, load_seconds=2.0)


def test_work_is_shared_by_the_cores_and_the_model_loaded_one_time_after_the_other() -> None:
    expected = estimate_duration(work(*[1.0] * 80, loads=80), 100.0, 8)
    assert (expected.cores, expected.busy, expected.tasks, expected.loads) == (8, 8, 80, 80)
    assert expected.predict_seconds == pytest.approx(10.0 / 8)
    assert expected.load_seconds == pytest.approx(10 * 2.0)
    assert expected.seconds == pytest.approx(100.0 + 20.0 + 1.25)


def test_workers_that_are_kept_load_the_model_once() -> None:
    assert estimate_duration(work(*[1.0] * 80, loads=8), 1.0, 8).load_seconds == 2.0


def test_no_more_cores_are_busy_than_there_are_tasks() -> None:
    expected = estimate_duration(work(5.0, 5.0, loads=2), 100.0, 8)
    assert expected.busy == 2
    assert expected.predict_seconds == pytest.approx(5.0)


def test_the_largest_task_is_the_least_that_a_run_takes() -> None:
    assert estimate_duration(work(0.9, 0.05, 0.05, loads=3), 1.0, 8).predict_seconds == pytest.approx(9.0)


def test_nothing_to_do_takes_the_start_alone() -> None:
    nothing = Work(ExpectedTasks([], 0), 0, 0.01, 2.0)
    assert estimate_duration(nothing, 100.0, 8).seconds == 100.0


def test_cost_is_hours_by_the_prices_of_all_machines() -> None:
    prices = Prices({"a.xlarge": 0.5, "b.xlarge": 2.0}, frozenset())
    cost = estimate_cost([MASTER, CORE], prices, 7200.0)
    assert cost.lowest == pytest.approx(2 * (0.5 + 4 * 0.5))
    assert cost.highest == pytest.approx(2 * (0.5 + 2 * 2.0))
    assert cost.unpriced == frozenset()


def test_a_type_without_a_price_is_left_out_and_named() -> None:
    cost = estimate_cost([MASTER, CORE], Prices({"a.xlarge": 0.5}, frozenset()), 3600.0)
    assert cost.lowest == cost.highest == pytest.approx(2.5)
    assert (cost.priced, cost.unpriced) == (frozenset({"a.xlarge"}), frozenset({"b.xlarge"}))


def test_a_fleet_without_any_price_makes_the_cost_unknown() -> None:
    cost = estimate_cost([MASTER, CORE], Prices({"b.xlarge": 0.5}, frozenset()), 3600.0)
    assert cost == Cost(None, None, frozenset({"b.xlarge"}), frozenset({"a.xlarge"}))


def test_a_given_price_wins_over_the_copy() -> None:
    prices = prices_for("us-west-2", {"m5.xlarge": 0.1})
    assert prices.per_hour["m5.xlarge"] == 0.1
    assert prices.per_hour["m6i.xlarge"] == pytest.approx(0.24)


def test_a_region_that_the_copy_does_not_have_has_only_given_prices() -> None:
    assert prices_for("eu-central-1", {"m5.xlarge": 0.3}).per_hour == {"m5.xlarge": 0.3}


def test_the_source_says_the_copys_date_unless_all_prices_were_given() -> None:
    prices = prices_for("us-west-2", {"m5.xlarge": 0.1})
    assert prices.source(frozenset({"m5.xlarge"})) == "prices as given"
    assert COPIED_ON in prices.source(frozenset({"m6i.xlarge"}))
    assert prices.source(frozenset({"m5.xlarge", "m6i.xlarge"})).endswith("and prices as given")


@pytest.mark.parametrize("kind", EC2_AND_EMR)
def test_emr_adds_about_a_quarter_to_each_copied_price(kind: str) -> None:
    ec2, emr = EC2_AND_EMR[kind]
    assert emr / ec2 == pytest.approx(0.25, abs=0.005)


@pytest.mark.parametrize("family", ["m5", "m6i", "m6a", "c5", "r5"])
def test_twice_the_machine_has_twice_the_copied_price(family: str) -> None:
    assert EC2_AND_EMR[f"{family}.2xlarge"][0] == pytest.approx(2 * EC2_AND_EMR[f"{family}.xlarge"][0])
