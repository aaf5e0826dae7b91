"""What is written compressed: whole, the same bytes each time, and nothing at the end of what failed."""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from model_mapreduce_job.storage.compressed_output import COMPRESSIONS, compressing
from model_mapreduce_job.storage.compression import decompressed

if TYPE_CHECKING:
    from collections.abc import Iterable

DATA = st.lists(st.binary(max_size=300), max_size=9)


def packed(chunks: Iterable[bytes], compression: str | None) -> bytes:
    written: list[bytes] = []
    with compressing(written.append, compression) as write:
        for chunk in chunks:
            write(chunk)
    return b"".join(written)


@pytest.mark.parametrize("compression", COMPRESSIONS)
@given(chunks=DATA)
def test_it_is_one_member_that_this_programs_own_reader_reads_back(
    compression: str, chunks: list[bytes]
) -> None:
    """However it comes; readers such as pandas' read the first frame of a zstd file alone."""
    found = packed(chunks, compression)
    assert decompressed(f"part-00000.{compression}", io.BytesIO(found)).read() == b"".join(chunks)
    member = zstd.ZstdDecompressor() if compression == "zst" else zlib.decompressobj(wbits=31)
    assert member.decompress(found) == b"".join(chunks)
    assert member.eof
    assert member.unused_data == b""
    assert packed(chunks, compression) == found


def test_without_compression_bytes_are_written_as_they_are() -> None:
    assert packed([b"a", b"", b"b"], None) == b"ab"


def test_a_gzip_header_has_neither_a_time_nor_a_name() -> None:
    """RFC 1952, 2.3: magic, method, flags and time."""
    magic, method, flags, time = struct.unpack_from("<HBBI", packed([b"text"], "gz"))
    assert (magic, method, flags, time) == (0x8B1F, 8, 0, 0)


def test_a_zstd_frame_has_a_sum_of_its_content() -> None:
    """RFC 8878, 3.1.1.1.1: the third bit of the frame header's descriptor."""
    found = bytearray(packed([b"text"], "zst"))
    assert found[4] & 0b100
    found[-1] ^= 1
    with pytest.raises(zstd.ZstdError):
        zstd.decompress(found)


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_what_failed_in_its_middle_is_not_ended(compression: str) -> None:
    written: list[bytes] = []
    with suppress(KeyError), compressing(written.append, compression) as write:
        write(b"some")
        raise KeyError
    assert b"".join(written) in {b"", packed([], compression)[:10]}
    with pytest.raises(EOFError):
        gzip.decompress(b"".join(written) or b"\x1f\x8b")
