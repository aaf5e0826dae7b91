"""A batch of a table's rows into records: the model's fields of each, and the columns that come back."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, overload

import pyarrow as pa
import pyarrow.compute as pc

from model_mapreduce_job.formats.arrow_records import ArrowRecords, rows_at
from model_mapreduce_job.formats.errors import extend_until_error, failure_of, still_ourselves
from model_mapreduce_job.formats.protocols import field_text
from model_mapreduce_job.formats.read_batch import ReadBatch
from model_mapreduce_job.formats.records import RECORD_ERRORS, DecodedRecords, Failure, with_value
from model_mapreduce_job.formats.table_values import python_rows, row_texts

if TYPE_CHECKING:
    from model_mapreduce_job.formats.records import OverlongLine, ToColumns
    from model_mapreduce_job.formats.table_fit import ColumnFit
    from model_mapreduce_job.models.schemas import RecordSchema


@dataclass(frozen=True)
class TableColumns:
    """Which of the columns that are read the model gets, and which come back."""

    model: tuple[str, ...]
    returned: tuple[str, ...]


class TableReader:
    """Reads batches of rows. as_texts says whether what comes back of a row is JSON, or columns.

    to_columns makes columns of records for a model that is given some; fit gives such columns at once, where
    that can be.
    """

    def __init__(
        self,
        schema: RecordSchema,
        columns: TableColumns,
        to_columns: ToColumns | None = None,
        fit: ColumnFit | None = None,
        *,
        as_texts: bool,
    ) -> None:
        self._convert = schema.convert
        self._shows_values = schema.shows_values
        self._columns = columns
        self._to_columns = to_columns
        self._fit = fit
        self._as_texts = as_texts
        fields = schema.fields
        self._optional = {field.name for field in fields if not field.required and "null" not in field.types}
        self._objects = {field.name for field in fields if "object" in field.types}

    def read(self, batch: pa.RecordBatch) -> ReadBatch:
        """Return the records of rows; one that can't be read becomes a failure."""
        rows = batch.select(self._columns.model)
        if (fitted := self._fitted(rows)) is not None:
            return ReadBatch(self.keys(batch), *fitted, range(batch.num_rows))
        records, failures = self._records(rows)
        if failures:
            rows = rows_at(rows, [place for place in range(batch.num_rows) if place not in failures])
        found = DecodedRecords(records, Rows(rows), self._decode, self._to_columns)
        return ReadBatch(self.keys(batch), found, failures, range(batch.num_rows))

    def record(self, row: pa.RecordBatch) -> Any:
        """Return the record of a batch of one row; raises what it raises that it can't be read."""
        return self._decode(row.select(self._columns.model))

    def keys(self, batch: pa.RecordBatch) -> Any:
        """Return what comes back of rows: a JSON text for each, or their columns."""
        returned = batch.select(self._columns.returned)
        return row_texts(returned) if self._as_texts else returned

    def overlong_keys(self, _line: OverlongLine) -> list[bytes]:
        """Return nothing: a table has no lines."""
        return []

    def take_key_counts(self) -> list[int]:
        """Return nothing: each row has all of the columns that --key names."""
        return []

    def _fitted(self, rows: pa.RecordBatch) -> tuple[ArrowRecords, dict[int, Failure]] | None:
        """Return the rows as the model's columns, and why some can't be; None where that isn't to be seen."""
        found = self._fit.columns(rows) if self._fit else None
        if found is None:
            return None
        good, places = found
        pid = os.getpid()
        failures = {}
        for place in places:
            try:
                self._decode(rows.slice(place, 1))
            except RECORD_ERRORS as error:
                failures[place] = self._failure(error, pid, rows.slice(place, 1))
            else:
                return None
        return ArrowRecords(good, lambda batch, _: self._rows(batch)), failures

    def _rows(self, fitted: pa.RecordBatch) -> list[Any]:
        return list(map(self._convert_held, self._found(fitted)[0]))

    def _records(self, rows: pa.RecordBatch) -> tuple[list[Any], dict[int, Failure]]:
        pid = os.getpid()
        records: list[Any] = []
        failures: dict[int, Failure] = {}
        found, unheld = self._found(rows)
        reads = map(self._convert_held if unheld else self._convert, found)
        while len(records) + len(failures) < len(found):
            error = extend_until_error(records, reads, RECORD_ERRORS)
            place = len(records) + len(failures)
            if place < len(found):
                # a read that raises StopIteration ends the iterator as if it were at its end
                reason = StopIteration() if error is None else error
                failures[place] = self._failure(reason, pid, rows.slice(place, 1))
        still_ourselves(pid)
        return records, failures

    def _failure(self, error: BaseException, pid: int, row: pa.RecordBatch) -> Failure:
        """Return why a row is no record, with the value that doesn't fit where that may be shown."""
        failure = replace(failure_of(error, pid), place="")
        return with_value(failure, partial(_value_of, row)) if self._shows_values else failure

    def _found(self, rows: pa.RecordBatch) -> tuple[list[Any], bool]:
        """Return rows as Python has them, and whether there are errors in the place of some.

        A field that may lack is left out where it's null.
        """
        held, unheld = python_rows(rows, self._objects)
        found: list[Any] = held
        for name in self._optional & {*rows.schema.names}:
            for place in _nulls(rows.column(name)):
                del found[place][name]
        for place, error in unheld.items():
            found[place] = error
        return found, bool(unheld)

    def _convert_held(self, row: Any) -> Any:
        if isinstance(row, ValueError):
            raise row
        return self._convert(row)

    def _decode(self, row: pa.RecordBatch) -> Any:
        return self._convert_held(self._found(row)[0][0])


class Rows(Sequence[pa.RecordBatch]):
    """The rows of a batch, each as a batch of its own."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self._batch = batch

    def __len__(self) -> int:
        rows: int = self._batch.num_rows
        return rows

    @overload
    def __getitem__(self, place: int) -> pa.RecordBatch: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[pa.RecordBatch]: ...

    def __getitem__(self, place: int | slice) -> Any:
        found = range(len(self))[place]  # Arrow's own slice of a place after the last one is empty
        return self._batch.slice(found, 1) if isinstance(found, int) else [self[at] for at in found]


def _value_of(row: pa.RecordBatch, name: str) -> str | None:
    """Return the JSON text of a row's column."""
    return field_text(row_texts(row)[0], name)


def _nulls(column: pa.Array) -> list[int]:
    return list(pc.indices_nonzero(pc.is_null(column)).to_pylist()) if column.null_count else []
