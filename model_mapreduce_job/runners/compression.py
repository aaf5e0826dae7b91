"""Compressed files, read whole or not at all: members one after the other, and no end before the end."""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, Protocol

from backports import zstd

from model_mapreduce_job.exceptions import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from _typeshed import WriteableBuffer

_CHUNK_BYTES = 1 << 18


class Decompressor(Protocol):
    """Decompresses one member, as the decompressors of bz2, lzma and zstd do."""

    @property
    def eof(self) -> bool:
        """Return whether the member has ended."""
        ...

    @property
    def needs_input(self) -> bool:
        """Return whether there is no more output without more data."""
        ...

    @property
    def unused_data(self) -> bytes:
        """Return what was given and stands behind the member."""
        ...

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return at most max_length bytes more, of the data and of what was given before."""
        ...


class _Gzip:
    """Decompresses one gzip member; zlib checks its header, sum and length."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not self._zlib.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)


# By the file's ending, as Hadoop does it.
_DECOMPRESSORS: dict[str, Callable[[], Decompressor]] = {
    ".gz": _Gzip,
    ".bz2": bz2.BZ2Decompressor,
    ".xz": lzma.LZMADecompressor,
    ".zst": zstd.ZstdDecompressor,
}
_ERRORS = (EOFError, zlib.error, lzma.LZMAError, zstd.ZstdError)


class _Members(io.RawIOBase):
    """A compressed file's members, one after the other.

    The readers of the standard library pass over what stands behind a member and is none; here it's an error,
    since it may have been one.
    """

    def __init__(self, file: BinaryIO, make: Callable[[], Decompressor]) -> None:
        self._file = file
        self._make = make
        self._member: Decompressor | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        data = self._read(len(view))
        view[: len(data)] = data
        return len(data)

    def _read(self, size: int) -> bytes:
        """Return at most size bytes, none at the end of the file; raises what the decompressor raises."""
        while True:
            data = b""
            if self._member is None or self._member.eof:
                data = self._start_of_next()
                if not data:
                    return b""
                self._member = self._make()
            elif self._member.needs_input:
                data = self._file.read(_CHUNK_BYTES)
                if not data:
                    raise EOFError("it ends in the middle")
            if output := self._member.decompress(data, size):
                return output

    def _start_of_next(self) -> bytes:
        """Return the first bytes of the next member, past the zero bytes that may fill up a file."""
        data = self._member.unused_data.lstrip(b"\0") if self._member else b""
        while not data and (more := self._file.read(_CHUNK_BYTES)):
            data = more.lstrip(b"\0")
        if not data and self._member is None:
            raise EOFError("it is empty")
        return data


def is_compressed(path: str) -> bool:
    """Return whether a file is compressed, by its ending."""
    return path.endswith(tuple(_DECOMPRESSORS))


def decompressed(path: str, file: BinaryIO) -> BinaryIO:
    """Return what a file holds, decompressed if its ending says that it is compressed."""
    make = next((make for ending, make in _DECOMPRESSORS.items() if path.endswith(ending)), None)
    return io.BufferedReader(_Members(file, make), _CHUNK_BYTES) if make else file


@contextmanager
def whole_or_error(path: str) -> Iterator[None]:
    """Turn what goes wrong with reading a file into an InputError that names it."""
    try:
        yield
    except _ERRORS as error:
        raise _damaged(path, error) from error
    except OSError as error:
        if error.errno is None:
            raise _damaged(path, error) from error  # bz2 has no error of its own
        raise InputError(f"The input {path} can't be read: {error.strerror}.") from error


def _damaged(path: str, error: BaseException) -> InputError:
    return InputError(
        f"{path} is cut off or damaged: {error}. Nothing of it was used; get a whole copy of it."
    )
