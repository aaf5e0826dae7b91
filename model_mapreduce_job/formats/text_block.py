"""Lines side by side in one piece of memory, none of them an object of its own until it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from model_mapreduce_job.formats.byte_arrays import byte_array_of, joined, with_values
from model_mapreduce_job.formats.lines import LineBegun, within

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import pyarrow as pa
    from numpy.typing import NDArray

    from model_mapreduce_job.formats.lines import Block, Source

BLOCK_BYTES = 1 << 20
_NEWLINE = 10
# A half of what has room, since as much may come after lines.
_MOST_BYTES = 1 << 30


class TextBlock(Sequence[bytes]):
    """Lines in one piece of memory, each with its newline there; a slice of them shares it.

    ends has the place of each line's newline; start is where the first line begins.
    """

    __slots__ = ("_data", "_ends", "_start")

    def __init__(self, data: bytes, ends: NDArray[Any], start: int = 0) -> None:
        self._data = data
        self._ends = ends
        self._start = start

    @classmethod
    def of_text(cls, text: bytes) -> TextBlock:
        """Return the lines of a text that ends with a newline."""
        return cls(text, np.flatnonzero(np.frombuffer(text, np.uint8) == _NEWLINE))

    @classmethod
    def of_lines(cls, lines: Iterable[bytes]) -> TextBlock:
        """Return lines side by side; one with newlines in it, as a quoted cell may have, stays one."""
        if isinstance(lines, TextBlock):
            return lines
        lines = list(lines)
        sizes = np.fromiter(map(len, lines), np.int64, len(lines))
        return cls(b"\n".join([*lines, b""]), np.cumsum(sizes + 1) - 1)

    @classmethod
    def of_array(cls, rows: pa.Array) -> TextBlock:
        """Return the lines of an Arrow array of texts or bytes, each of which ends with its newline."""
        if not len(rows):
            return cls(b"", np.empty(0, np.int64))
        _, offsets, data = rows.buffers()
        places = np.frombuffer(offsets, np.int32)[rows.offset : rows.offset + len(rows) + 1]
        start, end = int(places[0]), int(places[-1])
        return cls(data.slice(start, end - start).to_pybytes(), places[1:] - (start + 1))

    def __len__(self) -> int:
        """Return how many lines there are."""
        return len(self._ends)

    @overload
    def __getitem__(self, place: int) -> bytes: ...
    @overload
    def __getitem__(self, place: slice) -> TextBlock: ...
    def __getitem__(self, place: int | slice) -> bytes | TextBlock:
        """Return a line, or some that follow each other."""
        if isinstance(place, slice):
            first, last, _ = place.indices(len(self))
            return TextBlock(self._data, self._ends[first:last], self._start_of(first))
        place = range(len(self))[place]
        return self._data[self._start_of(place) : int(self._ends[place])]

    def __iter__(self) -> Iterator[bytes]:
        """Yield the lines."""
        if self.has_a_newline_each:
            return iter(self.text().split(b"\n") if len(self) else ())
        ends = self._ends.tolist()
        starts = [self._start, *(end + 1 for end in ends[:-1])]
        return (self._data[start:end] for start, end in zip(starts, ends, strict=True))

    def __add__(self, other: Iterable[bytes]) -> TextBlock:
        """Return these lines and others."""
        other = TextBlock.of_lines(other)
        text = self.whole_text()
        ends = [self._ends - self._start, other._ends + (len(text) - other._start)]
        return TextBlock(text + other.whole_text(), np.concatenate(ends))

    def __radd__(self, other: Iterable[bytes]) -> TextBlock:
        """Return other lines and these."""
        return TextBlock.of_lines(other) + self

    @property
    def size(self) -> int:
        """How many bytes the lines have, newlines included."""
        return int(self._ends[-1]) + 1 - self._start if len(self) else 0

    @property
    def has_a_newline_each(self) -> bool:
        """Whether each newline is the end of a line."""
        between = np.frombuffer(self._data, np.uint8)[self._start : int(self._ends[-1]) if len(self) else 0]
        return not len(self) or int(np.count_nonzero(between == _NEWLINE)) == len(self) - 1

    @property
    def fits_arrow(self) -> bool:
        """Whether Arrow's arrays of bytes, whose places have 32 bits, have room for the lines."""
        return not len(self) or int(self._ends[-1]) < _MOST_BYTES

    def longest(self) -> int:
        """Return the bytes of the longest line, without its newline."""
        return int(np.diff(self._ends, prepend=self._start - 1).max(initial=1)) - 1

    def ends(self) -> NDArray[Any]:
        """Return the place of each line's newline in whole_text()."""
        return self._ends - self._start

    def text(self) -> bytes:
        """Return the lines with a newline between them."""
        return self._data[self._start : int(self._ends[-1])] if len(self) else b""

    def whole_text(self) -> bytes:
        """Return the lines, each with its newline."""
        return self._data[self._start : self._start + self.size]

    def array(self) -> pa.Array:
        """Return the lines as an Arrow array of bytes, each with the newline before it; the first without."""
        return byte_array_of(self._data, np.concatenate([[self._start], self._ends]))

    def ended_array(self) -> pa.Array:
        """Return the lines as an Arrow array of bytes, each with its newline."""
        return byte_array_of(self._data, np.concatenate([[self._start], self._ends + 1]))

    def as_one(self, *, whole: bool) -> pa.Array:
        """Return an array of the one text of all lines: as a whole, or without the last newline."""
        return byte_array_of(self._data, np.array([self._start, self._start + self.size - (not whole)]))

    def chosen(self, is_chosen: pa.Array) -> TextBlock:
        """Return the lines for which a boolean stands."""
        return TextBlock.of_array(self.ended_array().filter(is_chosen))

    def followed_by(self, after: pa.Array) -> TextBlock:
        """Return the lines, each with what comes after it."""
        if not len(self):
            return self
        _, offsets, data = joined(self.array(), after).buffers()
        # each begins with the newline that ends the one before
        ends = np.frombuffer(offsets, np.int32)[1 : len(self) + 1]
        return TextBlock(b"".join((memoryview(data)[: int(ends[-1])], b"\n")), ends)

    def with_lines(self, lines: Mapping[int, bytes]) -> TextBlock:
        """Return these lines with more of them, each at the place that it has in the end."""
        places = sorted(lines)
        ended = [lines[place] + b"\n" for place in places]
        return TextBlock.of_array(with_values(self.ended_array(), ended, places)) if lines else self

    def _start_of(self, place: int) -> int:
        return int(self._ends[place - 1]) + 1 if place else self._start


def read_text_blocks(
    source: Source, max_record_bytes: int, block_bytes: int = BLOCK_BYTES
) -> Iterator[Block]:
    """Yield what lines.read_blocks does, and its lists of lines as a TextBlock each."""
    begun = LineBegun()
    while data := source.read(block_bytes):
        after = data.rfind(b"\n") + 1
        if after:
            yield from _within(begun.joined_with(data[:after]), max_record_bytes)
            begun = LineBegun()
        begun.add(data[after:], max_record_bytes)
    if begun.size:
        yield from _within(begun.joined_with(b"\n"), max_record_bytes)


def _within(text: bytes, limit: int) -> Iterator[Block]:
    block = TextBlock.of_text(text)
    if len(text) <= limit or block.longest() <= limit:
        yield block
    else:
        yield from within(list(block), len(text), limit)
