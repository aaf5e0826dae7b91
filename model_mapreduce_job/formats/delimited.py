"""Rows of text: csv and tsv in, csv and tsv out."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.cells import (
    escaped,
    inert,
    is_exact_number,
    is_finite_number,
    is_integer,
    json_number,
)
from model_mapreduce_job.formats.lines import bare
from model_mapreduce_job.formats.protocols import HeaderLine, decode_fields, is_json, json_string
from model_mapreduce_job.formats.records import Failure, one_line
from model_mapreduce_job.models.fields import NUMBERS, Field

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from model_mapreduce_job.models.schemas import RecordSchema

_NEEDS_QUOTES = re.compile(r'["\r\n]')
_DOCUMENTS = frozenset({"array", "object"})
_WORDS = ("true", "false")
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
        fields = {name: field for field in reversed(schema.fields) for name in field.names}
        self._columns = [Column(name, fields.get(name, Field(name))) for name in columns]
        self._names = list(columns)
        self._known = frozenset(columns)
        self._delimiter = delimiter

    def read(self, line: bytes) -> Any:
        """Return the row as a record; raise HeaderLine when its cells are the columns' names."""
        cells = split_row(line.decode(), self._delimiter)
        if cells[0] in self._known and sorted(cells) == sorted(self._names):
            self._check_header(cells)
        return self._decode(self._object(cells, Column.in_record))

    def _check_header(self, cells: list[str]) -> None:
        if cells == self._names:
            raise HeaderLine
        raise InputError(
            f"A header inside the input has the columns {', '.join(cells)}, and the input began with "
            f"{', '.join(self._names)}. Give files with another order of columns as files of their own."
        )

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

    def __init__(self, name: str, field: Field) -> None:
        self._name = b"%b: " % _json(name)
        self._types = field.types
        self._empty = self._empty_cell(field)
        self._record_value = self._reading(field.types)

    def in_record(self, cell: str) -> bytes:
        """Return the cell's member of the record, none when it is empty, unless the schema insists on one."""
        return self._name + self._record_value(cell) if cell else self._empty

    def in_key(self, cell: str) -> bytes:
        """Return the cell's member of the key: a number as it was written, where the model takes one."""
        value = self._record_value(cell)
        is_as_written = value == cell.strip().encode()
        if self._types & NUMBERS and is_as_written and is_finite_number(cell.strip()):
            return self._name + value
        if not self._types or self._types & {"boolean"}:
            return self._name + value
        return self._name + _json(cell)

    def _reading(self, types: frozenset[str]) -> Callable[[str], bytes]:
        """Return how cells become JSON values of these types."""
        if not types:
            return _unknown
        if "string" in types:
            return partial(_number_or_text, types)
        return partial(_value, types)

    def _empty_cell(self, field: Field) -> bytes:
        if not field.required or field.types.isdisjoint({"null", "string"}):
            return b""
        return self._name + (b"null" if "null" in field.types else b'""')


def _unknown(cell: str) -> bytes:
    """Return a cell that the model says nothing of: a number where no reader could read it as another."""
    return cell.encode() if is_exact_number(cell) else _json(cell)


def _number_or_text(types: frozenset[str], cell: str) -> bytes:
    """Return a cell of a column that takes texts: as something else only if that is all it can be."""
    if "number" in types and is_finite_number(cell):
        return cell.encode()
    if "integer" in types and is_integer(cell):
        return cell.encode()
    if "boolean" in types and cell.lower() in _WORDS:
        return cell.lower().encode()
    return _json(cell)


def _value(types: frozenset[str], cell: str) -> bytes:
    """Return a cell of a column that takes no texts."""
    if types & NUMBERS and (number := json_number(cell)) is not None:
        return number.encode()
    if "boolean" in types and (word := _BOOLEANS.get(cell.strip().lower())):
        return word
    if types & _DOCUMENTS and cell.lstrip().startswith(("[", "{")) and is_json(cell.encode()):
        return cell.encode()
    return _json(cell)


@dataclass(frozen=True)
class RowShape:
    """The columns that a row has: the input's, then the prediction's; without any, one cell has it all.

    required has those of the prediction's that none may lack.
    """

    input_columns: Sequence[str] = ()
    prediction_columns: Sequence[str] = ()
    required: frozenset[str] = frozenset()


@dataclass(frozen=True)
class RowStyle:
    """How rows are written: what parts the cells, whether failures are explained, and line ends in a cell."""

    delimiter: str = ","
    explain: bool = False
    quoted_newlines: bool = False


class FlatRows:
    """Writes a row of the input's values, the prediction's, and on request the error's type and message."""

    def __init__(self, shape: RowShape, style: RowStyle) -> None:
        self._shape = shape
        self._style = style

    def checked(self, predictions: Sequence[bytes | Failure]) -> list[bytes | Failure]:
        """Return predictions, with a Failure for each whose fields are not the columns: it would be lost."""
        if not self._shape.prediction_columns:
            return list(predictions)
        return [text if isinstance(text, Failure) else self._checked(text) for text in predictions]

    def write(self, keys: Sequence[bytes], predictions: Sequence[bytes | Failure]) -> list[bytes]:
        """Return one row a line; what a spreadsheet would run as a formula is made inert by an apostrophe."""
        return [self._row(*pair) for pair in zip(keys, predictions, strict=True)]

    def _checked(self, text: bytes) -> bytes | Failure:
        if not text.startswith(b"{"):
            return text
        try:
            names = decode_fields(text).keys()
        except msgspec.MsgspecError:
            return text  # half a surrogate pair: its row has the whole text in one cell
        if names <= set(self._shape.prediction_columns) and self._shape.required <= names:
            return text
        return Failure(
            "PredictionError",
            one_line(
                f"The prediction has the fields {', '.join(names) or 'of none'}, and output_schema has "
                f"{', '.join(self._shape.prediction_columns)}: a row has no other columns"
            ),
        )

    def _row(self, key: bytes, prediction: bytes | Failure) -> bytes:
        cells = flat_cells(key, self._shape.input_columns)
        if isinstance(prediction, Failure):
            cells += flat_cells(b"null", self._shape.prediction_columns)
            error = [prediction.kind, prediction.message]
        else:
            cells += flat_cells(prediction, self._shape.prediction_columns)
            error = ["", ""]
        return self._joined(list(map(inert, cells + error if self._style.explain else cells)))

    def _joined(self, cells: list[str]) -> bytes:
        return join_row(
            cells if self._style.quoted_newlines else list(map(escaped, cells)), self._style.delimiter
        )


def split_row(text: str, delimiter: str) -> list[str]:
    """Return a line's cells; raise RowError when it is blank, csv.Error when its quotes don't fit."""
    if not text or text.isspace():
        raise RowError("The line is blank")
    if '"' not in text:
        return text.split(delimiter)
    return next(csv.reader([text], delimiter=delimiter, strict=True))


def join_row(cells: list[str], delimiter: str) -> bytes:
    """Return cells as a row, each quoted where it must be."""
    text = delimiter.join(cells)
    if not text or _NEEDS_QUOTES.search(text) or text.count(delimiter) >= len(cells):
        row = io.StringIO()
        csv.writer(row, delimiter=delimiter).writerow(cells)  # its own line end makes it quote others
        text = row.getvalue().removesuffix("\r\n")
    return text.encode(errors="backslashreplace")


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
    if any("\0" in name for name in names):
        raise InputError(
            "A column of the input has a NUL character in its name. Is the input text in UTF-8? "
            "Name the columns with --columns a,b,c."
        )
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
