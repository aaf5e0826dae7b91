"""A table's columns as the columns that a model takes, where they show all that its schema asks for."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from model_mapreduce_job.formats.arrow_records import rows_at
from model_mapreduce_job.formats.field_bounds import are_within, columns_within
from model_mapreduce_job.models.arrow_arrays import arrow_array
from model_mapreduce_job.models.arrow_types import is_arrow_schema
from model_mapreduce_job.models.plain_fields import PlainField, plain_columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_QUICK: Final = frozenset({pa.float64(), pa.float32(), pa.int64()})


class ColumnFit:
    """Finds rows that fit a model, and gives them as its columns. fields has what else is asked of some."""

    def __init__(self, schema: pa.Schema, fields: Sequence[PlainField]) -> None:
        self._schema = schema
        self._fields = {field.name: field for field in fields}
        self._takes_any = all(field.nullable and field.type in _QUICK for field in schema) and not any(
            field.bounds or field.choices is not None for field in fields
        )

    @classmethod
    def of(cls, input_schema: Any, schema: pa.Schema) -> ColumnFit | None:
        """Return the fit of an input_schema with these columns; None where columns don't show all of it."""
        if is_arrow_schema(input_schema):
            return cls(schema, ())
        plain = plain_columns(input_schema, schema)
        return None if plain is None else cls(schema, plain.fields)

    def columns(self, rows: pa.RecordBatch) -> tuple[pa.RecordBatch, list[int]] | None:
        """Return the rows that fit, as the model's columns, and the places of those that don't.

        None where that is not to be seen by the columns.
        """
        if self._takes_any and (whole := self._as_it_is(rows)) is not None:
            return whole, []
        try:
            arrays = [self._column(rows, field) for field in self._schema]
        except (pa.ArrowException, KeyError):
            return None
        unfit = [
            mask
            for field, array in zip(self._schema, arrays, strict=True)
            for mask in self._unfit(field, array)
        ]
        fitted = pa.RecordBatch.from_arrays(arrays, schema=self._schema)
        if not unfit:
            return fitted, []
        mask = reduce(pc.or_, unfit)
        good = pc.indices_nonzero(pc.invert(mask)).to_pylist()
        return rows_at(fitted, good), pc.indices_nonzero(mask).to_pylist()

    def _as_it_is(self, rows: pa.RecordBatch) -> pa.RecordBatch | None:
        """Return the columns of rows, where they have the very types; None where it takes a look at each."""
        try:
            found = rows.select(self._schema.names)
        except KeyError:
            return None
        if found.schema.equals(self._schema):
            return found
        if found.schema.types != self._schema.types:
            return None
        return pa.RecordBatch.from_arrays(found.columns, schema=self._schema)

    def _column(self, rows: pa.RecordBatch, field: pa.Field) -> pa.Array:
        if rows.schema.get_field_index(field.name) < 0 and field.nullable:
            return pa.nulls(rows.num_rows, field.type)
        column = rows.column(field.name)
        if not column.type.equals(field.type):
            column = _widened(column, field.type)
        if _holds_text(field.type):
            column.validate(full=True)
        return column

    def _unfit(self, field: pa.Field, column: pa.Array) -> Iterator[pa.Array]:
        """Yield where a column's values don't fit, for each reason for which some don't."""
        if not field.nullable and column.null_count:
            yield pc.is_null(column)
        plain = self._fields.get(field.name)
        if plain is None or (plain.choices is None and _is_within(column, plain.bounds)):
            return
        checks = columns_within(column, plain.bounds)
        if plain.choices is not None:
            checks.append(pc.is_in(column, arrow_array(list(plain.choices), pa.string())))
        for fits in checks:
            if pc.all(fits).as_py() is False:
                yield pc.and_kleene(pc.is_valid(column), pc.invert(fits))


def _is_within(column: pa.Array, bounds: Mapping[str, float]) -> bool:
    """Return whether the least and the greatest number of a column are within bounds: a quick look at all."""
    if not bounds:
        return True
    if column.null_count or not len(column) or column.type not in _QUICK:
        return False
    numbers = np.from_dlpack(column)
    ends = (numbers.min().item(), numbers.max().item())  # NaN, if there is one, and so in no bounds
    return are_within(ends, bounds)


def _widened(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return a column as another type that has each of its values; raises KeyError, or what Arrow does."""
    types = pa.types
    fits = (
        (types.is_floating(kind) and (types.is_integer(column.type) or types.is_floating(column.type)))
        or (types.is_integer(kind) and types.is_integer(column.type))
        or (_is_plain_text(kind) and _is_text(column.type))
    )
    if not fits or (types.is_floating(column.type) and column.type.bit_width > kind.bit_width):
        raise KeyError(str(kind))
    return column.cast(kind)


def _holds_text(kind: pa.DataType) -> bool:
    """Return whether a type has texts in it, at any depth."""
    if pa.types.is_dictionary(kind):
        return _holds_text(kind.value_type)
    inner = [kind.field(place).type for place in range(kind.num_fields)] if pa.types.is_nested(kind) else []
    return _is_text(kind) or any(map(_holds_text, inner))


def _is_text(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return _is_plain_text(kind)


def _is_plain_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
