"""How the bytes of an input become lines, or rows of several lines, of UTF-8."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from model_mapreduce_job.formats.lines import DEFAULT_MAX_RECORD_BYTES, read_blocks
from model_mapreduce_job.formats.records import OverlongLine
from model_mapreduce_job.formats.row_assembly import RowAssembly
from model_mapreduce_job.formats.text_encodings import UTF_8, splits_at_lines, transcoded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from model_mapreduce_job.formats.lines import Block, Source


class TextReading(msgspec.Struct, frozen=True):
    """How an input is read: its encoding, and the delimiter of rows whose quoted cells may hold line ends.

    by_text_block says that lines are quicker read in blocks of text than in lists.
    """

    max_record_bytes: int = DEFAULT_MAX_RECORD_BYTES
    encoding: str = UTF_8
    delimiter_of_long_rows: str | None = None
    by_text_block: bool = False

    @property
    def splits_at_lines(self) -> bool:
        """Return whether a file can be read from any line on."""
        return self.delimiter_of_long_rows is None and splits_at_lines(self.encoding)

    def in_utf_8(self, source: Source) -> Source:
        """Return a source of the input's text in UTF-8."""
        return transcoded(source, self.encoding)

    def blocks(self, source: Source, *, is_utf_8: bool = False) -> Iterator[Block]:
        """Yield the lines, or rows, of a source by the block; is_utf_8 says that it was transcoded before."""
        blocks = read_blocks(source if is_utf_8 else self.in_utf_8(source), self.max_record_bytes)
        return iter(self.rows(blocks))

    def quick_blocks(self, source: Source, *, is_utf_8: bool = False) -> Iterator[Any]:
        """Yield what blocks does, in whichever form is quickest read."""
        if self.delimiter_of_long_rows is None and self.by_text_block:
            try:
                from model_mapreduce_job.formats.text_block import read_text_blocks  # noqa: PLC0415 - where rows are read
            except ImportError:  # a cluster's bundle may have no pyarrow
                return self.blocks(source, is_utf_8=is_utf_8)
            return read_text_blocks(source if is_utf_8 else self.in_utf_8(source), self.max_record_bytes)
        return self.blocks(source, is_utf_8=is_utf_8)

    def rows(self, blocks: Iterable[Block]) -> Iterable[Block]:
        """Return blocks of lines as blocks of rows: the very blocks where a row is a line."""
        if self.delimiter_of_long_rows is None:
            return blocks
        return RowAssembly(self.delimiter_of_long_rows, self.max_record_bytes).rows(blocks)

    def utf_8_lines(self, blocks: Iterable[Block]) -> Iterable[Block]:
        """Return blocks of the encoding's lines as blocks of UTF-8."""
        return blocks if self.encoding == UTF_8 else map(self._utf_8_block, blocks)

    def chunks(self, source: Source, size: int) -> Iterator[bytes]:
        """Yield text of UTF-8 in chunks of whole rows, about this many bytes each."""
        waiting: list[bytes] = []
        length = 0
        for block in self.blocks(source, is_utf_8=True):
            rows = [self._still_overlong(block)] if isinstance(block, OverlongLine) else block
            waiting += rows
            length += sum(map(len, rows))
            if length >= size:
                yield b"\n".join(waiting) + b"\n"
                waiting, length = [], 0
        if waiting:
            yield b"\n".join(waiting) + b"\n"

    def _utf_8_block(self, block: Block) -> Block:
        text = b"\n".join([block.head] if isinstance(block, OverlongLine) else block)
        lines = _all_of(transcoded(_Bytes(text), self.encoding)).split(b"\n")
        return OverlongLine(lines[0]) if isinstance(block, OverlongLine) else lines

    def _still_overlong(self, row: OverlongLine) -> bytes:
        return row.head.replace(b"\n", b" ").replace(b'"', b"'").ljust(self.max_record_bytes + 1)


class _Bytes:
    """A source of bytes that are there already."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, _size: int, /) -> bytes:
        """Return all of them, then none."""
        data, self._data = self._data, b""
        return data


def _all_of(source: Source) -> bytes:
    return b"".join(iter(lambda: source.read(1 << 16), b""))
