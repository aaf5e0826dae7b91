"""What the formats of tables have in common: files of rows with typed columns."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Protocol

import msgspec

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.first_bytes import LOOK_BYTES, binary_kind
from model_mapreduce_job.formats.records import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

# What a reader may hold at once, so that a row group of any size is read in little memory.
READ_ROWS: Final = 1 << 16
_LONGEST_REASON: Final = 200
# The key of a column's metadata that has the reason why no column can hold what a file has there.
UNHELD: Final = b"unheld"


class TableRun(msgspec.Struct, frozen=True):
    """The columns of a run's tables, as Arrow writes schemas; nothing of what is text.

    read has those of the input that are read, model names those of them that the model gets; returned has the
    input's that are in the output, prediction the prediction's.
    """

    read: bytes = b""
    model: tuple[str, ...] = ()
    returned: bytes = b""
    prediction: bytes = b""

    @property
    def is_read(self) -> bool:
        """Whether the input is a table."""
        return bool(self.read)

    @property
    def is_written(self) -> bool:
        """Whether the output is one."""
        return bool(self.prediction)


class RowGroup(msgspec.Struct, frozen=True):
    """A part of a file that can be read by itself: how many rows it has, and how many bytes in the file.

    place is what its format needs to find it, start its first byte.
    """

    rows: int
    size: int
    place: int = 0
    start: int = 0


class TableContents(msgspec.Struct, frozen=True):
    """What a file says of itself: its columns, and its row groups in order, which have all of its rows."""

    schema: pa.Schema
    groups: Sequence[RowGroup]


class RowWriter(Protocol):
    """Writes rows to one file."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Write the rows of a batch, which has the file's columns."""
        ...

    def close(self) -> None:
        """Write what ends the file."""
        ...


class TableFormat(Protocol):
    """Reads and writes the files of one format. Errors of its library are raised as they are."""

    name: str
    magic: bytes

    def columns(self, file: BinaryIO) -> pa.Schema:
        """Return a file's columns."""
        ...

    def contents(self, file: BinaryIO) -> TableContents:
        """Return what a file says of itself; reads no rows."""
        ...

    def read(
        self, file: BinaryIO, groups: Sequence[RowGroup], first: int, columns: Sequence[str]
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of row groups, which are the file's from number first on, with these columns.

        A batch has READ_ROWS rows at most, where the format can read less than a row group at once.
        """
        ...

    def writer(self, sink: Any, schema: pa.Schema) -> RowWriter:
        """Return what writes rows of these columns; raises InputError for a type that has no room."""
        ...


@contextmanager
def readable(path: str, head: bytes, table: TableFormat) -> Iterator[None]:
    """Raise InputError, which names the file, for what its format's library raises. head is how it begins."""
    try:
        yield
    except MemoryError:
        raise
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except Exception as error:
        raise InputError(_what_is_wrong(path, head, table, error)) from error


def look(file: BinaryIO) -> bytes:
    """Return the first bytes of a file, and leave it at its start."""
    head = file.read(LOOK_BYTES)
    file.seek(0)
    return head


def _what_is_wrong(path: str, head: bytes, table: TableFormat, error: Exception) -> str:
    if not head:
        return f"{path} is empty, and so no {table.name} file. Remove it, or get a whole copy of it."
    if not head.startswith(table.magic):
        kind = binary_kind(head)
        looks = f"it looks like {kind.partition(';')[0]}" if kind else f"it begins with {head[:8]!r}"
        return (
            f"{path} is no {table.name} file: {looks}. Say with --input_protocol what it is, or of "
            "a --replay with --output_protocol."
        )
    if isinstance(error, OSError) and error.errno is not None:
        return f"The input {path} can't be read: {error.strerror}."
    # the file is whole, and another copy would be no better: Arrow reads ORC's times as nanoseconds
    if table.name == "orc" and "out of range for nanosecond" in str(error):
        return (
            f"{path} has a time that can't be read: {one_line(str(error))}. Leave its column out with --key, "
            "or give the rows as parquet."
        )
    return (
        f"{path} is cut off or damaged: {one_line(str(error))[:_LONGEST_REASON].rstrip('.')}. "
        "Nothing of it was used; get a whole copy of it."
    )
