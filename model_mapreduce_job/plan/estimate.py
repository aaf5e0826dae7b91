"""Estimates rows, time and cost of a whole input from those of a sample."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_mapreduce_job.plan.cluster import Fleet
    from model_mapreduce_job.plan.prices import Prices
    from model_mapreduce_job.plan.tasks import ExpectedTasks

SECONDS_AN_HOUR = 3600.0


@dataclass(frozen=True)
class Work:
    """The work of a run: its tasks, its rows, the seconds for a row, and for loading the model once."""

    tasks: ExpectedTasks
    rows: int
    record_seconds: float
    load_seconds: float

    @property
    def core_seconds(self) -> float:
        """Return the seconds that one core needs for the rows."""
        return self.rows * self.record_seconds


@dataclass(frozen=True)
class Duration:
    """The expected seconds until the first task, for loading the model, and for predicting.

    cores is how many there are, busy how many of them have something to do; tasks and loads are those of the
    whole run.
    """

    cores: int
    busy: int
    tasks: int
    loads: int
    start_seconds: float
    load_seconds: float
    predict_seconds: float

    @property
    def seconds(self) -> float:
        """Return the expected seconds of the whole run."""
        return self.start_seconds + self.load_seconds + self.predict_seconds


@dataclass(frozen=True)
class Cost:
    """US dollars with the cheapest and the most expensive choice of machines; None when a fleet has no price.

    priced and unpriced are the instance types with and without a known price.
    """

    lowest: float | None
    highest: float | None
    priced: frozenset[str]
    unpriced: frozenset[str]


def estimate_rows(text_bytes: float, sample_bytes: int, sample_rows: int) -> int:
    """Return the estimated rows of a text, from a sample's bytes and rows."""
    return round(text_bytes * sample_rows / sample_bytes) if sample_bytes else 0


def estimate_duration(work: Work, start_seconds: float, cores: int) -> Duration:
    """Return the expected duration on a number of cores, at least that of the largest task."""
    busy = max(1, min(cores, work.tasks.count))
    return Duration(
        cores=cores,
        busy=busy,
        tasks=work.tasks.count,
        loads=work.tasks.loads,
        start_seconds=start_seconds,
        load_seconds=ceil(work.tasks.loads / busy) * work.load_seconds,
        predict_seconds=work.core_seconds * max(1 / busy, work.tasks.largest_share),
    )


def estimate_cost(fleets: Sequence[Fleet], prices: Prices, seconds: float) -> Cost:
    """Return the cost of fleets for a number of seconds."""
    types = frozenset(machines.instance_type for fleet in fleets for machines in fleet.choices)
    priced = types & prices.per_hour.keys()
    hourly = [_hourly(fleet, prices) for fleet in fleets]
    if not (fleets and all(hourly)):
        return Cost(None, None, priced, types - priced)
    hours = seconds / SECONDS_AN_HOUR
    lowest, highest = sum(map(min, hourly)) * hours, sum(map(max, hourly)) * hours
    return Cost(lowest, highest, priced, types - priced)


def _hourly(fleet: Fleet, prices: Prices) -> list[float]:
    """Return the price of an hour of a fleet for each of its choices that has one."""
    return [
        machines.count * prices.per_hour[machines.instance_type]
        for machines in fleet.choices
        if machines.instance_type in prices.per_hour
    ]
