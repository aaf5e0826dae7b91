"""Compressed files: whole, or an error that names them."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import zlib
from typing import TYPE_CHECKING

import pytest
from backports import zstd

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.storage.compression import decompressed, is_compressed, whole_or_error

if TYPE_CHECKING:
    from collections.abc import Callable

COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": lambda data: zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1}),
}
FORMATS = pytest.mark.parametrize("ending", COMPRESSORS)
LINES = random.Random(1).randbytes(3000)  # noqa: S311 - no secret, but the same each time


def read(ending: str, data: bytes, size: int = 1000) -> bytes:
    """Read a file in steps, as a task does."""
    stream = decompressed(f"in.{ending}", io.BytesIO(data))
    with whole_or_error(f"in.{ending}"):
        return b"".join(iter(lambda: stream.read(size), b""))


@FORMATS
@pytest.mark.parametrize("members", [1, 2, 50])
def test_members_come_one_after_the_other(ending: str, members: int) -> None:
    assert read(ending, COMPRESSORS[ending](LINES) * members) == LINES * members


@FORMATS
def test_empty_members_and_zero_bytes_between_are_passed_over(ending: str) -> None:
    """Some tools write an empty member at the end, or fill up the last block of a device."""
    compress = COMPRESSORS[ending]
    assert read(ending, compress(b"") + compress(LINES) + compress(b"") + b"\0" * 512) == LINES


@FORMATS
def test_a_file_cut_off_anywhere_is_an_error_with_its_name(ending: str) -> None:
    """At every byte of its last member, its first one being whole."""
    whole = COMPRESSORS[ending](LINES[:200])
    for end in range(len(whole) + 1, 2 * len(whole)):
        with pytest.raises(InputError, match=rf"^in\.{ending} is cut off or damaged: "):
            read(ending, (whole * 2)[:end])


@FORMATS
def test_an_empty_file_is_cut_off_too(ending: str) -> None:
    with pytest.raises(InputError, match="it is empty"):
        read(ending, b"")


@FORMATS
def test_what_is_no_member_behind_a_member_is_an_error(ending: str) -> None:
    """It may have been one: the standard library's readers leave it out without a word."""
    whole = COMPRESSORS[ending](LINES)
    for behind in (b"garbage", b"x" + whole[1:], b"\0\0\0\0x"):
        with pytest.raises(InputError, match="is cut off or damaged"):
            read(ending, whole + behind)


@FORMATS
def test_a_changed_byte_is_an_error(ending: str) -> None:
    whole = bytearray(COMPRESSORS[ending](LINES))
    whole[len(whole) // 2] ^= 0x10
    with pytest.raises(InputError, match="is cut off or damaged"):
        read(ending, bytes(whole))


@FORMATS
@pytest.mark.parametrize("size", [1, 4096, 1 << 20])
def test_what_grows_a_lot_is_read_in_steps(ending: str, size: int) -> None:
    """No read gives more than was asked for, whatever a few bytes stand for."""
    length = 20_000 if size == 1 else 5_000_000
    stream = decompressed(f"in.{ending}", io.BytesIO(COMPRESSORS[ending](b"0" * length)))
    steps = list(iter(lambda: stream.read(size), b""))
    assert max(map(len, steps)) <= size
    assert sum(map(len, steps)) == length


def test_other_files_are_read_as_they_are() -> None:
    file = io.BytesIO(b"text")
    assert decompressed("in.txt", file) is file
    assert [is_compressed(name) for name in ("a.gz", "a.zst", "a.gz.txt", "gz")] == [True, True, False, False]


def test_a_disk_that_cannot_be_read_is_an_error_with_the_files_name() -> None:
    words = r"The input in\.gz can't be read: Input/output error\."
    with pytest.raises(InputError, match=words), whole_or_error("in.gz"):
        raise OSError(5, "Input/output error")


@FORMATS
def test_very_many_empty_members_take_no_more_time_than_their_bytes_are_worth(ending: str) -> None:
    """Not each in all that was read and stands behind it."""
    empty = COMPRESSORS[ending](b"")
    assert read(ending, empty * 20_000 + COMPRESSORS[ending](b"x")) == b"x"


def test_a_file_of_nothing_but_empty_members_is_refused_in_the_end() -> None:
    with pytest.raises(InputError, match=r"in\.gz is cut off or damaged: more than 100,000 members in a row"):
        read("gz", gzip.compress(b"") * 100_002)


def test_xz_that_asks_for_very_much_memory_is_refused() -> None:
    """Its header says how much; the data may be a few bytes."""
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 16}]
    encoder = lzma.LZMACompressor(format=lzma.FORMAT_XZ, filters=filters)
    data = bytearray(encoder.compress(b"x") + encoder.flush())
    # a dictionary of 1 GiB: the filter's property, and the header's sum
    data[data.index(b"\x21\x01") + 2] = 36
    data[20:24] = zlib.crc32(data[12:20]).to_bytes(4, "little")
    with pytest.raises(InputError, match=r"in\.xz needs more than 256 MiB of memory to be decompressed\."):
        read("xz", bytes(data))
