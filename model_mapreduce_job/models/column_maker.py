"""Decoded records as the columns that a model is given."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
import pyarrow as pa

from model_mapreduce_job.models.arrow_arrays import arrow_array, float_columns
from model_mapreduce_job.models.arrow_maps import as_pairs, has_maps
from model_mapreduce_job.models.record_values import rows_of, split_of
from model_mapreduce_job.models.validators import ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_mapreduce_job.models.record_values import Split

Values: TypeAlias = list[Any]

Make: TypeAlias = Callable[..., pa.Array]

_NO_ROOM = (pa.ArrowException, TypeError, ValueError, OverflowError)
_SHOWN_CHARACTERS = 60
# Values after which pyarrow.array(), quicker by 0.03 us each, has saved what its import of pandas takes.
_PANDAS_PAYS_AFTER = 10_000_000
# From how many columns on making them all at once is quicker than each by itself.
_MANY_COLUMNS = 100
_BINARY = (
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_binary_view,
    pa.types.is_fixed_size_binary,
)
# What Arrow has types of its own for, beside those of JSON.
_OWN = (bytes, dt.datetime, dt.date, dt.time, dt.timedelta, Decimal)


class ColumnMaker:
    """Makes batches of one schema from decoded records of any kind."""

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema
        self._splits: dict[type, Split] = {}
        self._values = 0
        floats = [field.name for field in schema if field.type == pa.float64()]
        self._floats = floats if len(floats) >= _MANY_COLUMNS else []
        self._rows: dict[type, Any] = {}

    def __call__(self, records: list[Any]) -> pa.RecordBatch:
        """Return the columns of records; raises ValidationError for a value that has no room in its column.

        Raises TypeError for records of several types, and for such as have no fields.
        """
        kinds = set(map(type, records))
        if len(kinds) > 1:
            raise TypeError("records of several types have no columns in common")
        kind = next(iter(kinds), None)
        known = self._float_columns(kind, records) if kind else {}
        if len(known) == len(self.schema):
            return pa.RecordBatch.from_arrays(list(known.values()), schema=self.schema)
        columns = self._split_of(kind)(records) if kind else [[] for _ in self.schema]
        make = self._quicker(len(records))
        arrays = [
            known[field.name] if field.name in known else _array(values, field, make)
            for values, field in zip(columns, self.schema, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _float_columns(self, kind: type, records: list[Any]) -> dict[str, pa.Array]:
        """Return those columns that can be made all at once, where there are very many."""
        if not self._floats:
            return {}
        if kind not in self._rows:
            self._rows[kind] = rows_of(kind, self._floats)
        rows = self._rows[kind]
        made = rows and float_columns(rows(records), len(self._floats))
        return dict(zip(self._floats, made, strict=True)) if made else {}

    def _quicker(self, records: int) -> Make:
        self._values += records * len(self.schema)
        has_pandas = "pandas" in sys.modules or self._values > _PANDAS_PAYS_AFTER
        return pa.array if has_pandas else arrow_array

    def _split_of(self, kind: type) -> Split:
        if kind not in self._splits:
            self._splits[kind] = split_of(kind, self.schema.names)
        return self._splits[kind]


def _array(values: Values, field: pa.Field, make: Make) -> pa.Array:
    kind = field.type
    if has_maps(kind):
        values = [as_pairs(value, kind) for value in values]
    # Arrow cuts what is after a float's point, and turns one that is too large into anything
    if not (pa.types.is_integer(kind) and float in set(map(type, values))):
        with suppress(*_NO_ROOM):  # with more care they may fit
            return make(values, kind)
    try:
        return make([_plain(value, kind) for value in values], kind)
    except _NO_ROOM as error:
        shown = f"{values[0]!r:.{_SHOWN_CHARACTERS}}" if len(values) == 1 else "a value"
        raise ValidationError(f"A column of {kind} has no room for {shown} - at `$.{field.name}`") from error


def _plain(value: Any, kind: pa.DataType) -> Any:
    """Return a value as Arrow takes it: a number for a number, text for what JSON has as text."""
    if value is None or value is msgspec.UNSET:
        return None
    if pa.types.is_floating(kind) and type(value) is int:
        return float(value)
    if pa.types.is_integer(kind) and type(value) is float and value.is_integer():
        return int(value)
    own = _OWN if any(map(_is_own, _leaves(kind))) else ()
    return msgspec.to_builtins(value, builtin_types=own, enc_hook=_dumped)


def _leaves(kind: pa.DataType) -> Iterator[pa.DataType]:
    """Yield the types of single values in a type."""
    if pa.types.is_struct(kind):
        for place in range(kind.num_fields):
            yield from _leaves(kind.field(place).type)
    elif pa.types.is_map(kind):
        yield from (*_leaves(kind.key_type), *_leaves(kind.item_type))
    elif pa.types.is_nested(kind):
        yield from _leaves(kind.value_type)
    else:
        yield kind


def _is_own(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_temporal(kind) or types.is_decimal(kind) or any(holds(kind) for holds in _BINARY))


def _dumped(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    raise TypeError(f"Arrow has no type for a {type(value).__name__}")
