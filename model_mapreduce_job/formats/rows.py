"""A row of text: its cells apart and together, and the names of its columns."""

from __future__ import annotations

import csv
import io
import re
import sys
from typing import TYPE_CHECKING

import msgspec

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.lines import strip_bom_and_cr
from model_mapreduce_job.formats.text_encodings import UTF_8

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from model_mapreduce_job.models.fields import Field

_NEVER_CLOSED = "A quoted cell is never closed; cells that go over several lines need --quoted_newlines"
_NEEDS_QUOTES = re.compile(r'["\r\n]')

# A quoted cell may be as long as its line, which --max_record_bytes limits; csv's own limit is 128 KiB.
csv.field_size_limit(sys.maxsize)


class RowError(ValueError):
    """Raised when a line is not a row of the columns that the run reads."""


class Dialect(msgspec.Struct, frozen=True):
    """How rows are written: what separates cells, the decimal mark, which texts stand for no value.

    With quoted_newlines a quoted cell may hold line ends, in the input and in the output. encoding is what
    the input was written in; its rows are UTF-8 by now.
    """

    delimiter: str = ","
    decimal: str = "."
    null_values: frozenset[str] = frozenset()
    quoted_newlines: bool = False
    encoding: str = UTF_8

    def with_point(self, cell: str) -> str:
        """Return a cell with a point for its decimal mark; nothing for one with a point that is no mark."""
        if self.decimal == ".":
            return cell
        return "" if "." in cell else cell.replace(self.decimal, ".")


def split_row(text: str, delimiter: str) -> list[str]:
    """Return a line's cells.

    Raises RowError for a blank line, an open quote, and a CR after quoted cells; csv.Error for other quotes.
    """
    if not text or text.isspace():
        raise RowError("The line is blank")
    if '"' not in text:
        return text.split(delimiter)
    try:
        cells = next(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error as error:
        if "end of data" in str(error):
            raise RowError(_NEVER_CLOSED) from error
        raise
    if text.endswith("\r"):  # which csv takes for the row's end, and leaves out
        raise RowError("A carriage return stands after the last cell, outside of quotes")
    return cells


def join_row(cells: list[str], delimiter: str) -> bytes:
    """Return cells as a row, each quoted where it must be."""
    text = delimiter.join(cells)
    if not text or _NEEDS_QUOTES.search(text) or text.count(delimiter) >= len(cells):
        row = io.StringIO()
        csv.writer(row, delimiter=delimiter).writerow(cells)  # its own line end makes it quote others
        text = row.getvalue().removesuffix("\r\n")
    return text.encode(errors="backslashreplace")


def parse_columns(line: bytes, delimiter: str) -> list[str]:
    """Return the column names that a header line holds; raise InputError when it can't be one."""
    try:
        names = split_row(strip_bom_and_cr(line).decode(), delimiter)
    except (ValueError, csv.Error) as error:
        raise InputError(
            f"The first line of the input is no header: {error}. A header has to be one line; without one, "
            "name the columns with --columns."
        ) from error
    return check_columns(
        names,
        "Give them other names in the header; or name them with --columns a,b,c and take the header out, "
        "which would be read as a record.",
    )


def check_columns(names: list[str], advice: str = "Name them with --columns a,b,c.") -> list[str]:
    """Return column names that are all different, and there but for the first; raise InputError otherwise.

    A first column without a name is what pandas writes an index as. advice ends the message.
    """
    if any("\0" in name for name in names):
        raise InputError(
            "A column of the input has a NUL character in its name. Is the input text in UTF-8? "
            "Name the columns with --columns a,b,c."
        )
    if not all(names[1:]) or not any(names) or len(set(names)) < len(names):
        raise InputError(
            f"The columns {', '.join(map(repr, names))} can't be used: each needs a name of its own. {advice}"
        )
    return names


def trimmed_names(names: Sequence[str], fields: Iterable[Field]) -> list[str]:
    """Return column names, without blanks around those that are a field's name only without them."""
    known, there = {name for field in fields for name in field.names}, frozenset(names)
    return [
        name.strip() if name not in known and name.strip() in known and name.strip() not in there else name
        for name in names
    ]
