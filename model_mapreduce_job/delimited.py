"""Rows of text: csv and tsv in, csv and tsv out."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.fields import NUMBERS, Field
from model_mapreduce_job.lines import bare
from model_mapreduce_job.protocols import HeaderLine, decode_fields, json_string
from model_mapreduce_job.records import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from model_mapreduce_job.schemas import RecordSchema

# What a spreadsheet takes for the start of a formula: OWASP, "CSV Injection".
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_ANY_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_NEEDS_QUOTES = re.compile(r'["\r\n]')
_LINE_ENDS = re.compile(r"[\r\n]+")
_BOOLEANS = {"true": b"true", "1": b"true", "false": b"false", "0": b"false"}

# A quoted cell may be as long as its line, which --max_record_bytes limits; csv's own limit is 128 KiB.
csv.field_size_limit(sys.maxsize)


class RowError(ValueError):
    """Raised when a line is not a row of the columns that the run reads."""


class Rows:
    """Reads rows whose cells a character separates; a cell may be quoted as in RFC 4180, on one line."""

    verbatim = False

    def __init__(self, schema: RecordSchema, columns: Sequence[str], delimiter: str) -> None:
        self._decode = schema.decode
        fields = {field.name: field for field in schema.fields}
        self._columns = [Column(fields.get(name, Field(name))) for name in columns]
        self._names = list(columns)
        self._delimiter = delimiter

    def read(self, line: bytes) -> Any:
        """Return the row as a record; raise HeaderLine when its cells are the columns' names."""
        cells = split_row(line.decode(), self._delimiter)
        if cells == self._names:
            raise HeaderLine
        return self._decode(self._object(cells, Column.in_record))

    def text(self, line: bytes) -> bytes:
        """Return the row as a JSON object; numbers as they were written; a JSON string when it is no row."""
        try:
            return self._object(split_row(line.decode(), self._delimiter), Column.in_key)
        except (ValueError, csv.Error):
            return json_string(line)

    def _object(self, cells: list[str], write: Callable[[Column, str], bytes]) -> bytes:
        if len(cells) != len(self._columns):
            raise RowError(f"Expected {len(self._names)} cells ({', '.join(self._names)}), got {len(cells)}")
        return b"{%b}" % b", ".join(filter(None, map(write, self._columns, cells)))


class Column:
    """A column, and how its cells become the members of a JSON object that the model's schema asks for."""

    def __init__(self, field: Field) -> None:
        self._name = b"%b: " % _json(field.name)
        self._is_boolean = "boolean" in field.types
        self._is_integer = "integer" in field.types and "number" not in field.types
        self._may_be_number = not field.types.isdisjoint(NUMBERS) or not field.types
        self._is_known = bool(field.types)
        self._empty = self._empty_cell(field)

    def in_record(self, cell: str) -> bytes:
        """Return the cell's member of the record, none when it is empty, unless the schema insists on one."""
        if not cell:
            return self._empty
        # a library that can't leave gaps among integers writes them as 1.0
        return self.in_key(cell.strip().removesuffix(".0") if self._is_integer else cell)

    def in_key(self, cell: str) -> bytes:
        """Return the cell's member of the key: a number as it was written, where the schema takes one."""
        if self._may_be_number:
            number = cell.strip() if self._is_known else cell
            if _JSON_NUMBER.fullmatch(number):
                return self._name + number.encode()
        elif self._is_boolean and cell.lower() in _BOOLEANS:
            return self._name + _BOOLEANS[cell.lower()]
        return self._name + _json(cell)

    def _empty_cell(self, field: Field) -> bytes:
        if not field.required or field.types.isdisjoint({"null", "string"}):
            return b""
        return self._name + (b"null" if "null" in field.types else b'""')


@dataclass(frozen=True)
class RowShape:
    """The columns that a row has: the input's, then the prediction's; without any, one cell has it all."""

    input_columns: Sequence[str] = ()
    prediction_columns: Sequence[str] = ()


class FlatRows:
    """Writes a row of the input's values, the prediction's, and on request the error's type and message."""

    def __init__(self, shape: RowShape, *, explain: bool, delimiter: str) -> None:
        self._shape = shape
        self._explain = explain
        self._delimiter = delimiter

    def write(self, keys: Sequence[bytes], predictions: Sequence[bytes | Failure]) -> list[bytes]:
        """Return one row a line; what a spreadsheet would run as a formula is made inert by an apostrophe."""
        return [self._row(*pair) for pair in zip(keys, predictions, strict=True)]

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
    """Return a line's cells; raise RowError when it is blank, csv.Error when its quotes don't fit."""
    if not text or text.isspace():
        raise RowError("The line is blank")
    if '"' not in text:
        return text.split(delimiter)
    return next(csv.reader([text], delimiter=delimiter, strict=True))


def join_row(cells: list[str], delimiter: str) -> bytes:
    """Return cells as one line; line ends inside a cell become spaces, since a record is a line."""
    text = delimiter.join(cells)
    if not text or _NEEDS_QUOTES.search(text) or text.count(delimiter) >= len(cells):
        row = io.StringIO()
        one_line = [_LINE_ENDS.sub(" ", cell) for cell in cells]
        csv.writer(row, delimiter=delimiter, lineterminator="").writerow(one_line)
        text = row.getvalue()
    return text.encode(errors="backslashreplace")


def inert(cell: str) -> str:
    """Return a cell that no spreadsheet runs: with an apostrophe before a formula that is no number."""
    if cell.startswith(_FORMULA_STARTS) and not _ANY_NUMBER.fullmatch(cell):
        return "'" + cell
    return cell


def flat_cells(text: bytes, columns: Sequence[str]) -> list[str]:
    """Return a JSON document as the cells of these columns; what is no object stands in the first of them."""
    if not columns:
        return [_cell_text(text)]
    try:
        values = decode_fields(text)
    except (msgspec.MsgspecError, RecursionError):
        return [_cell_text(text), *[""] * (len(columns) - 1)]
    return [_cell_text(bytes(values.get(name, b"null"))) for name in columns]


def parse_columns(line: bytes, delimiter: str) -> list[str]:
    """Return the column names that a header line holds; raise InputError when it can't be one."""
    try:
        names = split_row(bare(line).decode(), delimiter)
    except (ValueError, csv.Error) as error:
        raise InputError(
            f"The first line of the input is no header: {error}. Name the columns with --columns."
        ) from error
    return check_columns(names)


def check_columns(names: list[str]) -> list[str]:
    """Return column names that are all there and all different; raise InputError otherwise."""
    if not all(names) or len(set(names)) < len(names):
        raise InputError(
            f"The columns {', '.join(map(repr, names))} can't be used: each needs a name of its own. "
            "Name them with --columns a,b,c."
        )
    return names


def _cell_text(text: bytes) -> str:
    """Return a JSON value as a cell: text as it is, nothing for null, anything else as it was written."""
    if text.startswith(b'"'):
        return str(json.loads(text))
    return "" if text == b"null" else text.decode()


def _json(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False).encode(errors="backslashreplace")
