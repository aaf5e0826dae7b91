"""Lines of an output as the one text that is written: a line has an object of its own when it's asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload


class JoinedLines(Sequence[bytes]):
    """Lines, each with its newline in the text; there is no other newline in it."""

    __slots__ = ("_count", "_text")

    def __init__(self, text: bytes, count: int) -> None:
        self._text = text
        self._count = count

    @classmethod
    def of_pairs(cls, firsts: Sequence[bytes], between: bytes, seconds: Sequence[Any]) -> JoinedLines:
        """Return a line of each two, with something between them.

        Raises ValueError where there are more of one than of the other, TypeError for what is no bytes.
        """
        count = len(firsts)
        pieces = [b"", between, b"", b"\n"] * count
        pieces[::4] = firsts
        pieces[2::4] = seconds
        return cls(b"".join(pieces), count)

    def __len__(self) -> int:
        """Return how many lines there are."""
        return self._count

    @overload
    def __getitem__(self, place: int) -> bytes: ...
    @overload
    def __getitem__(self, place: slice) -> list[bytes]: ...
    def __getitem__(self, place: int | slice) -> bytes | list[bytes]:
        """Return a line, or a list of some."""
        return self._lines()[place]

    def __iter__(self) -> Iterator[bytes]:
        """Yield the lines."""
        return iter(self._lines())

    @property
    def size(self) -> int:
        """How many bytes the lines have, newlines included."""
        return len(self._text)

    def text(self) -> bytes:
        """Return the lines with a newline between them."""
        return self._text[:-1]

    def whole_text(self) -> bytes:
        """Return the lines, each with its newline."""
        return self._text

    def _lines(self) -> list[bytes]:
        return self.text().split(b"\n") if self._count else []
