"""ORC: stripes in, and out in zstd."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import pyarrow as pa
from pyarrow import orc

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.orc_stripes import stripes_of
from model_mapreduce_job.formats.table_format import READ_ROWS, RowGroup, TableContents

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# The place of a row group that is the whole file.
_WHOLE: Final = -1
_WRITE_ROWS: Final = 1 << 15
# The types that ORC has no room for, and those that it has which hold each of their values.
_WIDER: Final = {
    pa.uint8(): pa.int16(),
    pa.uint16(): pa.int32(),
    pa.uint32(): pa.int64(),
    pa.float16(): pa.float32(),
    pa.null(): pa.string(),
    pa.string_view(): pa.string(),
    pa.binary_view(): pa.binary(),
}


class Orc:
    """Reads and writes ORC files."""

    name = "orc"
    magic = b"ORC"

    def columns(self, file: BinaryIO) -> pa.Schema:
        """Return a file's columns."""
        return orc.ORCFile(file).schema

    def contents(self, file: BinaryIO) -> TableContents:
        """Return what a file says of itself; one row group where its stripes' rows can't be seen."""
        opened = orc.ORCFile(file)
        stripes = _stripes(file)
        if sum(stripe.rows for stripe in stripes) != opened.nrows:
            stripes = [RowGroup(opened.nrows, opened.file_length, _WHOLE)]
        return TableContents(opened.schema, stripes)

    def read(
        self, file: BinaryIO, groups: Sequence[RowGroup], first: int, columns: Sequence[str]
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of stripes, one stripe at a time, in slices."""
        del first  # their places have their numbers
        opened = orc.ORCFile(file)
        is_whole = groups[0].place == _WHOLE
        for number in range(opened.nstripes) if is_whole else [group.place for group in groups]:
            stripe = opened.read_stripe(number, list(columns))
            yield from (stripe.slice(start, READ_ROWS) for start in range(0, stripe.num_rows, READ_ROWS))

    def writer(self, sink: Any, schema: pa.Schema) -> OrcWriter:
        """Return what writes rows of these columns; raises InputError for a type that ORC has no room for."""
        return OrcWriter(sink, pa.schema([field.with_type(_type_in_orc(field)) for field in schema]))


class OrcWriter:
    """Writes rows to an ORC file."""

    def __init__(self, sink: Any, schema: pa.Schema) -> None:
        self._schema = schema
        self._writer = orc.ORCWriter(sink, compression="zstd")
        self._waiting: list[pa.RecordBatch] = []
        self._rows = 0
        self._is_empty = True

    def write(self, batch: pa.RecordBatch) -> None:
        """Write the rows of a batch, or keep them until there are enough for a stripe's share."""
        self._waiting.append(batch)
        self._rows += batch.num_rows
        if self._rows >= _WRITE_ROWS:
            self._flush()

    def close(self) -> None:
        """Write the last rows, and what ends the file."""
        self._flush()
        if self._is_empty:
            self._writer.write(_empty(self._schema))
        self._writer.close()

    def _flush(self) -> None:
        if self._waiting:
            self._writer.write(pa.Table.from_batches(self._waiting).cast(self._schema))
            self._is_empty = False
        self._waiting, self._rows = [], 0


def _stripes(file: BinaryIO) -> Sequence[RowGroup]:
    """Return a file's stripes; none where only Arrow's own reader can find them."""
    try:
        return stripes_of(file) or []
    except (LookupError, ValueError, TypeError, OSError, zlib.error, pa.ArrowException):
        return []


def _type_in_orc(field: pa.Field) -> pa.DataType:
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    kind = _WIDER.get(kind, kind)
    try:
        orc.write_table(_empty(pa.schema([("x", kind)])), pa.BufferOutputStream())
    except pa.ArrowNotImplementedError as error:
        raise InputError(
            f"ORC has no type for the column {field.name}, which is {field.type}. Write parquet."
        ) from error
    return kind


def _empty(schema: pa.Schema) -> pa.Table:
    # a schema's own empty_table() would import pandas
    return pa.Table.from_batches([], schema)


FORMAT = Orc()
