"""What a task reads: a byte range of a file, a compressed file, or bytes that came with the request."""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.runners.compression import decompressed, is_compressed, whole_or_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_mapreduce_job.runners.splits import Split


class RangeSource:
    """Reads a split's bytes, and tells how many of the file's bytes have been read."""

    def __init__(self, file: BinaryIO, split: Split) -> None:
        self._file = file
        self._split = split
        self._left = split.length
        file.seek(split.start)

    def read(self, size: int, /) -> bytes:
        """Return at most size bytes, none at the end; raises InputError when the file has become shorter."""
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
    """Reads a stream, and tells how far the file under it has been read."""

    def __init__(self, stream: BinaryIO, under: BinaryIO) -> None:
        self.read = stream.read
        self.done = under.tell


@contextmanager
def open_source(split: Split, data: bytes) -> Iterator[RangeSource | StreamSource]:
    """Open what a task is to read; raises InputError for a file that is damaged or can't be read."""
    if split.streamed:
        memory = io.BytesIO(data)
        yield StreamSource(memory, memory)
        return
    try:
        file = open(split.path, "rb", buffering=0)  # noqa: PTH123, SIM115 - closed below; paths are mrjob's, text
    except OSError as error:
        raise InputError(f"{split.path} can't be read: {error.strerror}.") from error
    with file, whole_or_error(split.path):
        compressed = is_compressed(split.path)
        yield StreamSource(decompressed(split.path, file), file) if compressed else RangeSource(file, split)
