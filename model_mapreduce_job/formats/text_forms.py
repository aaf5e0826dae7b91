"""Which form the lines and texts of a batch have: lists of bytes, or what stands for these in Arrow's memory.

The latter need pyarrow, which only some runs do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_mapreduce_job.formats.column_texts import ColumnTexts
    from model_mapreduce_job.formats.text_block import TextBlock


def are_columns(predictions: Any) -> TypeGuard[ColumnTexts]:
    """Return whether the texts of predictions are columns, and no list."""
    return hasattr(predictions, "members")


def is_text_block(lines: Any) -> TypeGuard[TextBlock]:
    """Return whether lines are one piece of memory, and no list."""
    return hasattr(lines, "followed_by")


def whole_text(lines: Sequence[bytes]) -> bytes:
    """Return lines as text, each with its newline."""
    return lines.whole_text() if is_text_block(lines) else b"\n".join([*lines, b""])
