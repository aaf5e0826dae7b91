"""The JSON objects of plain rows, by the column."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from model_mapreduce_job.formats.byte_arrays import joined, text_scalar
from model_mapreduce_job.formats.columns_of_cells import json_text
from model_mapreduce_job.formats.plain_rows import (
    EXPONENT,
    FALSE_WORDS,
    TRUE_WORDS,
    exact_number,
    kind_of_column,
)
from model_mapreduce_job.models.arrow_arrays import arrow_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_mapreduce_job.formats.columns_of_cells import Column
    from model_mapreduce_job.formats.rows import Dialect

# A cell of at most this many characters has no more digits than every reader of JSON keeps.
_SURE_CHARACTERS = arrow_array([15], pa.int64())[0]
_TRUE_WORDS = arrow_array(list(TRUE_WORDS), pa.string())
_WORDS = arrow_array([*TRUE_WORDS, *FALSE_WORDS], pa.string())


class PlainTexts:
    """Writes the cells of columns, as Arrow arrays of strings, as JSON objects: a record's, and its key's.

    With as_texts each cell of a key is a text.
    """

    def __init__(self, columns: Sequence[Column], dialect: Dialect, *, as_texts: bool = False) -> None:
        self._columns = columns
        self._dialect = dialect
        self._as_texts = as_texts
        self._nulls = arrow_array(sorted(dialect.null_values | {""}), pa.string())

    def keys(self, cells: Sequence[pa.Array]) -> pa.Array:
        """Return the objects by which rows come back: a number as it was written, anything else a text.

        Each ends with a newline.
        """
        pieces: list[Any] = []
        for column, array in zip(self._columns, cells, strict=True):
            before, value, after = self._key_value(column, array)
            pieces += [f"{', ' if pieces else '{'}{json_text(column.name).decode()}: {before}", value, after]
        return joined(*_merged([*pieces, "}\n"]))

    def records(self, cells: Sequence[pa.Array]) -> pa.Array:
        """Return the objects of the records, without the members that empty cells have none of.

        Each ends with a newline.
        """
        members = joined(*map(self._member, self._columns, cells))
        return joined("{", pc.binary_replace_slice(members, -2, 0x7FFFFFFF, b""), "}\n")

    def have_gaps(self, cells: Sequence[pa.Array]) -> bool:
        """Return whether a cell is empty or stands for no value: then a record differs from its key."""
        return any(pc.any(self._is_null(array)).as_py() for array in cells)

    def _key_value(self, column: Column, array: pa.Array) -> tuple[str, pa.Array, str]:
        """Return a cell's value with what stands before and after it in each row."""
        kind = kind_of_column(column)
        if kind == "string" or self._as_texts:
            return '"', array, '"'
        if kind == "unknown":
            return "", self._unknown(array), ""
        value = self._value(kind, array)
        gaps = self._is_null(array)
        if not pc.any(gaps).as_py():
            return "", value, ""
        if len(self._nulls) == 1:
            return "", pc.if_else(gaps, text_scalar('""'), value), ""
        # what stands for no value may be a number all the same
        has_value = (
            pc.is_in(array, _WORDS)
            if kind == "boolean"
            else pc.match_substring_regex(array, f"^{exact_number(self._dialect)}{EXPONENT}$")
        )
        return "", pc.if_else(has_value, value, _quoted(array)), ""

    def _member(self, column: Column, array: pa.Array) -> pa.Array:
        kind = kind_of_column(column)
        if kind == "unknown":
            value = self._unknown(array)
        else:
            value = _quoted(array) if kind == "string" else self._value(kind, array)
        name = f"{json_text(column.name).decode()}: "
        member = joined(name, value, ", ")
        gaps = self._is_null(array)
        if not pc.any(gaps).as_py():
            return member
        empty, null = (column.in_record(cell).decode() for cell in ("", self._some_null()))
        instead = pc.if_else(
            pc.equal(array, text_scalar("")), text_scalar(_with_comma(empty)), text_scalar(_with_comma(null))
        )
        return pc.if_else(gaps, instead, member)

    def _some_null(self) -> str:
        return max(self._dialect.null_values, default="")

    def _value(self, kind: str | None, array: pa.Array) -> pa.Array:
        if kind == "boolean":
            return pc.if_else(pc.is_in(array, _TRUE_WORDS), text_scalar("true"), text_scalar("false"))
        return self._with_points(array)

    def _unknown(self, array: pa.Array) -> pa.Array:
        is_number = pc.match_substring_regex(array, f"^{exact_number(self._dialect)}$")
        return pc.if_else(is_number, self._with_points(array), _quoted(array))

    def _with_points(self, array: pa.Array) -> pa.Array:
        if self._dialect.decimal == ".":
            return array
        return pc.replace_substring(array, self._dialect.decimal, ".")

    def _is_null(self, array: pa.Array) -> pa.Array:
        return pc.is_in(array, self._nulls) if len(self._nulls) > 1 else pc.equal(array, text_scalar(""))


def unsure_numbers(array: pa.Array, dialect: Dialect) -> pa.Array:
    """Return which cells of an unknown column are numbers that not every reader of JSON may read alike."""
    is_number = pc.match_substring_regex(array, f"^{exact_number(dialect)}$")
    is_long = pc.greater(pc.binary_length(array), _SURE_CHARACTERS)
    is_zero = pc.match_substring_regex(array, f"^-0(?:{re.escape(dialect.decimal)}0*)?$")
    return pc.or_(pc.and_(is_number, is_long), is_zero)


def _quoted(array: pa.Array) -> pa.Array:
    return joined('"', array, '"')


def _with_comma(member: str) -> str:
    return f"{member}, " if member else ""


def _merged(pieces: Sequence[Any]) -> list[Any]:
    """Return pieces with those that are the same in each row put together."""
    merged: list[Any] = []
    for piece in pieces:
        if isinstance(piece, str) and merged and isinstance(merged[-1], str):
            merged[-1] += piece
        elif not isinstance(piece, str) or piece:
            merged.append(piece)
    return merged
