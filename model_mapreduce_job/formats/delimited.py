"""Rows of text: csv and tsv in, a line at a time. This is the definition of what a row means."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.columns_of_cells import Column
from model_mapreduce_job.formats.delimited_keys import JsonKeys
from model_mapreduce_job.formats.protocols import HeaderLine
from model_mapreduce_job.formats.rows import Dialect, RowError, split_row, trimmed_names
from model_mapreduce_job.formats.text_encodings import line_text, shown_line
from model_mapreduce_job.models.fields import Field
from model_mapreduce_job.printable import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_mapreduce_job.formats.delimited_keys import RowKeys
    from model_mapreduce_job.formats.plain_reader import PlainPart, PlainReader
    from model_mapreduce_job.models.plain_fields import PlainColumns
    from model_mapreduce_job.models.schemas import RecordSchema

# One line alone is read by the definition. All others go one way, so that a batch's cost grows evenly.
_FEWEST_LINES = 2


class DelimitedReader:
    """Reads rows whose cells a character separates; a cell may be quoted as in RFC 4180.

    keys says in which form a row comes back: as a JSON object, unless another form is given. wanted has the
    columns that the model takes, where it takes columns.
    """

    line_is_key = False

    def __init__(
        self,
        schema: RecordSchema,
        columns: Sequence[str],
        dialect: Dialect | None = None,
        keys: JsonKeys | RowKeys | None = None,
        wanted: PlainColumns | None = None,
    ) -> None:
        self.decode = schema.decode
        self.value_of = self._value_of if schema.shows_values else None
        self._dialect = dialect or Dialect()
        known = {name: field for field in reversed(schema.fields) for name in field.names}
        self._names = trimmed_names(columns, schema.fields)
        self._columns = [Column(name, known.get(name, Field(name)), self._dialect) for name in self._names]
        self._bare_names = [name.strip() for name in columns]
        self._known = frozenset(self._bare_names)
        self._keys = (keys or JsonKeys()).of_columns(self._columns)
        self._counted = 0
        self._plain = self._make_plain_reader(wanted)

    def read(self, line: bytes) -> Any:
        """Return the row as a record; raise HeaderLine when its cells are the columns' names."""
        cells = split_row(self.decoded(line), self._dialect.delimiter)
        if cells[0].strip() in self._known:
            self._check_header(cells)
        self._check_width(cells)
        return self.decode(b"{%b}" % b", ".join(filter(None, map(Column.in_record, self._columns, cells))))

    def decoded(self, line: bytes) -> str:
        """Return a line's text; raises UnicodeDecodeError, which names the input's own encoding and byte."""
        return line_text(line, self._dialect.encoding)

    def read_plain(self, lines: Sequence[bytes], *, is_utf_8: bool) -> PlainPart | None:
        """Return the plain rows of lines, by the column; None where all are to be read one by one."""
        if self._plain is None or len(lines) < _FEWEST_LINES:
            return None
        from model_mapreduce_job.formats.text_block import TextBlock  # noqa: PLC0415 - only where pyarrow is

        block = TextBlock.of_lines(lines)
        if not block.fits_arrow:
            return None
        part = self._plain.read(block, is_utf_8=is_utf_8)
        self._counted += len(part.keys)
        return part

    def _make_plain_reader(self, wanted: PlainColumns | None) -> PlainReader | None:
        try:
            from model_mapreduce_job.formats.plain_reader import make_plain_reader  # noqa: PLC0415 - only where pyarrow is
        except ImportError:  # a cluster's bundle may have no pyarrow
            return None
        return make_plain_reader(self._columns, self._dialect, self._keys, wanted)

    def text(self, line: bytes) -> bytes:
        """Return the row in the form of the keys; all of the line when it is no row."""
        try:
            cells = split_row(line.decode(), self._dialect.delimiter)
            self._check_width(cells)
        except (ValueError, csv.Error):
            return self.text_of_no_record(line)
        self._counted += 1
        return self._keys.of_row(line, cells)

    def text_of_no_record(self, line: bytes) -> bytes:
        """Return the form in which a line that can be no row comes back."""
        return self._keys.of_text(shown_line(line, self._dialect.encoding))

    def take_key_counts(self) -> list[int]:
        """Return how many rows had each of the columns that --key names since this was last asked."""
        counted, self._counted = self._counted, 0
        return [counted] * len(self._keys.chosen)

    def _value_of(self, line: bytes, name: str) -> str | None:
        """Return the JSON text of a row's cell, of a line that was read."""
        cells = dict(zip(self._names, split_row(self.decoded(line), self._dialect.delimiter), strict=True))
        return json.dumps(cells[name], ensure_ascii=False) if name in cells else None

    def _check_header(self, cells: list[str]) -> None:
        names = [cell.strip() for cell in cells]
        if names == self._bare_names:
            raise HeaderLine
        if sorted(names) == sorted(self._bare_names):
            raise InputError(
                f"A header inside the input has the columns {', '.join(cells)}, and the input began with "
                f"{', '.join(self._names)}. Give files with another order of columns as files of their own."
            )

    def _check_width(self, cells: list[str]) -> None:
        if len(cells) != len(self._columns):
            raise RowError(
                f"Expected {counted(len(self._names), 'cell')} ({', '.join(self._names)}), got {len(cells)}"
            )
