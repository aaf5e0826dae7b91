"""The stamp of a table: a column for each of its fields, after all others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from model_mapreduce_job.formats.stamp import Stamp, stamp_columns
from model_mapreduce_job.formats.table_schemas import output_shape, read_schema
from model_mapreduce_job.models.arrow_arrays import arrow_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_mapreduce_job.formats.batch_formats import Writer
    from model_mapreduce_job.formats.records import Text
    from model_mapreduce_job.formats.table_format import TableRun
    from model_mapreduce_job.formats.table_schemas import TableOptions


def written_schema(tables: TableRun, options: TableOptions) -> pa.Schema:
    """Return the columns of a run's output: of a replay those of the earlier one, all of which are read."""
    return read_schema(tables.read) if options.is_replay else new_schema(tables, options)


def new_schema(tables: TableRun, options: TableOptions) -> pa.Schema:
    """Return the columns that an input and its predictions give, with those of a stamp where there is one."""
    schema = output_shape(tables, options).schema
    return with_stamp_columns(schema, options.names[0]) if options.stamp else schema


def with_stamp_columns(schema: pa.Schema, model: str) -> pa.Schema:
    """Return a table's columns and those of a stamp."""
    stamp = [pa.field(name, pa.string()) for name in stamp_columns(schema.names, model)]
    return pa.schema([*schema, *stamp])


class StampedTable:
    """A writer of rows of a table that have a stamp as well."""

    header: bytes | None = None

    def __init__(self, writer: Writer, stamp: Stamp) -> None:
        self._writer = writer
        self._model = stamp.model_name.partition(";")[0]
        self._values = [arrow_array([value], pa.string())[0] for value in stamp.values]

    def checked(self, predictions: Sequence[Text]) -> Sequence[Text]:
        """Return predictions with a Failure in the place of each that can't be written as it is."""
        return self._writer.checked(predictions)

    def write(self, keys: Any, predictions: Sequence[Text]) -> pa.RecordBatch:
        """Return a row for each prediction."""
        rows = self._writer.write(keys, predictions)
        stamp = [pa.repeat(value, len(rows)) for value in self._values]
        schema = with_stamp_columns(rows.schema, self._model)
        return pa.RecordBatch.from_arrays([*rows.columns, *stamp], schema=schema)

    def lines(self, output: pa.RecordBatch) -> list[bytes]:
        """Return rows without their stamps as lines, by which one run can be compared with another."""
        own = output.schema.names[: -len(self._values)]
        return self._writer.lines(output.select(own))

    def size(self, output: pa.RecordBatch) -> int:
        """Return how many bytes rows take in memory."""
        return self._writer.size(output)
