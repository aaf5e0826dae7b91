"""How many rows each stripe of an ORC file has, which its footer says, and Arrow's reader keeps to itself."""

from __future__ import annotations

import io
import os
import zlib
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import pyarrow as pa

from model_mapreduce_job.formats.table_format import RowGroup
from model_mapreduce_job.models.protocol_buffers import fields_by_number, varint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# The numbers that the format's protocol buffers have for what is needed here.
_FOOTER_LENGTH, _COMPRESSION = 1, 2
_STRIPES: Final = 3
_OFFSET, _INDEX_LENGTH, _DATA_LENGTH, _STRIPE_FOOTER_LENGTH, _ROWS = 1, 2, 3, 4, 5
_LONGEST_POSTSCRIPT: Final = 256


def stripes_of(file: BinaryIO) -> list[RowGroup] | None:
    """Return a file's stripes, whose places are their numbers; None where its codec isn't known here."""
    end = file.seek(0, os.SEEK_END)
    tail = _read(file, max(0, end - _LONGEST_POSTSCRIPT), end)
    size = tail[-1]
    postscript = fields_by_number(tail[-1 - size : -1])
    length, kind = postscript[_FOOTER_LENGTH][0], (postscript[_COMPRESSION] or [0])[0]
    if kind not in _CODECS:
        return None
    packed = _read(file, end - 1 - size - length, end - 1 - size)
    footer = fields_by_number(_decompressed(packed, _CODECS[kind]))
    return [_stripe(number, fields_by_number(data)) for number, data in enumerate(footer[_STRIPES])]


def _stripe(number: int, fields: dict[int, list[Any]]) -> RowGroup:
    lengths = (_INDEX_LENGTH, _DATA_LENGTH, _STRIPE_FOOTER_LENGTH)
    size = sum(sum(fields[name]) for name in lengths)
    return RowGroup(sum(fields[_ROWS]), size, number, sum(fields[_OFFSET]))


def _read(file: BinaryIO, start: int, end: int) -> bytes:
    file.seek(start)
    return file.read(end - start)


def _decompressed(data: bytes, decompress: Callable[[bytes], bytes] | None) -> bytes:
    """Return what was compressed in pieces; before each is its length, and a bit for one left as it was."""
    return data if decompress is None else b"".join(_pieces(data, decompress))


def _pieces(data: bytes, decompress: Callable[[bytes], bytes]) -> Iterator[bytes]:
    start = 0
    while start < len(data):
        head = int.from_bytes(data[start : start + 3], "little")
        piece = data[start + 3 : start + 3 + (head >> 1)]
        yield piece if head & 1 else decompress(piece)
        start += 3 + (head >> 1)


def _inflated(data: bytes) -> bytes:
    return zlib.decompress(data, -zlib.MAX_WBITS)


def _of_snappy(data: bytes) -> bytes:
    return bytes(pa.decompress(data, varint(data, 0)[0], "snappy", asbytes=True))


def _of_zstd(data: bytes) -> bytes:
    return bytes(pa.input_stream(io.BytesIO(data), compression="zstd").read())


_CODECS: Final[dict[int, Callable[[bytes], bytes] | None]] = {
    0: None,
    1: _inflated,
    2: _of_snappy,
    5: _of_zstd,
}
