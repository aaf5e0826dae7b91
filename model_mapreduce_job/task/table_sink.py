"""A part as Arrow writes to it: nothing is raised in the middle of its code, or written after the end."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

    from model_mapreduce_job.formats.table_format import RowWriter


class Output(Protocol):
    """Where bytes are written."""

    def write(self, data: bytes) -> None:
        """Write all of the data."""
        ...


@contextmanager
def writing_rows(output: Output, make: Callable[[TableSink], RowWriter]) -> Iterator[Callable[[Any], None]]:
    """Return what writes batches of rows; the file is whole when the with statement has ended.

    Raises what writing to the output raised. A writer that is given up writes nothing more.
    """
    sink = TableSink(output)
    try:
        writer = make(sink)

        def write(rows: pa.RecordBatch) -> None:
            if len(rows):
                writer.write(rows)
                sink.check()

        yield write
        writer.close()
        sink.check()
    finally:
        # a writer that is forgotten ends its file, when another one may have the descriptor
        sink.end()


class TableSink:
    """A file for Arrow, whose ORC writer ends the process where one raises."""

    closed = False

    def __init__(self, output: Output) -> None:
        self._output: Output | None = output
        self._error: Exception | None = None
        self._written = 0

    def write(self, data: Any) -> int:
        """Write all of the data, or keep why that can't be done."""
        data = bytes(data)
        if self._output is not None:
            try:
                self._output.write(data)
            except Exception as error:  # noqa: BLE001 - it is raised by check()
                self._error = error
                self.end()
        self._written += len(data)
        return len(data)

    def check(self) -> None:
        """Raise what writing raised."""
        if self._error is not None:
            raise self._error

    def end(self) -> None:
        """Write nothing more."""
        self._output = None

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self._written

    def flush(self) -> None:
        """Do nothing: what is written is written."""

    def close(self) -> None:
        """Do nothing: the code that opened the output closes it."""

    def readable(self) -> bool:
        """Return that nothing can be read."""
        return False

    def writable(self) -> bool:
        """Return that it can be written to."""
        return True

    def seekable(self) -> bool:
        """Return that it has no places."""
        return False
