"""Rows of an earlier output that is a table: those with a prediction stay, all else is read again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial, reduce
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec.structs import replace

from model_mapreduce_job.formats.arrow_records import rows_at
from model_mapreduce_job.formats.replaying import check_unpredicted
from model_mapreduce_job.models.arrow_arrays import of_numpy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from model_mapreduce_job.formats.batch_formats import Reader, Writer
    from model_mapreduce_job.formats.read_batch import ReadBatch
    from model_mapreduce_job.formats.records import OverlongLine, Text


@dataclass(frozen=True)
class ModelColumns:
    """The places of a model's columns in a table: those of its predictions, and of why there are none."""

    prediction: range
    error: range = range(0)


@dataclass(frozen=True)
class EarlierTable:
    """The columns of an earlier output: schema has all, of which the first are the input's.

    inputs is the number of these; models has the columns of each of the run's models.
    """

    schema: pa.Schema
    inputs: int
    models: tuple[ModelColumns, ...]

    def unpredicted(self, rows: pa.RecordBatch) -> list[int]:
        """Return the places of the rows that a model has failed, or has answered with nothing but nulls."""
        lacking = reduce(pc.or_, map(partial(_lacks, rows), self.models))
        return list(pc.indices_nonzero(lacking).to_pylist())


@dataclass(frozen=True)
class TableReplayReader:
    """Reads rows of an earlier output; reader reads the inputs of those that have no prediction."""

    reader: Reader
    earlier: EarlierTable

    def read(self, batch: pa.RecordBatch) -> ReadBatch:
        """Return the records without a prediction, and beside them the rows that are kept."""
        places = self.earlier.unpredicted(batch)
        read = self.reader.read(rows_at(batch, places))
        return replace(read, lines=places, kept=KeptRows(batch, places, self.earlier.inputs))

    def keys(self, batch: pa.RecordBatch) -> Any:
        """Return the input's columns of rows without a prediction; raises InputError where there is one."""
        check_unpredicted(self.earlier.unpredicted(batch), batch)
        return self.reader.keys(batch)

    def overlong_keys(self, line: OverlongLine) -> list[bytes]:
        """Return nothing: a table has no lines."""
        return self.reader.overlong_keys(line)

    def take_key_counts(self) -> list[int]:
        """Return nothing: a replay has no --key."""
        return []


@dataclass(frozen=True, slots=True)
class KeptRows:
    """The rows of an earlier output, and at these places those that have no prediction yet.

    The first columns, whose number inputs is, are the input's: of these nothing is made anew.
    """

    rows: pa.RecordBatch
    places: Sequence[int]
    inputs: int

    @property
    def count(self) -> int:
        """How many have a prediction."""
        return len(self.rows) - len(self.places)

    def with_lines(self, predicted: pa.RecordBatch) -> pa.RecordBatch:
        """Return all rows, with those that were predicted now at their places."""
        if not self.places:
            return self.rows
        order = np.arange(len(self.rows), dtype=np.int64)
        order[self.places] = np.arange(len(self.rows), len(self.rows) + len(self.places))
        pairs = zip(self.rows.columns[self.inputs :], predicted.columns[self.inputs :], strict=True)
        added = [pa.concat_arrays(pair).take(of_numpy(order)) for pair in pairs]
        arrays = [*self.rows.columns[: self.inputs], *added]
        return pa.RecordBatch.from_arrays(arrays, schema=self.rows.schema)


class EarlierColumns:
    """A writer of rows whose columns have the types that they have in an earlier output."""

    header: bytes | None = None

    def __init__(self, writer: Writer, schema: pa.Schema) -> None:
        self._writer = writer
        self._schema = schema

    def checked(self, predictions: Sequence[Text]) -> Sequence[Text]:
        """Return predictions with a Failure in the place of each that can't be written as it is."""
        return self._writer.checked(predictions)

    def write(self, keys: Any, predictions: Sequence[Text]) -> pa.RecordBatch:
        """Return a row for each prediction."""
        rows = self._writer.write(keys, predictions)
        pairs = zip(rows.columns, self._schema.types, strict=True)
        arrays = [column if column.type == kind else column.cast(kind) for column, kind in pairs]
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)

    def lines(self, output: pa.RecordBatch) -> list[bytes]:
        """Return rows as lines, by which one run can be compared with another."""
        return self._writer.lines(output)

    def size(self, output: pa.RecordBatch) -> int:
        """Return how many bytes rows take in memory."""
        return self._writer.size(output)


def plain_type(kind: pa.DataType) -> pa.DataType:
    """Return a type in the one form that types with the same values have in each format of tables."""
    types = pa.types
    if types.is_struct(kind):
        return pa.struct([(field.name, plain_type(field.type)) for field in kind])
    if types.is_list(kind) or types.is_large_list(kind):
        return pa.list_(plain_type(kind.value_type))
    return pa.string() if types.is_large_string(kind) else kind


def _lacks(rows: pa.RecordBatch, model: ModelColumns) -> pa.Array:
    """Return for each row whether it lacks the prediction of a model."""
    lacking = reduce(pc.and_, _each(rows, model.prediction, pc.is_null))
    return reduce(pc.or_, _each(rows, model.error, pc.is_valid), lacking)


def _each(
    rows: pa.RecordBatch, places: Iterable[int], ask: Callable[[pa.Array], pa.Array]
) -> Iterable[pa.Array]:
    return [ask(rows.column(place)) for place in places]
