"""Parquet: row groups in, read in slices; row groups of a size that its readers like out, in zstd."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from model_mapreduce_job.formats.arrow_records import RowBytes
from model_mapreduce_job.formats.table_format import READ_ROWS, RowGroup, TableContents

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# A row group's columns are read through a buffer of this size, not as a whole.
_BUFFER_BYTES: Final = 1 << 20
_GROUP_ROWS: Final = 1 << 17
_GROUP_BYTES: Final = 16 << 20
# What the rows that are read at once, and the buffers of all columns, may come to where there are very many.
_WIDE_BYTES: Final = 64 << 20
# A column of a row group costs as much to write as this many bytes of it.
_COLUMN_BYTES: Final = 6 << 10
_NUMBER_BYTES: Final = 8
_TEXTS: Final = frozenset(
    {pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view()}
)


class Parquet:
    """Reads and writes Parquet files."""

    name = "parquet"
    magic = b"PAR1"

    def columns(self, file: BinaryIO) -> pa.Schema:
        """Return a file's columns."""
        return pq.read_schema(file)

    def contents(self, file: BinaryIO) -> TableContents:
        """Return what a file says of itself."""
        opened = pq.ParquetFile(file, pre_buffer=False)
        groups = map(opened.metadata.row_group, range(opened.num_row_groups))
        return TableContents(opened.schema_arrow, list(map(_row_group, groups)))

    def read(
        self, file: BinaryIO, groups: Sequence[RowGroup], first: int, columns: Sequence[str]
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of row groups."""
        # reading ahead needs a thread, which a machine may not have, and holds a row group as a whole
        share = _WIDE_BYTES // max(len(columns), 1)
        opened = pq.ParquetFile(file, buffer_size=min(_BUFFER_BYTES, share), pre_buffer=False)
        wanted = range(first, first + len(groups))
        rows = max(min(READ_ROWS, share // _NUMBER_BYTES), 1)
        yield from opened.iter_batches(rows, list(wanted), list(columns), use_threads=False)

    def writer(self, sink: Any, schema: pa.Schema) -> ParquetWriter:
        """Return what writes rows of these columns."""
        return ParquetWriter(sink, schema)


def _texts(kind: pa.DataType, path: str) -> Iterator[str]:
    """Yield the paths, as Parquet has them, of the texts in a column of this type."""
    if pa.types.is_struct(kind):
        for field in kind:
            yield from _texts(field.type, f"{path}.{field.name}")
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        yield from _texts(kind.value_type, f"{path}.list.element")
    elif kind in _TEXTS or pa.types.is_dictionary(kind):
        yield path


class ParquetWriter:
    """Writes rows to a Parquet file, in row groups of 131,072 rows, or 16 MiB where rows are long.

    Where they have thousands of columns, it is up to 64 MiB.
    """

    def __init__(self, sink: Any, schema: pa.Schema) -> None:
        self._schema = schema
        # a dictionary of numbers costs more than all else, for files that are no smaller
        texts = [path for field in schema for path in _texts(field.type, field.name)]
        self._writer = pq.ParquetWriter(sink, schema, compression="zstd", use_dictionary=texts)
        self._waiting: list[pa.RecordBatch] = []
        self._rows = self._bytes = 0
        self._row_bytes = RowBytes(schema)
        self._most_bytes = min(max(_GROUP_BYTES, len(schema) * _COLUMN_BYTES), _WIDE_BYTES)

    def write(self, batch: pa.RecordBatch) -> None:
        """Write the rows of a batch, or keep them until there are enough for a row group."""
        self._waiting.append(batch)
        self._rows += batch.num_rows
        self._bytes += self._row_bytes.of(batch)
        if self._rows >= _GROUP_ROWS or self._bytes >= self._most_bytes:
            self._flush()

    def close(self) -> None:
        """Write the last rows, and what ends the file."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._waiting:
            table = pa.Table.from_batches(self._waiting, self._schema)
            self._writer.write_table(table, row_group_size=max(self._rows, 1))
        self._waiting, self._rows, self._bytes = [], 0, 0


def _row_group(group: Any) -> RowGroup:
    columns = [group.column(number) for number in range(group.num_columns)]
    size = sum(column.total_compressed_size for column in columns)
    return RowGroup(group.num_rows, size, start=min(map(_start, columns), default=0))


def _start(column: Any) -> int:
    pages = (column.data_page_offset, column.dictionary_page_offset)
    return min((int(page) for page in pages if page), default=0)


FORMAT = Parquet()
