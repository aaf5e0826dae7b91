"""The fast lane of csv and tsv: blocks of plain rows into columns, keys and records; the rest it leaves.

It reads what the careful reader would read, or nothing: plain_rows says of which rows that is proven.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as pa_csv

from model_mapreduce_job.formats.byte_arrays import joined, order_with
from model_mapreduce_job.formats.delimited_keys import JsonKeys, RowKeys
from model_mapreduce_job.formats.plain_rows import FALSE_WORDS, TRUE_WORDS, kind_of_column, plain_rows
from model_mapreduce_job.formats.plain_texts import PlainTexts, unsure_numbers
from model_mapreduce_job.formats.row_objects import RowCells, RowObjects, row_objects
from model_mapreduce_job.formats.text_block import TextBlock
from model_mapreduce_job.formats.text_encodings import is_utf_8
from model_mapreduce_job.formats.typed_columns import (
    ChosenLines,
    can_start_threads,
    fitting_columns,
    matches,
    read_table,
)
from model_mapreduce_job.formats.wide_rows import FEWEST_COLUMNS, WideRows
from model_mapreduce_job.models.arrow_arrays import of_numpy
from model_mapreduce_job.models.columns import ARROW_TYPES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from model_mapreduce_job.formats.columns_of_cells import Column
    from model_mapreduce_job.formats.plain_rows import PlainRows
    from model_mapreduce_job.formats.rows import Dialect
    from model_mapreduce_job.models.plain_fields import PlainColumns


@dataclass(frozen=True)
class PlainPart:
    """The plain rows of a block: their keys, and their records as columns or else as JSON texts.

    others has the places of the block's other lines, in order.
    """

    lines: TextBlock
    others: list[int]
    keys: TextBlock
    texts: Sequence[bytes] = ()
    columns: pa.RecordBatch | None = None

    def with_columns(self, places: Sequence[int], more: Sequence[pa.RecordBatch]) -> pa.RecordBatch | None:
        """Return the columns with those of more records, each at the place that it has in the end."""
        if self.columns is None or not places:
            return self.columns
        order = order_with(len(self.columns), places)
        return pa.concat_batches([self.columns, *more]).take(of_numpy(order))


class PlainReader:
    """Reads plain rows by the block; wanted has the model's columns, None for a model of records."""

    def __init__(
        self,
        columns: Sequence[Column],
        dialect: Dialect,
        keys: JsonKeys | RowKeys,
        rows: PlainRows,
        wanted: PlainColumns | None,
    ) -> None:
        self._columns = columns
        self._dialect = dialect
        self._rows = rows
        self._keys = keys
        self._texts = PlainTexts(columns, dialect)
        self._has_texts = isinstance(keys, JsonKeys) and keys.as_texts
        self._key_texts = PlainTexts(
            [columns[place] for place in keys.places], dialect, as_texts=self._has_texts
        )
        self._objects = _objects_of(columns, dialect, keys, wanted)
        self._wanted = wanted
        self._needs_cells = self._objects is None and (wanted is None or not keys.is_the_line)
        self._names = [column.name for column in columns]
        self._wide = (
            WideRows(rows.cells, self._names, dialect.delimiter) if len(columns) >= FEWEST_COLUMNS else None
        )
        self._options = self._options_of(wanted) if wanted else None
        self._unknown = [place for place, column in enumerate(columns) if kind_of_column(column) == "unknown"]

    def read(self, lines: TextBlock, *, is_utf_8: bool) -> PlainPart:
        """Return the plain rows of lines, and the places of all others."""
        rows = self._plain_among(lines, is_utf_8=is_utf_8)
        cells = self._cells(rows.lines) if self._needs_cells and len(rows.lines) else []
        for place in self._unknown if cells and self._reads_unknown else ():
            unsure = unsure_numbers(cells[place], self._dialect)
            if pc.any(unsure).as_py():
                cells = rows.keep(pc.invert(unsure), cells)
        columns = None
        if self._wanted is not None:
            columns, fits = self._typed(self._wanted, rows.lines)
            if fits is not None:
                columns = columns.filter(fits)
                cells = rows.keep(fits, cells)
        keys = self._keys_of(rows.lines, cells)
        texts = self._records(rows.lines, keys, cells) if self._wanted is None and len(rows.lines) else ()
        return PlainPart(rows.lines, rows.others(len(lines)), keys, texts, columns)

    def _plain_among(self, lines: TextBlock, *, is_utf_8: bool) -> ChosenLines:
        """Return those lines that are plain rows."""
        rows = ChosenLines(lines)
        if self._wide is None:
            if not (is_utf_8 and self._all_match(lines)):
                rows.keep(self._matches(lines, is_utf_8=is_utf_8))
            return rows
        flags = self._wide.among(lines)
        if not is_utf_8:
            flags &= _are_utf_8(lines)
        if not flags.all():
            rows.keep(of_numpy(flags))
        return rows

    def _all_match(self, lines: TextBlock) -> bool:
        """Return whether all lines are plain rows, from one look at them together."""
        if not lines.has_a_newline_each:
            return False
        suspects = self._rows.suspects
        return matches(lines.as_one(whole=True), self._rows.rows) and not (
            suspects and matches(lines.as_one(whole=False), suspects)
        )

    def _matches(self, lines: TextBlock, *, is_utf_8: bool) -> pa.Array:
        array = lines.array()
        is_plain = pc.match_substring_regex(array, self._rows.row)
        if self._rows.suspect:
            is_plain = pc.and_not(is_plain, pc.match_substring_regex(array, self._rows.suspect))
        if not is_utf_8:
            is_plain = pc.and_(is_plain, of_numpy(_are_utf_8(lines)))
        return is_plain

    @property
    def _reads_unknown(self) -> bool:
        """Whether it matters what the cells of a column are that the model says nothing of."""
        return self._wanted is None or not isinstance(self._keys, RowKeys)

    def _keys_of(self, lines: TextBlock, cells: Sequence[pa.Array]) -> TextBlock:
        if self._keys.is_the_line or not len(lines):
            return lines
        if self._objects is not None:
            return self._objects.of(self._row_cells(lines))
        chosen = [cells[place] for place in self._keys.places]
        if isinstance(self._keys, JsonKeys):
            return TextBlock.of_array(self._key_texts.keys(chosen))
        return TextBlock.of_array(_rows_of(chosen, self._keys.dialect.delimiter))

    def _row_cells(self, lines: TextBlock) -> RowCells:
        return RowCells.of(lines, len(self._columns), self._dialect.delimiter)

    def _records(self, lines: TextBlock, keys: TextBlock, cells: Sequence[pa.Array]) -> Sequence[bytes]:
        if self._objects is not None:
            if not self._row_cells(lines).have_gaps():
                return keys
            cells = self._cells(lines)
        whole = isinstance(self._keys, JsonKeys) and not self._keys.chosen and not self._has_texts
        if whole and not self._texts.have_gaps(cells):
            return keys
        return TextBlock.of_array(self._texts.records(cells))

    def _cells(self, lines: TextBlock) -> list[pa.Array]:
        """Return each column's cells as they stand in the rows."""
        names = [str(place) for place in range(len(self._columns))]
        convert = pa_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), null_values=[])
        table = self._table(lines, names, convert)
        return [table.column(name).combine_chunks() for name in names]

    def _typed(self, wanted: PlainColumns, lines: TextBlock) -> tuple[pa.RecordBatch, pa.Array | None]:
        """Return the model's columns, and which rows fit its fields: None where all do."""
        if not len(lines):
            nothing = [pa.nulls(0, kind) for kind in wanted.schema.types]
            return pa.RecordBatch.from_arrays(nothing, schema=wanted.schema), None
        table = self._table(lines, self._names, self._options) if self._options else None
        return fitting_columns(wanted, table, len(lines))

    def _options_of(self, wanted: PlainColumns) -> pa_csv.ConvertOptions | None:
        """Return how the model's columns are read; None where the rows have none of them."""
        names = frozenset(self._names)
        there = [each.name for each in wanted.fields if each.name in names]
        if not there:
            return None
        return pa_csv.ConvertOptions(
            column_types={each.name: ARROW_TYPES[each.kind] for each in wanted.fields},
            include_columns=there,
            null_values=sorted(self._dialect.null_values | {""}),
            strings_can_be_null=True,
            true_values=list(TRUE_WORDS),
            false_values=list(FALSE_WORDS),
            decimal_point=self._dialect.decimal,
        )

    def _table(self, lines: TextBlock, names: list[str], convert: pa_csv.ConvertOptions) -> pa.Table:
        return read_table(lines.whole_text(), names, convert, self._dialect.delimiter)


