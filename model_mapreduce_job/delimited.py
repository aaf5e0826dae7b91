"""Rows of text: csv and tsv in, csv and tsv out."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.protocols import HeaderLine, json_string
from model_mapreduce_job.records import Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_mapreduce_job.schemas import RecordSchema

_BOM = "\ufeff"
# What a spreadsheet takes for the start of a formula: OWASP, "CSV Injection".
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class RowError(ValueError):
    """Raised when a line is not a row of the columns that the run reads."""


class Rows:
    """Reads rows whose cells a character separates; a cell may be quoted as in RFC 4180, on one line."""

    verbatim = False

    def __init__(self, schema: RecordSchema, columns: Sequence[str], delimiter: str) -> None:
        self._convert = schema.convert
        self._columns = list(columns)
        self._delimiter = delimiter

    def read(self, line: bytes) -> Any:
        """Return the row as a record; raise HeaderLine when its cells are the columns' names."""
        cells = self._cells(line.decode())
        if cells == self._columns:
            raise HeaderLine
        return self._convert(self._named(cells))

    def text(self, line: bytes) -> bytes:
        """Return the row as a JSON object; numbers as they were written; a JSON string when it is no row."""
        try:
            row = self._named(self._cells(line.decode()))
        except (ValueError, csv.Error):
            return json_string(line)
        return b"{%b}" % b", ".join(b"%b: %b" % (_string(name), _cell(cell)) for name, cell in row.items())

    def _cells(self, text: str) -> list[str]:
        return split_row(text, self._delimiter)

    def _named(self, cells: list[str]) -> dict[str, str]:
        if len(cells) != len(self._columns):
            raise RowError(f"Expected {len(self._columns)} cells ({', '.join(self._columns)}), got {len(cells)}")
        return dict(zip(self._columns, cells, strict=True))


@dataclass(frozen=True)
class RowShape:
    """The columns that a row has: the input's, then the prediction's; none means that it is written as one cell."""

    input_columns: Sequence[str] = ()
    prediction_columns: Sequence[str] = ()


class FlatRows:
    """Writes a row of the input's values, the prediction's values, and on request the error's type and message."""

    def __init__(self, shape: RowShape, *, explain: bool, delimiter: str) -> None:
        self._shape = shape
        self._explain = explain
        self._delimiter = delimiter

    def write(self, keys: Sequence[bytes], predictions: Sequence[bytes | Failure]) -> list[bytes]:
        """Return one row a line; what a spreadsheet would run as a formula is made inert by an apostrophe."""
        return list(map(self._row, keys, predictions))

    def _row(self, key: bytes, prediction: bytes | Failure) -> bytes:
        cells = flat_cells(key, self._shape.input_columns)
        if isinstance(prediction, Failure):
            cells += flat_cells(b"null", self._shape.prediction_columns)
            error = [prediction.kind, prediction.message]
        else:
            cells += flat_cells(prediction, self._shape.prediction_columns)
            error = ["", ""]
        return join_row(list(map(inert, cells + error if self._explain else cells)), self._delimiter)


def split_row(text: str, delimiter: str) -> list[str]:
    """Return a line's cells; raise csv.Error when its quotes don't fit."""
    text = text.removeprefix(_BOM).removesuffix("\r")
    if '"' not in text:
        return text.split(delimiter)
    return next(csv.reader([text], delimiter=delimiter, strict=True))


def join_row(cells: list[str], delimiter: str) -> bytes:
    """Return cells as one line; line ends inside a cell become spaces, since a record is a line."""
    row = io.StringIO()
    one_line = [" ".join(cell.splitlines()) if cell else cell for cell in cells]
    csv.writer(row, delimiter=delimiter, lineterminator="").writerow(one_line)
    return row.getvalue().encode(errors="backslashreplace")


def inert(cell: str) -> str:
    """Return a cell so that no spreadsheet runs it: an apostrophe before a formula's start, unless it's a number."""
    if cell.startswith(_FORMULA_STARTS) and not _is_number(cell):
        return "'" + cell
    return cell


def flat_cells(text: bytes, columns: Sequence[str]) -> list[str]:
    """Return a JSON document as the cells of these columns; what is no object stands in the first of them."""
    if not columns:
        return [_cell_text(text)]
    try:
        values = _decode_object(text)
    except (msgspec.MsgspecError, RecursionError):
        return [_cell_text(text), *[""] * (len(columns) - 1)]
    return [_cell_text(bytes(values.get(name, b"null"))) for name in columns]


def parse_columns(line: bytes, delimiter: str) -> list[str]:
    """Return the column names that a header line holds; raise InputError when it can't be one."""
    try:
        names = split_row(line.decode(), delimiter)
    except (ValueError, csv.Error) as error:
        raise InputError(f"The first line of the input is no header: {error}. Name the columns with --columns.") from error
    return check_columns(names)


def check_columns(names: list[str]) -> list[str]:
    """Return column names that are all there and all different; raise InputError otherwise."""
    if not all(names) or len(set(names)) < len(names):
        raise InputError(
            f"The columns {', '.join(map(repr, names))} can't be used: each needs a name of its own. "
            "Name them with --columns a,b,c."
        )
    return names


_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def _cell_text(text: bytes) -> str:
    """Return a JSON value as a cell: text as it is, nothing for null, anything else as it was written."""
    if text.startswith(b'"'):
        return str(json.loads(text))
    return "" if text == b"null" else text.decode()


def _string(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False).encode(errors="backslashreplace")


def _cell(text: str) -> bytes:
    return text.encode() if _is_number(text) else _string(text)


def _is_number(text: str) -> bool:
    """Return whether text is a number as JSON writes it."""
    try:
        msgspec.json.decode(text.encode(), type=float)
    except (msgspec.MsgspecError, UnicodeEncodeError):
        return False
    return not text[-1:].isspace() and not text[:1].isspace()
