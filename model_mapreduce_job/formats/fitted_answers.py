"""Predictions that are columns, as those of an output: with no text between, where that gives the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from model_mapreduce_job.formats.records import texts_at
from model_mapreduce_job.models.arrow_arrays import arrow_array

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from model_mapreduce_job.formats.column_answers import ColumnAnswer
    from model_mapreduce_job.formats.records import Failure, Text


class FittedAnswer(Sequence["Text"]):
    """What became of a batch's records: a column for each of the output's, and the failures by their place.

    As a sequence it has the JSON text or the failure of each record, and writes a text when it is asked for.
    """

    def __init__(
        self,
        answer: ColumnAnswer,
        columns: Sequence[pa.Array],
        failures: Mapping[int, Failure] | None = None,
    ) -> None:
        self._answer = answer
        self._columns = columns
        self.failures = failures or {}
        self._length = len(columns[0]) + len(self.failures)

    @property
    def columns(self) -> Sequence[pa.Array]:
        """The output's columns: a row for each record, of nulls where it failed."""
        if not self.failures:
            return self._columns
        numbers = iter(range(self._length))
        rows = [None if place in self.failures else next(numbers) for place in range(self._length)]
        places = arrow_array(rows, pa.int64())
        return [column.take(places) for column in self._columns]

    def with_failures(self, failures: Mapping[int, Failure]) -> FittedAnswer:
        """Return the same with failures among them, by the places that they have then."""
        return FittedAnswer(self._answer, self._columns, failures) if failures else self

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Text]:
        texts = iter(self._answer.texts())
        return iter([self.failures.get(place) or next(texts) for place in range(self._length)])

    def at(self, places: Sequence[int]) -> Sequence[Text]:
        """Return the outcomes at some places."""
        return texts_at(list(self) if self.failures else self._answer.texts(), places)

    def __getitem__(self, place: Any) -> Any:
        """Return the outcome at a place, quickly where no record failed."""
        if self.failures or isinstance(place, slice):
            return list(self)[place]
        return self._answer.row(range(self._length)[place]).texts()[0]


class AnswerFit:
    """Makes an output's columns of answers that are columns. schema has the prediction's columns.

    A prediction of an output that is_single has no fields.
    """

    def __init__(self, schema: pa.Schema, *, is_single: bool) -> None:
        self._schema = schema
        self._is_single = is_single

    def fitted(self, answer: ColumnAnswer) -> FittedAnswer | None:
        """Return an answer as the output's columns; None where its texts may say something else."""
        if not self._has_names(answer.names):
            return None
        named = dict(zip(answer.names or self._schema.names, answer.columns, strict=True))
        try:
            columns = [_held(named.get(field.name), field, answer.length) for field in self._schema]
        except (pa.ArrowException, KeyError):
            return None
        return FittedAnswer(answer, columns)

    def _has_names(self, names: Sequence[str] | None) -> bool:
        if names is None or self._is_single:
            return names is None and self._is_single
        return set(names) <= set(self._schema.names)


def _held(column: Any, field: pa.Field, length: int) -> pa.Array:
    """Return a column as one of the output's, in memory of its own; raises KeyError, or what Arrow does."""
    if column is None and field.nullable:
        return pa.nulls(length, field.type)
    if not isinstance(column, pa.Array):
        raise KeyError(field.name)
    is_dictionary = pa.types.is_dictionary(column.type)
    if is_dictionary:
        _check_values(column.dictionary)
        column = column.dictionary_decode()
    if (column.null_count and not field.nullable) or not _is_alike(column.type, field.type):
        raise KeyError(field.name)
    if is_dictionary:
        return column.cast(field.type)
    _check_values(column)
    # the model may use its array's memory again
    return column.cast(field.type) if column.type != field.type else pa.concat_arrays([column])


def _check_values(column: pa.Array) -> None:
    """Raise for values that JSON has no room for: texts that are no UTF-8, NaN and the infinities."""
    if pa.types.is_floating(column.type):
        if pc.all(pc.is_finite(column.cast(pa.float64()))).as_py() is False:
            raise KeyError("not finite")
    elif not pa.types.is_boolean(column.type):
        column.validate(full=True)


def _is_alike(kind: pa.DataType, wanted: pa.DataType) -> bool:
    """Return whether a column may hold a type's values as their JSON is read; a cast finds which it can't."""
    types = pa.types
    if types.is_floating(kind):
        return bool(types.is_floating(wanted) and kind.bit_width <= wanted.bit_width)
    return any(has_kind(kind) and has_wanted(wanted) for has_kind, has_wanted in _ALIKE)


_ALIKE: Final[tuple[tuple[Callable[[pa.DataType], bool], Callable[[pa.DataType], bool]], ...]] = (
    (pa.types.is_integer, pa.types.is_integer),
    (pa.types.is_integer, pa.types.is_floating),
    (pa.types.is_boolean, pa.types.is_boolean),
    (pa.types.is_string, pa.types.is_string),
    (pa.types.is_large_string, pa.types.is_string),
)
