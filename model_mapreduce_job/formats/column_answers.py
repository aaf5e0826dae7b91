"""What a model of columns answers for a batch, as one prediction for each record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from model_mapreduce_job.formats.answer_arrays import answer_column
from model_mapreduce_job.formats.column_texts import texts_of_columns
from model_mapreduce_job.formats.encoding import prediction_texts
from model_mapreduce_job.formats.records import kind_of
from model_mapreduce_job.models.arrow_arrays import plain_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_mapreduce_job.formats.records import Text


@dataclass(frozen=True)
class ColumnAnswer:
    """The columns of an answer: Arrow arrays of plain types, or lists.

    names has the fields of a prediction; without any a prediction is the one column's value.
    """

    names: tuple[str, ...] | None
    columns: Sequence[Any]

    @classmethod
    def of(cls, answers: Any) -> ColumnAnswer | None:
        """Return what a model answered as columns; None for what is no array and has no columns."""
        named = _named(answers)
        columns = list(map(answer_column, named.values())) if named is not None else [answer_column(answers)]
        if not columns or any(column is None for column in columns):
            return None
        return cls(None if named is None else tuple(named), columns)

    @property
    def length(self) -> int:
        """How many rows the first of the columns has."""
        return len(self.columns[0])

    def lengths(self) -> set[int]:
        """Return how many rows the columns have: one number, unless they are of different lengths."""
        return set(map(len, self.columns))

    def row(self, place: int) -> ColumnAnswer:
        """Return one row of the columns."""
        return ColumnAnswer(self.names, [column[place : place + 1] for column in self.columns])

    def texts(self) -> Sequence[Text]:
        """Return each row's JSON text; a Failure for an Exception, and for what JSON can't express."""
        texts = texts_of_columns(self.names, self.columns)
        return prediction_texts(self.rows()) if texts is None else texts

    def rows(self) -> list[Any]:
        """Return each row's prediction."""
        values: list[list[Any]] = [
            plain_values(column) if isinstance(column, pa.Array) else column for column in self.columns
        ]
        if self.names is None:
            return values[0]
        return list(map(dict, map(zip, repeat(self.names), zip(*values, strict=True))))


def no_column(answers: Any) -> str:
    """Return which of an answer's columns is no list or array, in words; nothing where that isn't it."""
    for name, column in (_named(answers) or {}).items():
        if answer_column(column) is None:
            return f" whose column {name} is no array: it is a {kind_of(column)}"
    return ""


def _named(answers: Any) -> dict[str, Any] | None:
    """Return an answer's columns by name; None for an answer that is no table.

    Raises ValueError where two have one name.
    """
    names, columns = _table(answers)
    if names is None:
        return None
    named = dict(zip(map(str, names), columns, strict=True))
    if len(named) < len(names):
        raise ValueError(f"two columns of the answer have one name: {', '.join(map(str, names))}")
    return named


def _table(answers: Any) -> tuple[Sequence[Any] | None, Sequence[Any]]:
    """Return the names and the columns of an answer; no names for one that is no table."""
    if isinstance(answers, Mapping):
        return list(answers), list(answers.values())
    if isinstance(answers, pa.RecordBatch | pa.Table):
        return answers.schema.names, answers.columns
    if isinstance(answers, pa.StructArray) and not answers.null_count:
        return [field.name for field in answers.type], answers.flatten()
    library = type(answers).__module__.partition(".")[0]
    if library == "pandas" and kind_of(answers) == "DataFrame":
        return list(answers.columns), [answers.iloc[:, place] for place in range(answers.shape[1])]
    if library == "polars" and kind_of(answers) == "DataFrame":
        return answers.columns, answers.get_columns()
    return None, ()
