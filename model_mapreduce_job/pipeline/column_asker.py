"""How a model is asked with the columns of a batch: imported for such models alone, since it needs Arrow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_mapreduce_job.formats.column_answers import ColumnAnswer, no_column
from model_mapreduce_job.formats.records import kind_of
from model_mapreduce_job.models.output_columns import OutputColumns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_mapreduce_job.formats.fitted_answers import AnswerFit
    from model_mapreduce_job.formats.records import Records, Text


class TableAnswer:
    """An answer of columns for an output of columns: no text between them where fit has them."""

    def __init__(self, answer: ColumnAnswer, fit: AnswerFit) -> None:
        self._answer = answer
        self._fit = fit

    @property
    def names(self) -> tuple[str, ...] | None:
        """The fields of a prediction."""
        return self._answer.names

    @property
    def columns(self) -> Sequence[Any]:
        """The columns that the model answered."""
        return self._answer.columns

    def lengths(self) -> set[int]:
        """Return how many rows the columns have."""
        return self._answer.lengths()

    def texts(self) -> Sequence[Text]:
        """Return each row's JSON text, or a Failure; a text is written when it's asked for, if columns do."""
        return self._fit.fitted(self._answer) or self._answer.texts()


class ColumnAsker:
    """Asks a model for the predictions of a batch of columns; fit has the columns of an output of tables."""

    method = "predict_columns"

    def __init__(self, model: Any, fit: AnswerFit | None = None) -> None:
        self.model = model
        self._fit = fit
        self._output = OutputColumns(model.output_schema)

    def ask(self, records: Records) -> Any:
        """Return what the model answers; raises also where a record has no room in the columns."""
        return self.model.predict_columns(records.columns())

    def read(self, answers: Any) -> ColumnAnswer | TableAnswer | None:
        """Return what the model answered as columns."""
        answer = ColumnAnswer.of(answers)
        return TableAnswer(answer, self._fit) if answer and self._fit else answer

    def what_it_is(self, answers: Any) -> str:
        """Return the type of answers, and which of their columns is none."""
        return f"a {kind_of(answers)}{no_column(answers)}"

    def problem(self, answer: Any) -> str:
        """Return which columns of an answer are not those of the model's output_schema."""
        return self._output.problem(answer.names, answer.columns)

    def of(self, model: Any) -> ColumnAsker:
        """Return the same way to ask another model."""
        return ColumnAsker(model)
