"""Arrow's columns into fields' sketches, without Python's values in between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from model_mapreduce_job.formats.table_values import held_values
from model_mapreduce_job.models.arrow_arrays import of_numpy
from model_mapreduce_job.profiles.fields import name_of
from model_mapreduce_job.profiles.number_rows import NumberRows
from model_mapreduce_job.profiles.values import Values

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from model_mapreduce_job.profiles.field import Field
    from model_mapreduce_job.profiles.fields import Fields
    from model_mapreduce_job.profiles.picked_texts import PickedTexts
    from model_mapreduce_job.profiles.picking import Picked

_VIEWS: Final = {pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}


def add_batch(
    fields: Fields, batch: pa.RecordBatch, picked: Picked, texts: PickedTexts | None = None
) -> NumberRows:
    """Add all columns of a batch, and return the numbers of the records that were picked.

    Where texts are given, those that were picked are added to these; else all of them are looked at.
    """
    numbers: dict[str, NDArray[np.float64]] = {}
    missing: list[int] = []
    for name, array in zip(map(name_of, batch.schema.names), batch.columns, strict=True):
        if _is_of_numbers(array.type):
            fields.of(name)  # in their order
            numbers[name] = _floats(array)
            missing.append(array.null_count)
        elif texts and _is_of_texts(array.type):
            chosen = array if picked.places is None else array.take(of_numpy(picked.places))
            texts.add(name, held_values(chosen.drop_null()), len(array) - array.null_count)
        else:
            add_array(fields, name, array, picked)
    return NumberRows.added(fields, numbers, missing, picked)


def add_array(fields: Fields, name: str, array: pa.Array, picked: Picked) -> None:
    """Add a column's values to the field of its name; those of a struct to fields of their own as well."""
    array = _plain(array)
    if pa.types.is_struct(array.type):
        if (outer := fields.of(name)) is not None:
            outer.add_others((len(array) - array.null_count) * picked.weight)
        for place, inner in enumerate(array.flatten()):
            add_array(fields, f"{name}.{name_of(array.type.field(place).name)}", inner, picked)
        return
    field = fields.of(name)
    if field is None:
        return
    if array.null_count:
        is_valid = np.from_dlpack(pc.cast(array.is_valid(), pa.uint8())).astype(np.bool_)
        picked = picked.among(is_valid)
        array = array.drop_null()
    if len(array):
        _add_valid(fields, name, field, array, picked)


def _add_valid(fields: Fields, name: str, field: Field, array: pa.Array, picked: Picked) -> None:
    kind, types = array.type, pa.types
    if types.is_boolean(kind):
        true = int(array.true_count)
        field.add_booleans(true, len(array) - true)
    elif _is_of_numbers(kind):
        field.add_numbers(_floats(array), picked)
    elif _is_of_texts(kind):
        counts = pc.value_counts(array)
        texts = held_values(counts.field("values"))
        field.add_texts(dict(zip(texts, counts.field("counts").to_pylist(), strict=True)), picked)
    elif types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        field.add_lists(_floats(pc.list_value_length(array)), picked)
    else:
        fields.add(name, Values(held_values(array), picked))


def _plain(array: pa.Array) -> pa.Array:
    """Return a column without what few of Arrow's functions take: a dictionary, a view."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return array.cast(_VIEWS[array.type]) if array.type in _VIEWS else array


def _is_of_numbers(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))


def _is_of_texts(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _floats(array: pa.Array) -> NDArray[np.float64]:
    """Return numbers as an array, NaN for null."""
    bits, data = array.buffers()
    places = slice(array.offset, array.offset + len(array))
    # what Arrow offers takes several times as long, and to_numpy() would import pandas
    floats = np.frombuffer(data or b"", array.type.to_pandas_dtype())[places].astype(np.float64)
    if array.null_count:
        is_valid = np.unpackbits(np.frombuffer(bits, np.uint8), bitorder="little")[places]
        floats[is_valid == 0] = np.nan
    return floats
