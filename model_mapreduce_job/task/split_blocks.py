"""The blocks of a task that reads some splits one after the other, and which file each of its lines is in."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any, NamedTuple

from model_mapreduce_job.exceptions import IncompleteRunError
from model_mapreduce_job.formats.lines import Place
from model_mapreduce_job.formats.records import OverlongLine
from model_mapreduce_job.printable import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class SplitStart(NamedTuple):
    """Where a split begins: a file, and a byte of it; before is how many lines from there on are others'."""

    file: str
    start: int
    before: int = 0


class SplitBlocks:
    """The blocks of lines, or of rows, of one split after the other, and where in which file each line was.

    splits has where each split begins, and its blocks, which are read before the next split is asked for.
    """

    def __init__(self, splits: Iterable[tuple[SplitStart, Iterable[Any]]]) -> None:
        self._splits = splits
        self._lines = 0
        self._starts: list[SplitStart] = []
        self._lines_before: list[int] = []

    def blocks(self) -> Iterator[Any]:
        """Yield the blocks of all splits."""
        for start, blocks in self._splits:
            self._starts.append(start)
            self._lines_before.append(self._lines)
            for block in blocks:
                self._lines += 1 if isinstance(block, OverlongLine) else len(block)
                yield block

    def refuse_unless_read(self, lines: int) -> None:
        """Raise IncompleteRunError unless these are as many as there were."""
        if lines != self._lines:
            raise IncompleteRunError(
                f"A task read {counted(self._lines, 'row')}, and counted {lines:,}. Run it again."
            )

    def place_of(self, place: Place) -> Place:
        """Return the place, in its file, of a line that is counted from the task's first."""
        number = bisect_right(self._lines_before, place.line - 1) - 1
        start = self._starts[number]
        return Place(place.line - self._lines_before[number] + start.before, start.file, start.start)
