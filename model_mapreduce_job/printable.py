"""Makes text of unknown origin safe to print: names of files and columns, and output of a model's code."""

from __future__ import annotations

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


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    end = (limit - len(_GAP)) // 3
    return f"{text[: limit - len(_GAP) - end]}{_GAP}{text[len(text) - end :]}"
