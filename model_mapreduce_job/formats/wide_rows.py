"""Which rows of very many columns are plain: by one look at all cells of a kind, whatever their number is.

One expression for a whole row is as long as the row has columns, and so slow that it is most of reading.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

from model_mapreduce_job.formats.byte_arrays import byte_array_of
from model_mapreduce_job.models.arrow_arrays import of_numpy

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from model_mapreduce_job.formats.text_block import TextBlock

# From how many columns on this is quicker than an expression for a whole row.
FEWEST_COLUMNS = 200
_NEWLINE = 10


class WideRows:
    """Finds the lines that are plain rows. cells has the expression of each column's cells.

    A line whose first cell is one of the names may be a header: it is none of them.
    """

    def __init__(self, cells: Sequence[str], names: Iterable[str], delimiter: str) -> None:
        self._count = len(cells)
        self._names = {name.strip() for name in names}
        self._delimiter = delimiter
        places: dict[str, list[int]] = {}
        for place, cell in enumerate(cells):
            places.setdefault(cell, []).append(place)
        self._kinds = [
            (f"^(?:(?:{cell})[{re.escape(delimiter)}\n])+$", np.array(own)) for cell, own in places.items()
        ]

    def among(self, lines: TextBlock) -> NDArray[np.bool_]:
        """Return for each line whether it is a plain row."""
        text, ends = lines.whole_text(), lines.ends()
        data = np.frombuffer(text, np.uint8)
        cuts = np.flatnonzero((data == ord(self._delimiter)) | (data == _NEWLINE))
        is_row: NDArray[np.bool_] = _in_each(cuts, ends) == self._count
        if not lines.has_a_newline_each:
            is_row &= _in_each(np.flatnonzero(data == _NEWLINE), ends) == 1
        if not is_row.all():
            if is_row.any():
                is_row[is_row] = self.among(lines.chosen(of_numpy(is_row)))
            return is_row
        for expression, places in self._kinds if len(lines) else ():
            is_row &= self._match(expression, places, text, cuts)
        is_row &= ~np.fromiter(map(self._is_suspect, lines), np.bool_, len(lines))
        return is_row

    def _match(
        self, expression: str, places: NDArray[np.int64], text: bytes, cuts: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Return for each row whether the cells at some places match an expression."""
        rows = len(cuts) // self._count
        cells = byte_array_of(text, np.concatenate([[0], cuts + 1]))
        if len(places) < self._count:
            wanted = np.arange(rows)[:, None] * self._count + places
            cells = cells.take(of_numpy(wanted.ravel()))
        _, offsets, data = cells.buffers()
        bounds = np.frombuffer(offsets, np.int32)[: len(cells) + 1 : len(places)]
        for ends in (bounds[[0, -1]], bounds):  # all together first
            found = pc.match_substring_regex(byte_array_of(data, ends), expression)
            if len(found) == rows or found[0].as_py():
                break
        return np.array(found.to_pylist(), np.bool_) if len(found) == rows else np.ones(rows, np.bool_)

    def _is_suspect(self, line: bytes) -> bool:
        """Return whether a line may be a header, or blank."""
        first = line.partition(self._delimiter.encode())[0]
        is_blank = self._delimiter.isspace() and not line.decode(errors="replace").strip()
        return is_blank or first.decode(errors="replace").strip() in self._names


def _in_each(cuts: NDArray[np.int64], ends: NDArray[Any]) -> NDArray[np.int64]:
    """Return how many cuts there are up to each end, after the end before it."""
    return np.diff(np.searchsorted(cuts, ends, side="right"), prepend=0)
