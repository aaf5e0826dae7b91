"""How a model is asked for the predictions of a batch: with a list of records, or with their columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self

from model_mapreduce_job.formats.array_values import rows_of
from model_mapreduce_job.formats.encoding import prediction_texts
from model_mapreduce_job.formats.records import kind_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_mapreduce_job.formats.records import Records, Text
    from model_mapreduce_job.models.contract import BatchModel


class Answer(Protocol):
    """What a model answered for a batch, in a form that can be written down."""

    def lengths(self) -> set[int]:
        """Return how many predictions there are; several numbers where columns are of different lengths."""
        ...

    def texts(self) -> Sequence[Text]:
        """Return the JSON text of each prediction, or a Failure in its place."""
        ...


class Asker(Protocol):
    """How a model is asked. method is the name of what is called."""

    method: str
    model: Any

    def ask(self, records: Records) -> Any:
        """Return what the model answers, as it is; raises what the model raises."""
        ...

    def read(self, answers: Any) -> Answer | None:
        """Return what the model answered as an Answer, None for what is no list, array or table."""
        ...

    def what_it_is(self, answers: Any) -> str:
        """Return what answers are that can't be read, in words."""
        ...

    def problem(self, answer: Answer) -> str:
        """Return in which way an answer is not what the model's output_schema says; nothing if it is."""
        ...

    def of(self, model: Any) -> Self:
        """Return the same way to ask another model, such as a copy of this one."""
        ...


class ListAnswer:
    """A list with a prediction for each record."""

    def __init__(self, rows: list[Any]) -> None:
        self._rows = rows

    def lengths(self) -> set[int]:
        """Return how many predictions there are."""
        return {len(self._rows)}

    def texts(self) -> list[Text]:
        """Return the JSON text of each prediction."""
        return prediction_texts(self._rows)


class ListAsker:
    """Asks a model for the predictions of a list of records."""

    method = "predict_batch"

    def __init__(self, model: BatchModel) -> None:
        self.model = model

    def ask(self, records: Records) -> Any:
        """Return what the model answers."""
        return self.model.predict_batch(records.rows())

    def read(self, answers: Any) -> ListAnswer | None:
        """Return what the model answered as a list of predictions."""
        rows = rows_of(answers)
        return None if rows is None else ListAnswer(rows)

    def what_it_is(self, answers: Any) -> str:
        """Return the type of answers."""
        return f"a {kind_of(answers)}"

    def problem(self, _answer: Answer) -> str:
        """Return nothing: a list's predictions may be anything that JSON can express."""
        return ""

    def of(self, model: Any) -> ListAsker:
        """Return the same way to ask another model."""
        return ListAsker(model)
