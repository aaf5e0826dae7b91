"""Models named for what they do, and the schemas that they share."""

from __future__ import annotations

import sys
from typing import Any, TypedDict

import msgspec
import numpy as np

from model_mapreduce_job.formats.records import DecodedRecords


class Number(TypedDict):
    """A record with one number."""

    x: float


class Twice(TypedDict):
    """A prediction with one number."""

    twice: float


def as_model(model_class: type) -> type:
    """Give a class the members that a model has beside predict, where it has none of its own."""
    members = {
        "display_name": model_class.__name__,
        "qualified_name": model_class.__name__,
        "description": model_class.__doc__,
        "major_version": 1,
        "minor_version": 2,
        "input_schema": Number,
        "output_schema": Twice,
    }
    for name, value in members.items():
        if not hasattr(model_class, name):
            setattr(model_class, name, value)
    return model_class


def twice(record: Number) -> Twice:
    return {"twice": 2 * record["x"]}


@as_model
class Doubler:
    """Doubles a number, or many; remembers how many it got at once."""

    def __init__(self) -> None:
        self.batch_sizes: list[int] = []

    def predict(self, data: Number) -> Twice:
        return twice(data)

    def predict_batch(self, data: list[Number]) -> list[Twice]:
        self.batch_sizes.append(len(data))
        return list(map(twice, data))


@as_model
class DoublesOneByOne:
    """Doubles a number, and knows no batches."""

    def predict(self, data: Number) -> Twice:
        if data["x"] < 0:
            raise ValueError(f"{data['x']} is negative")
        return twice(data)


@as_model
class Echoes:
    """Answers the record itself, of any kind."""

    input_schema = None
    output_schema = None

    def predict(self, data: Any) -> Any:
        return data

    def predict_batch(self, data: list[Any]) -> list[Any]:
        return list(data)


@as_model
class RaisesOn:
    """Raises the error given where a batch holds one of the bad numbers; counts its calls."""

    def __init__(self, *bad: float, error: type[BaseException] = ValueError) -> None:
        self.bad = bad
        self.error = error
        self.calls = 0

    def predict(self, data: Number) -> Twice:
        return self.predict_batch([data])[0]

    def predict_batch(self, data: list[Number]) -> list[Twice]:
        self.calls += 1
        for record in data:
            if record["x"] in self.bad:
                raise self.error(f"{record['x']} is bad")
        return list(map(twice, data))


@as_model
class AnswersErrorsFor:
    """Answers an Exception instance, as the contract allows, for the bad numbers."""

    def __init__(self, *bad: float) -> None:
        self.bad = bad

    def predict(self, data: Number) -> Twice:
        return twice(data)

    def predict_batch(self, data: list[Number]) -> list[Twice | Exception]:
        return [ValueError(f"{r['x']} is bad") if r["x"] in self.bad else twice(r) for r in data]


@as_model
class OutOfMemoryOver:
    """Raises MemoryError over so many records at once."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.batch_sizes: list[int] = []

    def predict(self, data: Number) -> Twice:
        return twice(data)

    def predict_batch(self, data: list[Number]) -> list[Twice]:
        self.batch_sizes.append(len(data))
        if len(data) > self.most:
            raise MemoryError
        return list(map(twice, data))


@as_model
class ReversesItsAnswers:
    """Answers in the opposite order."""

    def predict(self, data: Number) -> Twice:
        return twice(data)

    def predict_batch(self, data: list[Number]) -> list[Twice]:
        return list(map(twice, reversed(data)))


@as_model
class IsRandom:
    """Answers something else each time; no order can be told from that."""

    def __init__(self) -> None:
        self.calls = 0

    def predict(self, data: Number) -> Any:
        return self.predict_batch([data])[0]

    def predict_batch(self, data: list[Number]) -> list[Any]:
        self.calls += 1
        return [self.calls * 1000 + place for place, _ in enumerate(data)]


@as_model
class Answers:
    """Answers a batch with whatever the function makes of it."""

    output_schema = None

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def predict(self, data: Any) -> Any:
        return self.answer([data])[0]

    def predict_batch(self, data: list[Any]) -> Any:
        return self.answer(data)


@as_model
class AnswersNumpy:
    """Answers an array of numpy's numbers."""

    output_schema = None

    def predict(self, data: Number) -> Any:
        return np.float64(2 * data["x"])

    def predict_batch(self, data: list[Number]) -> Any:
        return np.array([2 * record["x"] for record in data])


@as_model
class LeavesTheProcess:
    """Calls sys.exit() on a negative number."""

    def predict(self, data: Number) -> Twice:
        if data["x"] < 0:
            sys.exit("negative")
        return twice(data)


@as_model
class TakesParameters:
    """Is loaded with a factor."""

    def __init__(self, factor: float) -> None:
        self.factor = factor

    def predict(self, data: Number) -> Any:
        return self.factor * data["x"]


class LacksDescription:
    """Is no model: it has no description and no minor version."""

    display_name = qualified_name = "LacksDescription"
    major_version = 1
    input_schema = output_schema = None

    def predict(self, data: Any) -> Any:
        return data


class Table:
    """Has as many rows as it says, and yields its columns: what a data frame does."""

    def __init__(self, rows: int) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return self._rows

    def __iter__(self) -> Any:
        return iter(["column"] * self._rows)

    def __array__(self) -> Any:
        return np.zeros((self._rows, 1))


class UnprintableError(Exception):
    """Raises when it is printed."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


def numbers(*values: float) -> list[Number]:
    return [{"x": value} for value in values]


def records_of(*records: Any) -> DecodedRecords:
    """Return records as a batch has them, decoded from JSON whenever they are asked for."""
    lines = list(map(msgspec.json.encode, records))
    return DecodedRecords(list(map(msgspec.json.decode, lines)), lines, msgspec.json.decode)


def lines_of(*values: Any) -> list[bytes]:
    return [msgspec.json.encode({"x": value}) for value in values]
