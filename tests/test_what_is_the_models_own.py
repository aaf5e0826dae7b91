"""What a model is given is its own to spoil, and what it answers is written down before it's called again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from fakes import as_model
from forked import fork_server
from hypothesis import given, settings
from hypothesis import strategies as st
from test_pipeline import output_of, task_of

from model_mapreduce_job.task.isolation import IsolatedPipeline
from model_mapreduce_job.task.messages import Begin

if TYPE_CHECKING:
    from model_mapreduce_job.task.model_process import ModelProcess


def scaled(record: Any) -> Any:
    """Scale a record in place, as a careless model does, and answer with it; raise on a negative number."""
    record["inner"]["x"] *= 10
    record["seen"] = True
    if record["inner"]["x"] < 0:
        raise ValueError("negative")
    return record


@as_model
class AnswersWhatItWasGiven:
    """Scales records in place, answers with them, and changes them again at its next call."""

    input_schema = output_schema = None

    def __init__(self) -> None:
        self.kept: list[Any] = []

    def predict(self, data: Any) -> Any:
        self.spoil()
        self.kept.append(data)
        return scaled(data)

    def spoil(self) -> None:
        for record in self.kept:
            record["inner"]["x"] = "spoilt"


class EmptiesTheList(AnswersWhatItWasGiven):
    """Takes its records out of the list that it was given."""

    def predict_batch(self, data: list[Any]) -> list[Any]:
        self.spoil()
        answers = []
        while data:
            self.kept.append(data.pop(0))
            answers.append(scaled(self.kept[-1]))
        return answers


class SortsTheList(AnswersWhatItWasGiven):
    """Sorts its list, but only after it has answered."""

    def predict_batch(self, data: list[Any]) -> tuple[Any, ...]:
        self.spoil()
        answers = tuple(map(scaled, data))
        self.kept += data
        data.sort(key=lambda record: -record["inner"]["x"])
        return answers


class AnswersTheListItself(AnswersWhatItWasGiven):
    """Puts its answers in the places of the records."""

    def predict_batch(self, data: list[Any]) -> list[Any]:
        self.spoil()
        for place, record in enumerate(data):
            data[place] = scaled(record)
        self.kept += data
        return data


class ReusesABuffer(AnswersWhatItWasGiven):
    """Answers with one and the same object each time."""

    def __init__(self) -> None:
        super().__init__()
        self.buffer: dict[str, Any] = {}

    def predict(self, data: Any) -> Any:
        self.buffer.update(scaled(data))
        return self.buffer


class ReusesAList(AnswersWhatItWasGiven):
    """Answers with one and the same list each time."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[Any] = []

    def predict_batch(self, data: list[Any]) -> list[Any]:
        self.answers[:] = map(scaled, data)
        return self.answers


MODELS = [
    AnswersWhatItWasGiven,
    EmptiesTheList,
    SortsTheList,
    AnswersTheListItself,
    ReusesABuffer,
    ReusesAList,
]


def lines(numbers: list[int]) -> list[bytes]:
    return [b'{"inner":{"x":%d}}' % number for number in numbers]


def expected(numbers: list[int]) -> list[bytes]:
    """Return what predicting one record at a time gives, each of them decoded afresh."""
    texts = [
        b"null" if number < 0 else json.dumps(scaled(msgspec.json.decode(line))).encode()
        for number, line in zip(numbers, lines(numbers), strict=True)
    ]
    return [b"\t".join(pair) for pair in zip(lines(numbers), texts, strict=True)]


NUMBERS = st.lists(st.integers(-1, 5), min_size=1, max_size=25)


@pytest.mark.parametrize("model", MODELS)
@given(numbers=NUMBERS, size=st.integers(1, 9))
@settings(deadline=None, max_examples=60)
def test_a_model_that_spoils_its_records_gets_each_afresh(model: Any, numbers: list[int], size: int) -> None:
    assert output_of(task_of(model(), size), lines(numbers)) == expected(numbers)


def test_a_model_that_spoils_its_records_gets_each_afresh_in_isolation_too() -> None:
    numbers = [3, 1, -1, 2, 2, -1, 5, 4, 0] * 5
    for model in MODELS:

        def start(model: Any = model) -> ModelProcess:
            child = fork_server(make_isolated=lambda *_: task_of(model()))
            child.send(Begin())
            return child

        assert output_of(IsolatedPipeline(start, 60.0, fail_fast=False), lines(numbers)) == expected(numbers)


@as_model
class CountsItsCalls:
    """Answers how often it was called."""

    input_schema = output_schema = None

    def __init__(self) -> None:
        self.calls = 0

    def predict(self, data: Any) -> Any:
        return self.predict_batch([data])[0]

    def predict_batch(self, data: list[Any]) -> list[Any]:
        self.calls += 1
        return [[self.calls, record] for record in data]


def test_a_model_that_counts_is_called_once_a_batch_and_no_more() -> None:
    task = task_of(CountsItsCalls(), 2)
    texts = [line.partition(b"\t")[2] for line in output_of(task, [b"1", b"2", b"3", b"4"])]
    texts += [line.partition(b"\t")[2] for line in output_of(task, [b"5", b"6"])]
    assert texts == [b"[1, 1]", b"[1, 2]", b"[2, 3]", b"[2, 4]", b"[3, 5]", b"[3, 6]"]
    assert task.report.warnings == []
