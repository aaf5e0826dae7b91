"""What a run reads: a byte range of a file, a compressed file, or a stream that is cut into chunks."""

from __future__ import annotations

import io
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.printable import counted
from model_mapreduce_job.storage.compression import decompressed, is_compressed, whole_or_error
from model_mapreduce_job.storage.splits import file_state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_mapreduce_job.formats.lines import Source
    from model_mapreduce_job.storage.splits import Split

CHUNK_BYTES = 4 << 20


class RangeSource:
    """Reads a split's bytes; done() is how many of the file's bytes have been read."""

    def __init__(self, file: BinaryIO, split: Split) -> None:
        self._file = file
        self._split = split
        self._left = split.length
        file.seek(split.start)

    def read(self, size: int, /) -> bytes:
        """Return at most size bytes, none at the end; raises InputError when the file has become shorter."""
        with whole_or_error(self._split.path):
            data = self._file.read(min(size, self._left))
        self._left -= len(data)
        if self._left and not data:
            raise InputError(
                f"{self._split.path} became shorter while it was read. Run again when it is complete."
            )
        return data

    def done(self) -> int:
        """Return the bytes read so far."""
        return self._split.length - self._left


class StreamSource:
    """Reads a whole file and decompresses it if need be; done() is how far the file itself has been read."""

    def __init__(self, path: str, file: BinaryIO) -> None:
        self._path = path
        self._stream = decompressed(path, file)
        self.done = file.tell

    def read(self, size: int, /) -> bytes:
        """Return at most size bytes, none at the end; raises InputError when the file is damaged."""
        with whole_or_error(self._path):
            return self._stream.read(size)


class ChunkSource:
    """Reads bytes that come in chunks."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._chunk = memoryview(b"")

    def read(self, size: int, /) -> bytes:
        """Return at most size bytes, none at the end; raises what the chunks raise."""
        while not self._chunk:
            found = next(self._chunks, None)
            if found is None:
                break
            self._chunk = memoryview(found)
        data, self._chunk = self._chunk[:size], self._chunk[size:]
        return bytes(data)


@contextmanager
def open_source(split: Split, data: bytes) -> Iterator[RangeSource | StreamSource]:
    """Open what a task is to read: a split's file, or the data of a streamed split.

    Raises InputError for a file that can't be read, and for one that has changed since the split was made,
    which is also checked when the with statement ends, even by an error.
    """
    if split.streamed:
        yield StreamSource("", io.BytesIO(data))
        return
    with unchanged_file(split) as file:
        yield StreamSource(split.path, file) if is_compressed(split.path) else RangeSource(file, split)


@contextmanager
def unchanged_file(split: Split) -> Iterator[BinaryIO]:
    """Open a split's file; raises InputError as open_source does."""
    with whole_or_error(split.path):
        file = open(split.path, "rb", buffering=0, opener=_without_waiting)  # noqa: SIM115 - closed below
    with file:
        _refuse_if_changed(split, os.fstat(file.fileno()))
        try:
            yield file
        finally:
            # comes before any other error, which may only follow from the change
            _refuse_if_changed(split, os.fstat(file.fileno()))


def _without_waiting(path: str, flags: int) -> int:
    """Open a path at once: a named pipe that has taken a file's place would be waited for without end."""
    return os.open(path, flags | os.O_NONBLOCK)


def refuse_if_changed(split: Split) -> None:
    """Raise InputError for a file that was removed, replaced or written to since its split was made."""
    if split.state:
        with whole_or_error(split.path):
            now = os.stat(split.path)  # noqa: PTH116 - paths are mrjob's, text
        _refuse_if_changed(split, now)


def _refuse_if_changed(split: Split, info: os.stat_result) -> None:
    """Raise InputError unless a file is as it was when its split was made."""
    now = file_state(info)
    if split.state and now != split.state:
        raise InputError(f"{split.path} {_change(split.state, now)}. Run again when nothing writes to it.")


def _change(before: tuple[int, ...], now: tuple[int, ...]) -> str:
    if before[:2] != now[:2]:
        return "was replaced by another file while the run went on"
    if before[2] != now[2]:
        way = "longer" if now[2] > before[2] else "shorter"
        return f"became {way} while the run went on: it had {counted(before[2], 'byte')}, and has {now[2]:,}"
    return "was written to while the run went on"


def chunks(stream: Source, max_record_bytes: int, size: int = CHUNK_BYTES) -> Iterator[bytes]:
    """Yield a stream's bytes in chunks that end with a newline; a line over max_record_bytes is shortened.

    The shortened line is still over max_record_bytes, so that the task recognises it as too long.
    """
    begun = b""
    while data := stream.read(size):
        whole, newline, rest = data.rpartition(b"\n")
        if newline:
            yield begun + whole + newline
            begun = rest
        elif len(begun) <= max_record_bytes:
            begun += data
    if begun:
        yield begun


def as_source(stream: Any) -> Source:
    """Return an object with a read method; mrjob's sandbox gives lists of lines, which may lack newlines."""
    if hasattr(stream, "read"):
        source: Source = stream
        return source
    return io.BytesIO(b"".join(line if line.endswith(b"\n") else line + b"\n" for line in stream))
