"""Lines and rows into batches: as many at once as the sizer says, and never more than memory should hold."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

from model_mapreduce_job.formats.arrow_records import RowBytes
from model_mapreduce_job.formats.records import OverlongLine
from model_mapreduce_job.formats.text_forms import is_text_block, size_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


LARGEST_BATCH_BYTES = 8 << 20


class Sizing(Protocol):
    """What says how many lines or rows the next batch should have."""

    size: int


def batches(blocks: Iterable[Any], sizer: Sizing) -> Iterator[Any]:
    """Yield the lines of blocks, in order, in batches of the sizer's size; the size may change on the way.

    A batch is smaller at the end, before an OverlongLine (which stands alone), and where its lines come to
    8 MiB or more. The rows of an Arrow RecordBatch come in slices of it, of the same sizes or less.
    """
    found = iter(blocks)
    first = next(found, None)
    if first is None:
        return iter(())
    return (_lines if isinstance(first, Sequence | OverlongLine) else _rows)(chain([first], found), sizer)


def _rows(blocks: Iterable[Any], sizer: Sizing) -> Iterator[Any]:
    for block in blocks:
        start = 0
        size = RowBytes(block.schema).of
        is_large = size(block) > LARGEST_BATCH_BYTES
        while start < block.num_rows:
            rows = min(sizer.size, block.num_rows - start)
            while is_large and rows > 1 and size(block.slice(start, rows)) > LARGEST_BATCH_BYTES:
                rows //= 2
            yield block.slice(start, rows)
            start += rows


def _lines(blocks: Iterable[Any], sizer: Sizing) -> Iterator[Any]:
    waiting: Sequence[bytes] = []
    size = 0
    for block in blocks:
        if isinstance(block, OverlongLine):
            if waiting:
                yield waiting
            yield block
            waiting, size = [], 0
            continue
        waiting = _together(waiting, block)
        size += size_of(block)
        start = 0
        while len(waiting) - start >= (lines := sizer.size):
            yield waiting[start : start + lines]
            start += lines
        if start:
            waiting = _last(waiting, block, len(waiting) - start)
            size = size_of(waiting)
        elif size >= LARGEST_BATCH_BYTES:
            yield waiting
            waiting, size = [], 0
    if waiting:
        yield waiting


def _together(lines: Any, more: Any) -> Any:
    """Return lines and more: lines may change, more does not."""
    if not len(lines):
        return more[:]
    if is_text_block(lines) or is_text_block(more):
        return lines + more
    lines.extend(more)
    return lines


def _last(lines: Any, block: Any, count: int) -> Any:
    """Return the last lines: as the last ones of the block that was added last, if it has as many.

    They know what that block knows of itself, and not of the lines before it.
    """
    return block[len(block) - count :] if count <= len(block) else lines[-count:]
