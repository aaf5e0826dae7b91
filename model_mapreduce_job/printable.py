"""Texts for people: those of unknown origin made safe to print, such as names of files, and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST = 2000
_GAP = " ... "


def printable(text: str, limit: int = LONGEST) -> str:
    r"""Return text on one line of at most limit characters, with escapes for what can't be printed (\x1b).

    A longer text keeps its beginning and its end, since a message ends with what to do.
    """
    line = escaped(_cut(text, limit))
    return line if len(line) <= limit else _cut(line, limit)


def escaped(text: str) -> str:
    """Return text with escapes for what can't be printed, a newline among it."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as `2 files`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def some_of(names: Sequence[str], most: int = 5) -> str:
    """Return names with commas between them; of more than `most` the first, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    end = (limit - len(_GAP)) // 3
    return f"{text[: limit - len(_GAP) - end]}{_GAP}{text[len(text) - end :]}"