def make_plain_reader(
    columns: Sequence[Column],
    dialect: Dialect,
    keys: JsonKeys | RowKeys,
    wanted: PlainColumns | None,
) -> PlainReader | None:
    """Return what reads plain rows of these columns; None where no row can be proven to be plain.

    None also where no thread can be started: Arrow's reader of csv needs one, and the careful reader doesn't.
    """
    if not can_start_threads():
        return None
    fields = wanted.fields if wanted else ()
    written = keys.dialect if isinstance(keys, RowKeys) else None
    rows = plain_rows(columns, dialect, written, as_json=wanted is None or written is None)
    names = {column.name for column in columns}
    if rows is None or any(each.name not in names and not each.nullable for each in fields):
        return None
    has_texts = any(each.empty_is_text for each in fields)
    if has_texts and dialect.null_values:
        return None  # an empty text and one that stands for no value would be the same
    return PlainReader(columns, dialect, keys, rows, wanted)


def _objects_of(
    columns: Sequence[Column], dialect: Dialect, keys: JsonKeys | RowKeys, wanted: PlainColumns | None
) -> RowObjects | None:
    """Return what writes the keys of rows without a look into their cells; None where that takes one.

    For a model of records these objects are its records as well.
    """
    if not isinstance(keys, JsonKeys):
        return None
    if wanted is None and (keys.chosen or keys.as_texts or dialect.null_values - {""}):
        return None
    return row_objects(columns, keys.places, dialect, as_texts=keys.as_texts)


def _rows_of(cells: Sequence[pa.Array], delimiter: str) -> pa.Array:
    pieces = [piece for cell in cells for piece in (delimiter, cell)]
    return joined(*pieces[1:], "\n")


def _are_utf_8(lines: TextBlock) -> NDArray[np.bool_]:
    return np.fromiter(map(is_utf_8, lines), np.bool_, len(lines))
