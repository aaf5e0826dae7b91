"""Rows of an earlier output in csv or tsv: the input's cells, each model's, and those of a stamp."""

from __future__ import annotations

import csv
import re
from contextlib import suppress
from dataclasses import dataclass
from itertools import compress
from operator import itemgetter, not_
from operator import methodcaller as calls
from typing import TYPE_CHECKING, Final

from model_mapreduce_job.formats.cells import unescaped
from model_mapreduce_job.formats.delimited_writer import cell_text, own_text
from model_mapreduce_job.formats.earlier_output import EarlierRecord, Reasons, no_such_line
from model_mapreduce_job.formats.protocols import decode_fields
from model_mapreduce_job.formats.records import ERROR_COLUMNS, Failure
from model_mapreduce_job.formats.rows import Dialect, RowError, join_row, split_row
from model_mapreduce_job.formats.stamp import STAMP_COLUMNS
from model_mapreduce_job.printable import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_ERROR_CELLS: Final = len(ERROR_COLUMNS)
_NO_TEXT: Final = re.compile(r"\\x[0-9a-f]{2}")
# The least that is kept of a line that is too long: 256 bytes, which may be fewer characters.
_HEAD_CHARACTERS: Final = 60
_ROWS: Final = "csv or tsv"


@dataclass(frozen=True)
class RowParts:
    """How many cells rows have: the input's; each model's prediction's, and with explain 2 of its error.

    names are the models', in their order.
    """

    inputs: int
    predictions: tuple[int, ...]
    names: tuple[str, ...]
    explain: bool = False
    is_stamped: bool = False

    @property
    def added(self) -> int:
        """The cells after the input's, but for a stamp's."""
        return sum(self.predictions) + self.explain * _ERROR_CELLS * len(self.predictions)

    @property
    def width(self) -> int:
        """All cells, but for a stamp's."""
        return self.inputs + self.added

    def of_models(self, cells: Sequence[str]) -> Iterable[tuple[Sequence[str], Sequence[str]]]:
        """Yield the cells of each model's prediction and of its error."""
        start = self.inputs
        for count in self.predictions:
            end = start + count
            yield cells[start:end], cells[end : end + _ERROR_CELLS * self.explain]
            start = end + _ERROR_CELLS * self.explain


