"""Bytes into lines: whole lines by the block, in memory that a long line can't grow; where a line is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import msgspec

from model_mapreduce_job.formats.records import OverlongLine
from model_mapreduce_job.formats.split_lines import SplitLines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Over 128 KiB, glibc gets a block from the kernel each time, and pays for each of its pages again.
BLOCK_BYTES = 1 << 16
BOM = b"\xef\xbb\xbf"
DEFAULT_MAX_RECORD_BYTES = 16 << 20
_HEAD_BYTES = 256

# What a reader hands on: lines without their newline, or one line that was too long to keep.
Block: TypeAlias = Sequence[bytes] | OverlongLine


class Place(msgspec.Struct, frozen=True):
    """A line of the input: counted from 1, from a byte of a file on; the file is "" until that is known."""

    line: int
    file: str = ""
    start: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the place as summaries have it."""
        return {"file": self.file, "from_byte": self.start, "line": self.line}


class Source(Protocol):
    """Anything that bytes can be read from, such as a binary file."""

    def read(self, size: int, /) -> bytes:
        """Return at most size bytes, and none at the end."""
        ...


def read_blocks(
    source: Source, max_record_bytes: int = DEFAULT_MAX_RECORD_BYTES, block_bytes: int = BLOCK_BYTES
) -> Iterator[Block]:
    """Yield a source's lines in order, a block at a time.

    Lines end at a newline; the last one may lack it. A line over max_record_bytes is read past, and comes
    out as an OverlongLine in its place. Memory: a block, and max_record_bytes of the line that it ends in.
    """
    begun = LineBegun()
    while data := source.read(block_bytes):
        ended, newline, rest = data.rpartition(b"\n")
        if newline:
            lines = SplitLines.of_text(begun.joined_with(ended))
            yield from within(lines, lines.size, max_record_bytes)
            begun = LineBegun()
        begun.add(rest, max_record_bytes)
    if begun.size:
        yield from within(SplitLines.of_text(begun.joined_with(b"")), begun.size, max_record_bytes)


def blocks_of(lines: Iterable[bytes], max_record_bytes: int = DEFAULT_MAX_RECORD_BYTES) -> Iterator[Block]:
    """Yield lines that something else has already split, by the block."""
    block: list[bytes] = []
    size = 0
    for line in lines:
        block.append(line)
        size += len(line)
        if size >= BLOCK_BYTES:
            yield from within(block, size, max_record_bytes)
            block, size = [], 0
    yield from within(block, size, max_record_bytes)


def strip_bom_and_cr(line: bytes) -> bytes:
    """Return a line without its byte order mark and without the CR of a CR LF."""
    return line.removeprefix(BOM).removesuffix(b"\r")


def within(lines: Sequence[bytes], size: int, limit: int) -> Iterator[Block]:
    """Yield lines that have size bytes together; with an OverlongLine for each that is over the limit."""
    if not len(lines):
        return
    # lines that all together are within the limit are so one by one
    if size <= limit or len(max(lines, key=len)) <= limit:
        yield lines
        return
    for line in lines:
        yield [line] if len(line) <= limit else overlong(line, limit)


def overlong(line: bytes, limit: int) -> OverlongLine:
    """Return what is kept of a line, or a row, over the limit: its beginning."""
    # never more than the limit, since that many bytes are kept wherever blocks end
    return OverlongLine(line[: min(_HEAD_BYTES, limit)])


class LineBegun:
    """The line whose end has not been read yet: enough of it to know whether it is overlong."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0

    def add(self, part: bytes, limit: int) -> None:
        """Add what was read next; what is over the limit is only counted."""
        if self.size <= limit:
            self._parts.append(part)
            self.size += len(part)

    def joined_with(self, ended: bytes) -> bytes:
        """Return the line, ended by what was read last."""
        # joined once, so that reading a long line takes time in proportion to it
        return b"".join((*self._parts, ended)) if self._parts else ended
