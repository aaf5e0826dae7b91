"""Reads compressed files: every member to its end, with an error for a file that is cut off or damaged."""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, Protocol

from backports import zstd

from model_mapreduce_job.exceptions import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from _typeshed import WriteableBuffer

_CHUNK_BYTES = 1 << 18
_SMALLEST_SHARE = 1 << 10
# xz -9 needs 65 MiB; a file that needs more than this is refused. zstd has a limit of its own, 128 MiB.
_MOST_MEMORY = 256 << 20
# No tool writes more than a few; each takes more time than its size suggests.
_MOST_EMPTY_MEMBERS = 100_000


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
        """Return the bytes that were given and follow the member."""
        ...

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return at most max_length more bytes of output, from the data and what was given before."""
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
    ".xz": partial(lzma.LZMADecompressor, memlimit=_MOST_MEMORY),
    ".zst": zstd.ZstdDecompressor,
}
_ERRORS = (EOFError, zlib.error, lzma.LZMAError, zstd.ZstdError)


class _Members(io.RawIOBase):
    """A compressed file's members, one after the other.

    The readers of the standard library skip bytes after a member that are no member; here they are an error,
    since they may be a damaged one.
    """

    def __init__(self, file: BinaryIO, make: Callable[[], Decompressor]) -> None:
        self._file = file
        self._make = make
        self._member: Decompressor | None = None
        self._unread = b""
        self._place = 0
        self._share = _SMALLEST_SHARE
        self._empty = 0

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
                if not self._find_next():
                    return b""
                self._member, self._share = self._make(), _SMALLEST_SHARE
            if self._member.needs_input and not (data := self._next_share()):
                raise EOFError("it ends in the middle")
            output = self._member.decompress(data, size)
            if self._member.eof:
                self._place -= len(self._member.unused_data)
            if output:
                self._empty = 0
                return output
            self._count_empty()

    def _count_empty(self) -> None:
        self._empty += self._member is not None and self._member.eof
        if self._empty > _MOST_EMPTY_MEMBERS:
            raise EOFError(f"more than {_MOST_EMPTY_MEMBERS:,} members in a row are empty")

    def _next_share(self) -> bytes:
        """Return bytes for a member: few at first, so that many small members cost no more than one."""
        if self._place == len(self._unread):
            self._unread, self._place = self._file.read(_CHUNK_BYTES), 0
        data = self._unread[self._place : self._place + self._share]
        self._place += len(data)
        self._share = min(self._share * 4, _CHUNK_BYTES)
        return data

    def _find_next(self) -> bool:
        """Move to the next member, past zero bytes that fill up a file; return whether there is one."""
        while True:
            self._skip_zeros()
            if self._place < len(self._unread):
                return True
            self._unread, self._place = self._file.read(_CHUNK_BYTES), 0
            if not self._unread:
                if self._member is None:
                    raise EOFError("it is empty")
                return False

    def _skip_zeros(self) -> None:
        if self._unread[self._place : self._place + 1] == b"\0":
            rest = self._unread[self._place :].lstrip(b"\0")
            self._place = len(self._unread) - len(rest)


def is_compressed(path: str) -> bool:
    """Return whether a file is compressed, by its ending."""
    return path.endswith(tuple(_DECOMPRESSORS))


def decompressed(path: str, file: BinaryIO) -> BinaryIO:
    """Return a file's content as a stream, decompressed if its ending says that it is compressed."""
    make = next((make for ending, make in _DECOMPRESSORS.items() if path.endswith(ending)), None)
    return io.BufferedReader(_Members(file, make), _CHUNK_BYTES) if make else file


@contextmanager
def whole_or_error(path: str) -> Iterator[None]:
    """Raise InputError, which names the file, for an error in reading or decompressing it."""
    try:
        yield
    except _ERRORS as error:
        raise _damaged(path, error) from error
    except OSError as error:
        if error.errno is None:
            raise _damaged(path, error) from error  # bz2 has no error of its own
        raise InputError(f"The input {path} can't be read: {error.strerror}.") from error


def _damaged(path: str, error: BaseException) -> InputError:
    if "Memory usage limit" in str(error):
        return InputError(
            f"{path} needs more than {_MOST_MEMORY >> 20} MiB of memory to be decompressed. "
            "Compress it again with xz -9 or less."
        )
    return InputError(
        f"{path} is cut off or damaged: {error}. Nothing of it was used; get a whole copy of it."
    )
