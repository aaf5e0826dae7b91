"""Which rows are plain: those of which two readers can't think differently, as one regular expression says.

A row is plain when it has the right number of cells, and each is a number as JSON writes one, a word for
true or false, a text that needs neither quotes nor escapes, or nothing. What is not plain is for the careful
reader, one line at a time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_mapreduce_job.models.fields import NUMBERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_mapreduce_job.formats.columns_of_cells import Column
    from model_mapreduce_job.formats.rows import Dialect

EXPONENT = "(?:[eE][+-]?[0-9]+)?"
TRUE_WORDS = ("true", "True", "TRUE", "1")
FALSE_WORDS = ("false", "False", "FALSE", "0")
_ASCII = 128
# Python's own strip and isspace know more blanks than RE2: whatever may be one.
_BLANK = r"[\s\x0b\x1c-\x1f\x80-\xff]"


@dataclass(frozen=True)
class PlainRows:
    """What a plain row matches, and what a header or a blank line may match: RE2's expressions, on bytes.

    row and suspect are for a line, which may have the newline of the line before it; rows and suspects are
    for lines together: rows for all of them as a whole, suspects for any. Suspects are more than those lines.
    cells has what each column's cells match.
    """

    row: str
    suspect: str | None
    rows: str
    suspects: str | None
    cells: tuple[str, ...] = ()


def plain_rows(
    columns: Sequence[Column], dialect: Dialect, written: Dialect | None, *, as_json: bool
) -> PlainRows | None:
    """Return which rows are plain; None where the columns or the dialect leave none that can be proven.

    Where rows are written, in a dialect of their own, no cell may begin a formula or need quotes there; with
    as_json none may need an escape in JSON.
    """
    if ord(dialect.delimiter) >= _ASCII or dialect.delimiter.isalnum():
        return None
    texts = _text(dialect, written, as_json=as_json)
    found = [_cell(column, dialect, texts) for column in columns]
    cells = tuple(cell for cell in found if cell is not None)
    if len(cells) < len(columns):
        return None
    row = re.escape(dialect.delimiter).join(f"(?:{cell})" for cell in cells)
    suspect = _suspect(columns, dialect, cells[0])
    return PlainRows(
        f"^\n?(?:{row})$",
        suspect and rf"^\n?{suspect}",
        f"^(?:(?:{row})\n)+$",
        suspect and f"(?m)^{suspect}",
        cells,
    )


def kind_of_column(column: Column) -> str | None:
    """Return what a column's cells are: number, integer, boolean, string or unknown; None for others."""
    types = column.field.types - {"null"}
    if not column.field.types:
        return "unknown"
    if types and types <= NUMBERS:
        return "integer" if types == {"integer"} else "number"
    return next(iter(types)) if types in ({"boolean"}, {"string"}) else None


def may_be_empty(column: Column) -> bool:
    """Return whether a record may lack the column's value, or has another value for an empty cell."""
    field = column.field
    return not field.required or bool(field.types & {"null", "string"}) or not field.types


def exact_number(dialect: Dialect) -> str:
    """Return the expression of a number that every reader of JSON reads alike, if it isn't too long."""
    return rf"-?(?:0|[1-9][0-9]*)(?:{re.escape(dialect.decimal)}[0-9]+)?"


def _cell(column: Column, dialect: Dialect, texts: str) -> str | None:
    kind = kind_of_column(column)
    part, exponent = rf"{re.escape(dialect.decimal)}[0-9]+", EXPONENT
    # without -0, which may be read as an integer or as a float
    number = f"-?[1-9][0-9]*(?:{part})?{exponent}|0{exponent}|-?0{part}{exponent}"
    forms = {
        "number": number,
        "integer": "-?(?:0|[1-9][0-9]{0,17})",
        "boolean": "|".join(TRUE_WORDS + FALSE_WORDS),
        "string": f"{number}|{texts}",
        "unknown": f"{number}|{texts}",
    }
    if kind is None:
        return None
    if not may_be_empty(column):
        return forms[kind]
    is_plain = re.compile(forms["string"]).fullmatch
    nulls = [
        re.escape(null) for null in sorted(dialect.null_values) if is_plain(null.encode().decode("latin-1"))
    ]
    return "|".join([forms[kind], *nulls, ""])


def _text(dialect: Dialect, written: Dialect | None, *, as_json: bool) -> str:
    """Return the expression of a text that is written as it is, in JSON or in a row."""
    delimiters = dialect.delimiter + (written.delimiter if written else "")
    other = rf'{re.escape(delimiters)}"\x00-\x1f' + (r"\\" if as_json else "")
    # a full-width formula begins with the byte ef
    return rf"[^{other}=+\-@\xef][^{other}]*" if written else f"[^{other}]+"


def _suspect(columns: Sequence[Column], dialect: Dialect, first_cell: str) -> str | None:
    """Return what a plain row may match that is a header or blank; None where no plain row can be either."""
    found = []
    delimiter = re.escape(dialect.delimiter)
    if len(columns) == 1 or dialect.delimiter.isspace():
        found.append(f"(?:{_BLANK}|{delimiter})*$")
    names = [column.name.strip() for column in columns]
    if kind_of_column(columns[0]) in {"string", "unknown"} or any(
        re.fullmatch(first_cell, name) for name in names
    ):
        choices = "|".join(re.escape(name) for name in names)
        found.append(f"{_BLANK}*(?:{choices}){_BLANK}*(?:{delimiter}|$)")
    return f"(?:{'|'.join(found)})" if found else None
