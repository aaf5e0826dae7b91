"""Compresses what is written, as one gzip member or one zstd frame: the same bytes for the same output."""

from __future__ import annotations

import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# zlib's own default, 6, takes three times as long as 3 for a fifth less, and longer than a cheap model
_GZIP_LEVEL: Final = 3
_ZSTD_LEVEL: Final = 3


class _Compressor(Protocol):
    """Compresses a stream, as the compressors of zlib and zstd do."""

    def compress(self, data: bytes, /) -> bytes:
        """Return what is ready of the compressed stream; it may be nothing."""
        ...

    def flush(self) -> bytes:
        """Return the rest of it."""
        ...


def _gzip() -> _Compressor:
    # zlib's own header has neither a time nor a name
    return zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, zlib.MAX_WBITS | 16)


def _zstd() -> _Compressor:
    # with a sum of the content, as the zstd command has it
    name = zstd.CompressionParameter
    return zstd.ZstdCompressor(options={name.compression_level: _ZSTD_LEVEL, name.checksum_flag: 1})


_COMPRESSORS: Final[Mapping[str, Callable[[], _Compressor]]] = {"gz": _gzip, "zst": _zstd}
COMPRESSIONS: Final = tuple(_COMPRESSORS)


@contextmanager
def compressing(
    write: Callable[[bytes], object], compression: str | None
) -> Iterator[Callable[[bytes], object]]:
    """Return what writes bytes compressed, by one of COMPRESSIONS; with None they are written as they are.

    What is written is whole when the with statement has ended without an error.
    """
    if compression is None:
        yield write
        return
    compressor = _COMPRESSORS[compression]()

    def write_compressed(data: bytes) -> None:
        if ready := compressor.compress(data):
            write(ready)

    yield write_compressed
    write(compressor.flush())
