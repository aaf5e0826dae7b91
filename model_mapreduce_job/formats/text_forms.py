"""Which form the lines and texts of a batch have: lists of bytes, or what is one piece of memory.

Some of the latter are Arrow's, and need pyarrow, which only some runs do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_mapreduce_job.formats.column_texts import ColumnTexts
    from model_mapreduce_job.formats.joined_lines import JoinedLines
    from model_mapreduce_job.formats.text_block import TextBlock


def are_columns(predictions: Any) -> TypeGuard[ColumnTexts]:
    """Return whether the texts of predictions are columns, and no list."""
    return hasattr(predictions, "members")


def is_text_block(lines: Any) -> TypeGuard[TextBlock]:
    """Return whether lines are one piece of memory, and no list."""
    return hasattr(lines, "followed_by")


def text_of(lines: Sequence[bytes]) -> bytes:
    """Return lines as text, with a newline between them."""
    return lines.text() if _are_one_text(lines) else b"\n".join(lines)


def whole_text(lines: Sequence[bytes]) -> bytes:
    """Return lines as text, each with its newline."""
    return lines.whole_text() if _are_one_text(lines) else b"\n".join([*lines, b""])


def size_of(lines: Sequence[bytes]) -> int:
    """Return about how many bytes lines have: newlines count where they are there already."""
    return int(lines.size) if hasattr(lines, "size") else sum(map(len, lines))


def are_plain(lines: Sequence[bytes]) -> bool:
    """Return whether lines are known to be ASCII, without CR and TAB; false says nothing."""
    return getattr(lines, "is_plain", False)


def _are_one_text(lines: Any) -> TypeGuard[TextBlock | JoinedLines]:
    return hasattr(lines, "whole_text")
