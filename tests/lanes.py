"""One behaviour as a model of each kind: given a record, a list of records, or their columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakes import as_model

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

# Answers the numbers x of records, together or one by one.
Behaviour = "Callable[[Sequence[float]], Any]"
LANES = ("record", "list", "columns")


class _Behaves:
    output_schema = None

    def __init__(self, behave: Any) -> None:
        self.behave = behave


@as_model
class ByTheRecord(_Behaves):
    """Is asked for one record at a time."""

    def predict(self, data: Any) -> Any:
        answer = self.behave([data["x"]])[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@as_model
class ByTheList(_Behaves):
    """Is asked for a list of records."""

    def predict_batch(self, data: list[Any]) -> Any:
        return self.behave([record["x"] for record in data])


@as_model
class ByTheColumn(_Behaves):
    """Is asked for the columns of records."""

    def predict_columns(self, batch: pa.RecordBatch) -> Any:
        return self.behave(batch.column("x").to_pylist())


MODELS: dict[str, Callable[[Any], Any]] = dict(zip(LANES, (ByTheRecord, ByTheList, ByTheColumn), strict=True))


def twice(numbers: Sequence[float]) -> list[Any]:
    return [{"twice": 2 * number} for number in numbers]


class Raises:
    """Raises where one of the numbers is bad."""

    def __init__(self, error: type[BaseException], *bad: float) -> None:
        self._error = error
        self._bad = bad

    def __call__(self, numbers: Sequence[float]) -> list[Any]:
        for number in numbers:
            if number in self._bad:
                raise self._error(f"{number} is bad")
        return twice(numbers)


class AnswersFor:
    """Answers something else for 2."""

    def __init__(self, other: Any) -> None:
        self._other = other

    def __call__(self, numbers: Sequence[float]) -> list[Any]:
        return [
            self._other if number == 2 else answer
            for number, answer in zip(numbers, twice(numbers), strict=True)
        ]


class HasNoMemoryFor:
    """Has memory for so many numbers."""

    def __init__(self, most: int) -> None:
        self._most = most

    def __call__(self, numbers: Sequence[float]) -> list[Any]:
        if len(numbers) > self._most:
            raise MemoryError
        return twice(numbers)


class AnswersInOneList:
    """Answers in the same list, and the same objects, each time."""

    def __init__(self) -> None:
        self._answers: list[Any] = []

    def __call__(self, numbers: Sequence[float]) -> list[Any]:
        for answer in self._answers:
            answer["twice"] = "spoilt"
        del self._answers[:]
        self._answers += twice(numbers)
        return self._answers