@dataclass(frozen=True)
class EarlierRows:
    """Reads rows; dialect is that of the output, read_with the one that the first input was read with."""

    parts: RowParts
    dialect: Dialect
    read_with: str

    @property
    def comma(self) -> bytes:
        """What separates cells."""
        return self.dialect.delimiter.encode()

    def unpredicted(self, lines: list[bytes]) -> list[int]:
        """Return the places of rows without a prediction; raises InputError for rows of another width."""
        lines = self._bare(lines)
        self._check(lines)
        parts, comma = self.parts, self.comma
        places = range(len(lines))
        if len(parts.predictions) > 1:
            return [place for place in places if self._lacks(lines[place])]
        # nothing but the empty cells of a prediction, and of no error, can end a row so
        lacking = set(compress(places, map(calls("endswith", comma * parts.added), lines)))
        if parts.explain:
            kept = compress(places, map(calls("endswith", comma * _ERROR_CELLS), lines))
            lacking |= {*places} - {*kept}
        return sorted(lacking)

    def record(self, line: bytes) -> EarlierRecord:
        """Return the record of a row without a prediction."""
        row = self._bare([line])[0]
        cells = _cells(row, self.comma)
        added = join_row(["", *cells[self.parts.inputs :]], self.dialect.delimiter)
        if not row.endswith(added):
            raise no_such_line(line, _ROWS, "its cells are quoted in another way")
        key, inputs = row.removesuffix(added), cells[: self.parts.inputs]
        if _may_be_no_row(inputs, self.read_with):
            reasons = Reasons(tuple(map(self._failure, self._errors(cells))))
            if failure := reasons.of_no_record(self.parts.names):
                return EarlierRecord(key, failure=failure)
        return EarlierRecord(key, self._line_of(key, inputs))

    def _line_of(self, key: bytes, cells: list[str]) -> bytes:
        whole = [own_text(cell, self.dialect) for cell in cells]
        if whole == cells and self.read_with == self.dialect.delimiter and key.strip():
            return key
        return row_of(whole, self.read_with)

    def _bare(self, lines: list[bytes]) -> list[bytes]:
        """Return rows without the cells of a stamp."""
        if not self.parts.is_stamped:
            return lines
        return list(map(itemgetter(0), map(calls("rsplit", self.comma, len(STAMP_COLUMNS)), lines)))

    def _check(self, lines: list[bytes]) -> None:
        has_quotes = list(map(calls("__contains__", b'"'), lines))
        plain = list(compress(lines, map(not_, has_quotes)))
        self._check_widths(plain, map(calls("count", self.comma), plain), less=1)
        quoted = list(compress(lines, has_quotes))
        rows = csv.reader(map(bytes.decode, quoted), delimiter=self.dialect.delimiter, strict=True)
        self._check_widths(quoted, map(len, rows))

    def _check_widths(self, lines: list[bytes], found: Iterable[int], *, less: int = 0) -> None:
        """Raise InputError unless each row has as many cells as it must, of which found has some less."""
        with suppress(ValueError, csv.Error):  # which row it is, the look at each says
            b"\n".join(lines).decode()
            widths = list(found)
            if len(widths) == len(lines) and {*widths} <= {self.parts.width - less}:
                return
        for line in lines:
            self._check_row(line)

    def _check_row(self, line: bytes) -> None:
        try:
            found = len(_cells(line, self.comma))
        except (ValueError, csv.Error) as error:
            raise no_such_line(line, _ROWS, str(error)) from error
        if found != self.parts.width:
            reason = f"it has {counted(found, 'cell')}, and with these options a row has {self.parts.width}"
            raise no_such_line(line, _ROWS, reason)

    def _lacks(self, line: bytes) -> bool:
        cells = _cells(line, self.comma)
        return any(not any(own) or any(error) for own, error in self.parts.of_models(cells))

    def _errors(self, cells: Sequence[str]) -> list[Sequence[str]]:
        return [error for _, error in self.parts.of_models(cells) if any(error)]

    def _failure(self, error: Sequence[str]) -> Failure:
        if not self.dialect.quoted_newlines:
            error = [*map(unescaped, error)]
        return Failure(*(own_text(cell, self.dialect) for cell in error))


@dataclass(frozen=True)
class RowInputs:
    """Rows that came back as JSON objects, of which they are made again; others came back as JSON strings."""

    columns: int
    dialect: Dialect

    def line_of(self, key: bytes) -> bytes | None:
        """Return the row; None of a line that was none."""
        if not key.startswith(b"{"):
            return None
        cells = [cell_text(bytes(text), self.dialect) for text in decode_fields(key).values()]
        if len(cells) != self.columns:
            raise no_such_line(
                key, "JSON", f"it has {counted(len(cells), 'field')}, and the columns are {self.columns}"
            )
        return row_of(cells, self.dialect.delimiter)


def _cells(row: bytes, comma: bytes) -> list[str]:
    """Return a row's cells, also of one that looks blank; raises what split_row does."""
    text, delimiter = row.decode(), comma.decode()
    return split_row(text, delimiter) if '"' in text else text.split(delimiter)


def _may_be_no_row(cells: Sequence[str], delimiter: str) -> bool:
    """Return whether the first cell may be a line that was no row, which leaves the other cells empty."""
    first, *others = cells
    return bool(first) and not any(others) if others else may_be_no_cell(first, delimiter)


def may_be_no_cell(first: str, delimiter: str) -> bool:
    """Return whether the one cell of a row may be a line that was no row."""
    try:
        is_cell = not first or len(split_row(first, delimiter)) == 1
    except (RowError, csv.Error):
        return True
    is_cut = first.endswith("...") and len(first) > _HEAD_CHARACTERS
    return not is_cell or is_cut or bool(_NO_TEXT.search(first))


def row_of(cells: list[str], delimiter: str) -> bytes:
    """Return cells as a row that is not blank, whatever they hold."""
    row = join_row(cells, delimiter)
    return row if row.strip() else b'""' + row
