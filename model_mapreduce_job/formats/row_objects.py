"""The JSON objects of plain rows, put together from the bytes of the rows themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from model_mapreduce_job.formats.byte_arrays import byte_array_of
from model_mapreduce_job.formats.columns_of_cells import json_text
from model_mapreduce_job.formats.plain_rows import TRUE_WORDS, kind_of_column
from model_mapreduce_job.formats.text_block import TextBlock
from model_mapreduce_job.models.arrow_arrays import of_numpy

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from model_mapreduce_job.formats.columns_of_cells import Column
    from model_mapreduce_job.formats.rows import Dialect

_NEWLINE = 10
# A word for true begins with another byte than each for false.
_TRUE_BEGINS = np.array(sorted({ord(word[0]) for word in TRUE_WORDS}), np.uint8)
_EMPTY, _TRUE, _FALSE = range(3)
_INSTEAD = (b'""', b"true", b"false")


@dataclass(frozen=True)
class RowCells:
    """The cells of plain rows in their text, which has a mark of one byte after each.

    starts and ends, of shape (rows, columns), have the places of each cell's first byte and of its mark.
    """

    text: bytes
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]

    @classmethod
    def of(cls, lines: TextBlock, columns: int, delimiter: str) -> RowCells:
        """Return the cells of lines that are plain rows with this number of columns."""
        text = lines.whole_text()
        marks = np.frombuffer(text, np.uint8)
        ends = np.flatnonzero((marks == ord(delimiter)) | (marks == _NEWLINE)).astype(np.int32)
        starts = np.concatenate([np.zeros(1, np.int32), ends[:-1] + np.int32(1)])
        return cls(text, starts.reshape(-1, columns), ends.reshape(-1, columns))

    def have_gaps(self) -> bool:
        """Return whether a cell is empty."""
        return bool((self.starts == self.ends).any())


class RowObjects:
    """Writes the chosen columns of plain rows as JSON objects; with as_texts each cell is a text.

    places has those columns among all of a row's. Numbers are as they were written, an empty cell is "".
    """

    def __init__(self, columns: Sequence[Column], places: Sequence[int], *, as_texts: bool) -> None:
        kinds = ["string" if as_texts else kind_of_column(column) for column in columns]
        self._places = list(places)
        self._booleans = [number for number, kind in enumerate(kinds) if kind == "boolean"]
        self._unquoted = [number for number, kind in enumerate(kinds) if kind != "string"]
        quotes = [b'"' if kind == "string" else b"" for kind in kinds]
        befores = [b", "] * len(columns)
        befores[0] = b"{"
        names = [json_text(column.name) for column in columns]
        self._pieces = [
            after + before + name + b": " + quote
            for after, before, name, quote in zip([b"", *quotes], befores, names, quotes, strict=False)
        ]
        self._pieces += [quotes[-1] + b"}\n", *_INSTEAD]

    def of(self, cells: RowCells) -> TextBlock:
        """Return the rows' objects, a line each."""
        rows, width = len(cells.ends), 2 * len(self._places) + 1
        order = self._order(cells)
        chosen = pc.take(self._all_pieces(cells), of_numpy(order.ravel()), boundscheck=False)
        _, offsets, data = chosen.buffers()
        ends = np.frombuffer(offsets, np.int32)[width : rows * width + 1 : width] - 1
        return TextBlock(data.to_pybytes(), ends)

    def _all_pieces(self, cells: RowCells) -> pa.Array:
        """Return an array in which cells and the marks after them take turns; this writer's pieces follow."""
        own = np.cumsum([len(cells.text), *map(len, self._pieces)], dtype=np.int32)
        turns = np.stack([cells.starts, cells.ends], axis=-1).ravel()
        return byte_array_of(cells.text + b"".join(self._pieces), np.concatenate([turns, own]))

    def _order(self, cells: RowCells) -> NDArray[np.int32]:
        """Return the numbers of the pieces that each row's object is made of, of shape (rows, pieces)."""
        cell_numbers = np.arange(0, 2 * cells.ends.size, 2, dtype=np.int32).reshape(cells.ends.shape)
        first = np.int32(2 * cells.ends.size)
        instead = first + np.int32(len(self._places) + 1)
        order = np.empty((len(cells.ends), 2 * len(self._places) + 1), np.int32)
        order[:, ::2] = np.arange(first, instead, dtype=np.int32)
        values = order[:, 1::2]
        values[:] = cell_numbers[:, self._places]
        for number in self._booleans:
            firsts = np.frombuffer(cells.text, np.uint8)[cells.starts[:, self._places[number]]]
            values[:, number] = np.where(np.isin(firsts, _TRUE_BEGINS), instead + _TRUE, instead + _FALSE)
        chosen = [self._places[number] for number in self._unquoted]
        rows, empty = np.nonzero(cells.starts[:, chosen] == cells.ends[:, chosen])
        values[rows, np.array(self._unquoted, np.int64)[empty]] = instead + _EMPTY
        return order


def row_objects(
    columns: Sequence[Column], places: Sequence[int], dialect: Dialect, *, as_texts: bool
) -> RowObjects | None:
    """Return what writes the chosen ones of columns as objects; None where cells must be looked into."""
    if "unknown" in map(kind_of_column, columns):
        return None
    chosen = [columns[place] for place in places]
    has_values = not as_texts and any(kind_of_column(column) != "string" for column in chosen)
    if has_values and (dialect.decimal != "." or dialect.null_values - {""}):
        return None  # what stands for no value may be a number all the same
    return RowObjects(chosen, places, as_texts=as_texts)
