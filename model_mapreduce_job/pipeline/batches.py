"""Lines into batches: as many at once as the sizer says, and never more than memory should hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from model_mapreduce_job.formats.records import OverlongLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from model_mapreduce_job.formats.lines import Block

LARGEST_BATCH_BYTES = 8 << 20


class Sizing(Protocol):
    """What says how many lines the next batch should have."""

    size: int


def batches(blocks: Iterable[Block], sizer: Sizing) -> Iterator[Block]:
    """Yield the lines of blocks, in order, in batches of the sizer's size; the size may change on the way.

    A batch is smaller at the end, before an OverlongLine (which stands alone), and where its lines come to
    8 MiB or more.
    """
    waiting: list[bytes] = []
    for block in blocks:
        if isinstance(block, OverlongLine):
            if waiting:
                yield waiting
            yield block
            waiting = []
            continue
        waiting += block
        start = 0
        while len(waiting) - start >= sizer.size:
            end = start + sizer.size
            yield waiting[start:end]
            start = end
        waiting = waiting[start:]
        # where lines were taken, what is left came in with this block, and is no more than that
        if not start and sum(map(len, waiting)) >= LARGEST_BATCH_BYTES:
            yield waiting
            waiting = []
    if waiting:
        yield waiting
