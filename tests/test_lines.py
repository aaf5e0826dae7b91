"""Bytes into lines, at every boundary."""

import io
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_mapreduce_job.formats.lines import BLOCK_BYTES, blocks_of, read_blocks, strip_bom_and_cr
from model_mapreduce_job.formats.records import OverlongLine

HEAD = 256
LARGEST = 10**9


class Trickle:
    """Gives a few bytes at a time, as a pipe does, whatever is asked for."""

    def __init__(self, parts: list[bytes]) -> None:
        self._parts = iter(parts)

    def read(self, _size: int, /) -> bytes:
        return next(self._parts, b"")


def lines_in(data: bytes) -> list[bytes]:
    """Return what a reader of lines should find: the simple way."""
    lines = data.split(b"\n")
    return lines[:-1] if lines[-1] == b"" else lines


def expected(data: bytes, limit: int) -> list[bytes | OverlongLine]:
    return [line if len(line) <= limit else OverlongLine(line[: min(HEAD, limit)]) for line in lines_in(data)]


def flat(blocks: Any) -> list[bytes | OverlongLine]:
    return [line for block in blocks for line in ([block] if isinstance(block, OverlongLine) else block)]


TEXTS = st.binary(max_size=60) | st.lists(
    st.sampled_from([b"a", b"\n", b"\r\n", b"xyz", b"\xe2\x80\xa8"])
).map(b"".join)


@given(TEXTS, st.integers(1, 20))
@settings(deadline=None, max_examples=500)
def test_lines_are_the_same_at_every_block_boundary(data: bytes, block_bytes: int) -> None:
    assert flat(read_blocks(io.BytesIO(data), LARGEST, block_bytes)) == lines_in(data)


@given(TEXTS, st.integers(1, 20), st.integers(1, 12))
@settings(deadline=None, max_examples=1000)
def test_overlong_lines_come_out_in_their_place_at_every_block_boundary(
    data: bytes, block_bytes: int, limit: int
) -> None:
    assert flat(read_blocks(io.BytesIO(data), limit, block_bytes)) == expected(data, limit)


@given(st.lists(st.binary(min_size=1, max_size=9)), st.integers(1, 12))
@settings(deadline=None)
def test_lines_are_the_same_however_few_bytes_a_read_gives(parts: list[bytes], limit: int) -> None:
    assert flat(read_blocks(Trickle(parts), limit)) == expected(b"".join(parts), limit)


@pytest.mark.parametrize("before", range(-2, 3))
@pytest.mark.parametrize("end", [b"", b"\n", b"\n\n", b"\r\n"])
def test_lines_that_end_around_a_blocks_end_are_whole(before: int, end: bytes) -> None:
    data = b"x" * (BLOCK_BYTES + before) + b"\nlast" + end
    assert flat(read_blocks(io.BytesIO(data))) == lines_in(data)


@pytest.mark.parametrize("length", [BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES])
def test_a_line_at_its_limit_is_whole_and_one_byte_more_is_overlong(length: int) -> None:
    data = b"first\n" + b"x" * length + b"\nlast"
    assert flat(read_blocks(io.BytesIO(data), length)) == lines_in(data)
    assert flat(read_blocks(io.BytesIO(data), length - 1)) == [b"first", OverlongLine(b"x" * HEAD), b"last"]


def test_a_line_without_end_is_read_past_in_bounded_memory() -> None:
    block = b"x" * BLOCK_BYTES
    source = Trickle([block] * 400 + [b"\nlast\n"])
    tracemalloc.start()
    found = flat(read_blocks(source, max_record_bytes=1 << 20))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == [OverlongLine(b"x" * HEAD), b"last"]
    assert peak < 8 << 20


def test_a_source_without_bytes_has_no_lines() -> None:
    assert list(read_blocks(io.BytesIO(b""))) == []


@given(st.lists(st.binary(max_size=20).filter(lambda line: b"\n" not in line)), st.integers(1, 12))
@settings(deadline=None)
def test_lines_that_are_split_already_stay_as_they_are(lines: list[bytes], limit: int) -> None:
    assert flat(blocks_of(lines, limit)) == [
        line if len(line) <= limit else OverlongLine(line[:limit]) for line in lines
    ]


def test_lines_that_are_split_already_come_a_block_at_a_time() -> None:
    line = b"x" * 1000
    blocks = list(blocks_of([line] * 1000))
    assert sum(map(len, blocks)) == 1000
    assert all(len(block) * 1000 <= BLOCK_BYTES + 1000 for block in blocks)
    assert len(blocks) == -(-1_000_000 // (BLOCK_BYTES + 1000 - BLOCK_BYTES % 1000))


@pytest.mark.parametrize(
    ("line", "without"),
    [
        (b"a\r", b"a"),
        (b"\xef\xbb\xbfa", b"a"),
        (b"\xef\xbb\xbf\r", b""),
        (b"a\r\r", b"a\r"),
        (b"\ra", b"\ra"),
        (b"a\xef\xbb\xbf", b"a\xef\xbb\xbf"),
        (b"", b""),
    ],
)
def test_a_bare_line_has_no_byte_order_mark_and_no_carriage_return_at_its_end(
    line: bytes, without: bytes
) -> None:
    assert strip_bom_and_cr(line) == without
