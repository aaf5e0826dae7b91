"""The columns of plain rows, as Arrow reads them, and which of the rows fit the fields of a model."""

from __future__ import annotations

import math
from threading import Thread
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as pa_csv

from model_mapreduce_job.formats.byte_arrays import text_scalar
from model_mapreduce_job.formats.field_bounds import are_within, columns_within
from model_mapreduce_job.models.arrow_arrays import arrow_array
from model_mapreduce_job.models.columns import ARROW_TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from model_mapreduce_job.formats.text_block import TextBlock
    from model_mapreduce_job.models.plain_fields import PlainColumns, PlainField

_BOOLEANS = arrow_array([False, True], pa.bool_())


def fitting_columns(
    wanted: PlainColumns, table: pa.Table | None, rows: int
) -> tuple[pa.RecordBatch, pa.Array | None]:
    """Return the model's columns, and which rows fit its fields: None where all do."""
    batch = None if table is None else table.combine_chunks().to_batches()[0]
    finite = frozenset() if batch is None else _finite_numbers(wanted.fields, batch)
    if batch is not None and len(finite) == len(wanted.fields):
        found = batch.select(wanted.schema.names).columns
        return pa.RecordBatch.from_arrays(found, schema=wanted.schema), None
    columns = {} if batch is None else dict(zip(batch.schema.names, batch.columns, strict=True))
    arrays, fits = [], None
    for each in wanted.fields:
        array = _column(columns, each, rows)
        own = None if each.name in finite else _fitting(array, each)
        if own is not None:
            fits = own if fits is None else pc.and_(fits, own)
        arrays.append(array)
    return pa.RecordBatch.from_arrays(arrays, schema=wanted.schema), fits


def can_start_threads() -> bool:
    """Return whether a thread can be started: not where a limit of memory or of processes forbids it.

    Arrow's csv reader starts one, though it is asked for none.
    """
    thread = Thread(target=bool)
    try:
        thread.start()
    except RuntimeError:
        return False
    thread.join()
    return True


def read_table(text: bytes, names: Sequence[str], convert: pa_csv.ConvertOptions, delimiter: str) -> pa.Table:
    """Return the cells of rows as Arrow's csv reader finds them; raises ArrowException without a thread."""
    read = pa_csv.ReadOptions(use_threads=False, block_size=len(text) + 1, column_names=list(names))
    parse = pa_csv.ParseOptions(
        delimiter=delimiter,
        quote_char=False,
        double_quote=False,
        escape_char=False,
        newlines_in_values=False,
        ignore_empty_lines=False,
    )
    # open_csv would read by a thread of its own, and wait forever where none can be started
    return pa_csv.read_csv(pa.BufferReader(text), read, parse, convert)


class ChosenLines:
    """Some of the lines of a block, and their places in it."""

    def __init__(self, lines: TextBlock) -> None:
        self.lines = lines
        self._places: NDArray[np.int64] | None = None

    def keep(self, chosen: pa.Array, cells: Sequence[pa.Array] = ()) -> list[pa.Array]:
        """Keep those lines for which a boolean stands; return the cells of these."""
        flags = np.unpackbits(np.frombuffer(chosen.buffers()[1], np.uint8), bitorder="little")
        places = np.flatnonzero(flags[chosen.offset : chosen.offset + len(chosen)])
        self.lines = self.lines.chosen(chosen)
        self._places = places if self._places is None else self._places[places]
        return [array.filter(chosen) for array in cells]

    def others(self, count: int) -> list[int]:
        """Return the places of the lines that were not kept, out of count lines."""
        if self._places is None:
            return []
        is_other = np.ones(count, np.bool_)
        is_other[self._places] = False
        return [int(place) for place in np.flatnonzero(is_other)]


def _finite_numbers(fields: Sequence[PlainField], batch: pa.RecordBatch) -> frozenset[str]:
    """Return the fields of any number, or none, where all of their values are finite: by one look at all."""
    there = frozenset(batch.schema.names)
    names = [each.name for each in fields if _is_any_number(each) and each.name in there]
    if not names:
        return frozenset()
    numbers = batch.select(names).to_tensor(null_to_nan=True).to_numpy()
    return frozenset() if np.isinf(numbers).any() else frozenset(names)


def _is_any_number(each: PlainField) -> bool:
    return each.kind == "number" and each.nullable and not each.bounds and each.choices is None


def _column(columns: Mapping[str, pa.Array], each: PlainField, rows: int) -> pa.Array:
    array = columns.get(each.name)
    if array is None:
        return pa.nulls(rows, ARROW_TYPES[each.kind])
    if each.empty_is_text and array.null_count:
        return array.fill_null(text_scalar(""))
    return array


def _fitting(array: pa.Array, each: PlainField) -> pa.Array | None:
    """Return which values fit their field; None where all do."""
    checks = []
    if array.null_count and not each.nullable:
        checks.append(array.is_valid())
    if each.choices is not None:
        checks.append(pc.is_in(array, arrow_array(list(each.choices), pa.string())))
    if each.kind in {"number", "integer"} and not _within(array, each.bounds):
        checks += [pc.is_finite(array), *columns_within(array, each.bounds)]
    fits = None
    for check in checks:
        valid = pc.fill_null(check, _BOOLEANS[int(each.nullable)])
        fits = valid if fits is None else pc.and_(fits, valid)
    return None if fits is None or pc.all(fits).as_py() else fits


def _within(array: pa.Array, bounds: Mapping[str, float]) -> bool:
    """Return whether the least and the greatest of numbers are finite and in bounds: then all are."""
    ends = [end for end in pc.min_max(array).as_py().values() if end is not None]
    return all(map(math.isfinite, ends)) and are_within(ends, bounds)


def matches(text: pa.Array, expression: str) -> bool:
    """Return whether the one text in an array matches an expression of RE2."""
    return bool(pc.match_substring_regex(text, expression)[0].as_py())
