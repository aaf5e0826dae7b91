"""A column of text, and how its cells become members of the JSON object that a model's schema asks for."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from model_mapreduce_job.formats.cells import is_exact_number, is_finite_number, is_integer, json_number
from model_mapreduce_job.formats.protocols import is_json
from model_mapreduce_job.models.fields import NUMBERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from model_mapreduce_job.formats.rows import Dialect
    from model_mapreduce_job.models.fields import Field

_DOCUMENTS = frozenset({"array", "object"})
_WORDS = ("true", "false")
_BOOLEANS = {"true": b"true", "1": b"true", "false": b"false", "0": b"false"}


class Column:
    """A column: its name, the field that it fills, and how its cells are written as JSON."""

    def __init__(self, name: str, field: Field, dialect: Dialect) -> None:
        self.name = name
        self.field = field
        self._member = b"%b: " % json_text(name)
        self._dialect = dialect
        self._nulls = dialect.null_values | {""}
        self._null = self._empty_cell(field, texts_may_be_empty=False)
        self._empty = self._empty_cell(field, texts_may_be_empty="" not in dialect.null_values)
        self._record_value = self._reading(field.types)

    def in_record(self, cell: str) -> bytes:
        """Return the cell's member of the record, none when it is empty, unless the schema insists on one."""
        if cell in self._nulls:
            return self._null if cell else self._empty
        return self._member + self._record_value(cell)

    def in_key(self, cell: str) -> bytes:
        """Return the cell's member of the key: a number as it was written, where the model takes one."""
        value = self._record_value(cell)
        types = self.field.types
        number = self._dialect.with_point(cell).strip()
        if types & NUMBERS and value == number.encode() and is_finite_number(number):
            return self._member + value
        if not types or types & {"boolean"}:
            return self._member + value
        return self._member + json_text(cell)

    def as_text(self, cell: str) -> bytes:
        """Return the cell's member of the key: the cell's own text, whatever the model takes it for."""
        return self._member + json_text(cell)

    def _reading(self, types: frozenset[str]) -> Callable[[str], bytes]:
        """Return how cells become JSON values of these types."""
        if not types:
            return partial(_unknown, self._dialect)
        if "string" in types:
            return partial(_number_or_text, types, self._dialect)
        return partial(_value, types, self._dialect)

    def _empty_cell(self, field: Field, *, texts_may_be_empty: bool) -> bytes:
        if field.required and "null" in field.types:
            return self._member + b"null"
        if field.required and "string" in field.types and texts_may_be_empty:
            return self._member + b'""'
        return b""


def json_text(text: str) -> bytes:
    """Return a text as a JSON string."""
    return json.dumps(text, ensure_ascii=False).encode(errors="backslashreplace")


def _unknown(dialect: Dialect, cell: str) -> bytes:
    """Return a cell that the model says nothing of: a number where no reader could read it as another."""
    number = dialect.with_point(cell)
    return number.encode() if is_exact_number(number) else json_text(cell)


def _number_or_text(types: frozenset[str], dialect: Dialect, cell: str) -> bytes:
    """Return a cell of a column that takes texts: as something else only if that is all it can be."""
    if "number" in types and is_finite_number(number := dialect.with_point(cell)):
        return number.encode()
    if "integer" in types and is_integer(cell):
        return cell.encode()
    if "boolean" in types and cell.lower() in _WORDS:
        return cell.lower().encode()
    return json_text(cell)


def _value(types: frozenset[str], dialect: Dialect, cell: str) -> bytes:
    """Return a cell of a column that takes no texts."""
    if types & NUMBERS and (number := json_number(dialect.with_point(cell))) is not None:
        return number.encode()
    if "boolean" in types and (word := _BOOLEANS.get(cell.strip().lower())):
        return word
    if types & _DOCUMENTS and cell.lstrip().startswith(("[", "{")) and is_json(cell.encode()):
        return cell.encode()
    return json_text(cell)
