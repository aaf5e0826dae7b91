"""What a task reads of a table: its split's rows, as batches of the run's columns."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

import pyarrow as pa

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.table_format import look, readable
from model_mapreduce_job.models.arrow_arrays import arrow_array
from model_mapreduce_job.printable import counted
from model_mapreduce_job.storage.sources import unchanged_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_mapreduce_job.formats.table_format import TableFormat
    from model_mapreduce_job.storage.splits import Split, TablePart


class TableSource:
    """Reads a split's rows; done() is about how many of the file's bytes have been read."""

    def __init__(self, file: BinaryIO, split: Split, part: TablePart, table: TableFormat) -> None:
        self._file = file
        self._split = split
        self._part = part
        self._table = table
        self._rows = 0

    def batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """Yield the rows, with these columns; raises InputError when the file is damaged."""
        given = dict(self._part.partition)
        names = [name for name in schema.names if name not in given]
        with readable(self._split.path, look(self._file), self._table):
            for batch in self._read(names):
                self._rows += batch.num_rows
                if batch.num_rows:
                    yield _with_columns(batch, schema, given)
            if self._rows != self._part.rows:
                raise ValueError(f"it has {counted(self._rows, 'row')} where it says {self._part.rows:,}")

    def _read(self, names: list[str]) -> Iterator[pa.RecordBatch]:
        part, before = self._part, self._part.before
        if not part.groups:
            return
        for batch in self._table.read(self._file, part.groups, part.first, names):
            others = min(before, batch.num_rows)
            before -= others
            if part.has_the_last:
                yield batch.slice(others)
                continue
            yield batch.slice(others, part.rows - self._rows)
            if self._rows == part.rows:
                return

    def done(self) -> int:
        """Return about how many bytes have been read."""
        return self._split.length * self._rows // max(self._part.rows, 1)


@contextmanager
def open_table(split: Split, part: TablePart, table: TableFormat) -> Iterator[TableSource]:
    """Open the table that a task reads; raises InputError as open_source does."""
    with unchanged_file(split) as file:
        yield TableSource(file, split, part, table)


def _with_columns(batch: pa.RecordBatch, schema: pa.Schema, given: dict[str, str | None]) -> pa.RecordBatch:
    """Return a batch with the run's columns in their order; a partition's are the same in each row."""
    columns = [
        pa.repeat(arrow_array([given[field.name]], pa.string()).cast(field.type)[0], batch.num_rows)
        if field.name in given
        else batch.column(field.name)
        for field in schema
    ]
    try:
        return pa.RecordBatch.from_arrays(columns, schema=schema)
    except pa.ArrowInvalid as error:
        raise InputError(f"Its columns changed since the run began: {error}. Run again.") from error
