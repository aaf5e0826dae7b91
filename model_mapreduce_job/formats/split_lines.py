"""Lines that were split from a text, which knows of all of them what is dear to find out of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import overload


class SplitLines(Sequence[bytes]):
    """Lines without their newlines; is_plain says that they are ASCII, without CR and TAB."""

    __slots__ = ("_lines", "_size", "is_plain")

    def __init__(self, lines: list[bytes], *, is_plain: bool, size: int | None = None) -> None:
        self._lines = lines
        self._size = size
        self.is_plain = is_plain

    @classmethod
    def of_text(cls, text: bytes) -> SplitLines:
        """Return the lines of a text, whose last line has no newline."""
        # one byte is quickly sought
        is_plain = text.isascii() and b"\r" not in text and b"\t" not in text
        return cls(text.split(b"\n"), is_plain=is_plain, size=len(text))

    def __len__(self) -> int:
        """Return how many lines there are."""
        return len(self._lines)

    @overload
    def __getitem__(self, place: int) -> bytes: ...
    @overload
    def __getitem__(self, place: slice) -> SplitLines: ...
    def __getitem__(self, place: int | slice) -> bytes | SplitLines:
        """Return a line, or some of them, which can be extended."""
        if isinstance(place, slice):
            return SplitLines(self._lines[place], is_plain=self.is_plain)
        return self._lines[place]

    def __iter__(self) -> Iterator[bytes]:
        """Yield the lines."""
        return iter(self._lines)

    @property
    def size(self) -> int:
        """About how many bytes the lines have."""
        if self._size is None:
            self._size = sum(map(len, self._lines))
        return self._size

    def as_list(self) -> list[bytes]:
        """Return the lines as a list, which is not to be changed."""
        return self._lines

    def extend(self, lines: Iterable[bytes]) -> None:
        """Add lines to these."""
        if isinstance(lines, SplitLines):
            self._lines += lines.as_list()
            self.is_plain = self.is_plain and lines.is_plain
        else:
            self._lines += lines
            self.is_plain = False
        self._size = None
