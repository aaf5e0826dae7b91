"""The parts of a sample's prediction: the stopwatch, and the check of predictions against output_schema."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypedDict

import pydantic
import pytest

from model_mapreduce_job.formats.lines import Block
from model_mapreduce_job.pipeline.task_report import ReportBuilder
from model_mapreduce_job.task.sample_prediction import check_schema
from model_mapreduce_job.task.stopwatch import Stopwatch


class Species(TypedDict):
    species: str


class Model(pydantic.BaseModel):
    species: str


class Steps:
    """A clock that goes on by what is left of a list of steps, at every second look."""

    def __init__(self, steps: Sequence[float]) -> None:
        self._steps = iter(steps)
        self._now = 0.0
        self._looks = 0

    def __call__(self) -> float:
        self._looks += 1
        if self._looks % 2 == 0:
            self._now += next(self._steps)
        return self._now


class TenAtOnce:
    """A task that counts ten records for each block."""

    def __init__(self) -> None:
        self.report = ReportBuilder()

    def predict_lines(self, blocks: Iterable[Block]) -> Iterator[list[bytes]]:
        for _ in blocks:
            self.report.counters.predicted += 10
            yield [b"x"] * 10


def timed(steps: Sequence[float], limit: float = 60.0) -> tuple[Stopwatch, int, int]:
    beats: list[None] = []
    stopwatch = Stopwatch(Steps(steps), lambda: beats.append(None))
    outputs = list(stopwatch.timed(TenAtOnce(), [[b""]] * len(steps), limit))
    return stopwatch, len(outputs), len(beats)


def test_the_first_batch_is_left_out_when_there_are_more() -> None:
    stopwatch, outputs, beats = timed([9.0, 1.0, 2.0, 3.0, 0.0])
    assert stopwatch.record_seconds == pytest.approx(6.0 / 40)
    assert (outputs, beats) == (5, 5)


def test_a_first_batch_that_is_alone_counts() -> None:
    assert timed([9.0])[0].record_seconds == pytest.approx(0.9)


def test_no_batch_tells_nothing() -> None:
    assert timed([])[0].record_seconds is None


def test_time_that_is_over_ends_it() -> None:
    assert timed([1.0] * 5, limit=0.0)[1] == 0


def test_a_new_batch_size_starts_the_sums_over() -> None:
    stopwatch = Stopwatch(lambda: 0.0, lambda: None)
    for size, seconds in ((16, 5.0), (16, 1.6), (32, 2.0), (32, 1.0)):
        stopwatch.observe(size, size, seconds, 2 * seconds)
    assert (stopwatch.records, stopwatch.seconds, stopwatch.wall_seconds) == (64, 3.0, 6.0)
    assert stopwatch.first_seconds == 10.0


FITS = b'{"species": "setosa"}'
MISMATCH = b'{"species": 7}'
SCHEMAS: list[Any] = [
    Species,
    Model,
    {"type": "object", "properties": {"species": {"type": "string"}}, "required": ["species"]},
]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_predictions_that_fit_are_no_misfits(schema: Any) -> None:
    assert check_schema(schema, {FITS: 3, b"null": 2}, failed=2).mismatches == 0


@pytest.mark.parametrize("schema", SCHEMAS)
def test_predictions_that_dont_fit_are_counted_and_one_is_shown(schema: Any) -> None:
    check = check_schema(schema, {FITS: 3, MISMATCH: 2}, failed=0)
    assert check.mismatches == 2
    assert check.example.startswith('{"species": 7}: ')
    assert "species" in check.example.partition(": ")[2]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_null_that_is_no_failed_record_has_to_fit(schema: Any) -> None:
    assert check_schema(schema, {b"null": 5}, failed=2).mismatches == 3


def test_a_null_may_fit() -> None:
    assert check_schema(Species | None, {b"null": 5}, failed=2).mismatches == 0


def test_a_model_without_output_schema_is_not_checked() -> None:
    check = check_schema(None, {MISMATCH: 1}, failed=0)
    assert (check.mismatches, check.problem) == (0, "the model has none")


def test_an_output_schema_that_is_none_is_said_to_be() -> None:
    assert check_schema(7, {FITS: 1}, failed=0).problem == "the model's is of no known kind: 7"
