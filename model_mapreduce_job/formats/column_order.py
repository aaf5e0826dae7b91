"""Rows whose columns stand in another order than the run's, put into that order."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import msgspec

from model_mapreduce_job.formats.lines import strip_bom_and_cr
from model_mapreduce_job.formats.records import OverlongLine
from model_mapreduce_job.formats.rows import RowError, join_row, split_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from model_mapreduce_job.formats.lines import Block


class ColumnOrder(msgspec.Struct, frozen=True):
    """The order of a file's columns: places has the place in its rows of each of the run's columns."""

    delimiter: str
    places: Sequence[int]

    @classmethod
    def of(cls, names: Sequence[str], wanted: Sequence[str], delimiter: str) -> ColumnOrder | None:
        """Return the order of a file with these names, None when it is the one that is wanted."""
        if list(names) == list(wanted):
            return None
        return cls(delimiter, tuple(map(list(names).index, wanted)))

    def rearranged(self, line: bytes) -> bytes:
        """Return a row in the run's order; what is no row of the file's columns as it is."""
        try:
            cells = split_row(strip_bom_and_cr(line).decode(), self.delimiter)
        except (UnicodeDecodeError, csv.Error, RowError):
            return line
        if len(cells) != len(self.places):
            return line
        return join_row([cells[place] for place in self.places], self.delimiter)


def rearranged(blocks: Iterable[Block], order: ColumnOrder | None) -> Iterable[Block]:
    """Return blocks with each row in the run's order, the very blocks where there is no other."""
    return blocks if order is None else _each(blocks, order)


def _each(blocks: Iterable[Block], order: ColumnOrder) -> Iterator[Block]:
    for block in blocks:
        yield block if isinstance(block, OverlongLine) else list(map(order.rearranged, block))
