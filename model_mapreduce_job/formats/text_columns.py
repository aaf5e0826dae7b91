"""JSON texts of a text input's rows as columns of a table: each of its cells as the text that it is."""

from __future__ import annotations

import json
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from model_mapreduce_job.formats.byte_arrays import byte_array, text_scalar
from model_mapreduce_job.formats.protocols import decode_fields
from model_mapreduce_job.models.arrow_arrays import arrow_array

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NO_OBJECT = (msgspec.MsgspecError, RecursionError)


class TextColumns:
    """Makes columns with these names of JSON texts; what is no object stands in the first of them.

    row() says what each text gives; all that are objects of single values are read at once.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._decoder = _decoder(names)
        self._getters = [attrgetter(f"f{place}") for place, _ in enumerate(names)]

    def of(self, keys: Sequence[bytes]) -> list[pa.Array]:
        """Return the columns of texts."""
        if self._decoder is None:
            rows_of_cells = list(map(self.row, keys))
            places = range(len(self._names))
            return [arrow_array([row[place] for row in rows_of_cells], pa.string()) for place in places]
        try:
            rows = self._decoder.decode_lines(b"\n".join(keys))
            columns = [list(map(bytes, map(get, rows))) for get in self._getters]
        except _NO_OBJECT:
            return self._with_others(keys)
        if len(rows) != len(keys) or (len(columns) == 1 and b"" in columns[0]):
            return self._with_others(keys)
        return list(map(_column, columns))

    def row(self, key: bytes) -> list[str | None]:
        """Return the text of each column's cell."""
        try:
            values = decode_fields(key)
        except _NO_OBJECT:
            return [_text(key), *[None] * (len(self._names) - 1)]
        if len(self._names) == 1 and self._names[0] not in values:
            return [_text(key)]
        return [_text(bytes(values[name])) if name in values else None for name in self._names]

    def _with_others(self, keys: Sequence[bytes]) -> list[pa.Array]:
        """Return the columns of texts some of which are no objects, or such without a cell."""
        cells = [self._cells(key) for key in keys]
        others = {place: self.row(keys[place]) for place, row in enumerate(cells) if not row}
        return [self._merged(cells, others, number) for number, _ in enumerate(self._names)]

    def _merged(
        self, cells: Sequence[list[bytes]], others: Mapping[int, list[str | None]], number: int
    ) -> pa.Array:
        read = iter(_column([row[number] for row in cells if row]).to_pylist())
        values = [others[place][number] if place in others else next(read) for place in range(len(cells))]
        return arrow_array(values, pa.string())

    def _cells(self, key: bytes) -> list[bytes]:
        """Return the JSON of a row's cells; nothing where row() has to say what they are."""
        try:
            row = self._decoder.decode(key) if self._decoder else None
        except _NO_OBJECT:
            return []
        cells = [bytes(get(row)) for get in self._getters]
        return [] if cells == [b""] else cells


def _decoder(names: Sequence[str]) -> msgspec.json.Decoder[Any] | None:
    """Return what decodes objects into their fields' JSON; None for names that it can't have."""
    fields: list[Any] = [(f"f{place}", msgspec.Raw, msgspec.Raw(b"")) for place, _ in enumerate(names)]
    rename = {f"f{place}": name for place, name in enumerate(names)}
    try:
        return msgspec.json.Decoder(msgspec.defstruct("Row", fields, rename=rename))
    except ValueError:
        return None


def _column(cells: list[bytes]) -> pa.Array:
    """Return JSON values, or nothing, as texts: all at once where none has an escape."""
    if b"\\" not in b"".join(cells):
        try:
            return _plain(byte_array(cells).cast(pa.string()))
        except pa.ArrowException:  # no UTF-8
            pass
    return arrow_array([_text(cell) if cell else None for cell in cells], pa.string())


def _plain(cells: pa.Array) -> pa.Array:
    is_text, unquoted = pc.starts_with(cells, '"'), pc.utf8_slice_codeunits(cells, 1, -1)
    if pc.all(is_text).as_py():
        return unquoted
    is_null = pc.or_(pc.equal(cells, text_scalar("null")), pc.equal(cells, text_scalar("")))
    return pc.if_else(is_null, pa.nulls(1, pa.string())[0], pc.if_else(is_text, unquoted, cells))


def _text(value: bytes) -> str | None:
    if value.startswith(b'"'):
        return str(json.loads(value)).encode(errors="backslashreplace").decode()
    return None if value == b"null" else value.decode()
