"""The columns that a trained model takes, by name, and a batch of them as a matrix or a DataFrame."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, TypedDict

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.models.arrow_arrays import arrow_array, floats_of
from model_mapreduce_job.printable import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

_MOST_NAMES = 10
_FLOAT = pa.float64()
# What a Struct's field can't have in its name; a TypedDict takes twice the time to decode.
_NO_FIELD = re.compile(r'["\\\x00-\x1f]')


class Kind(StrEnum):
    """What a feature's values are in a record."""

    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    TEXT = "text"


_TYPES: dict[Kind, tuple[type, pa.DataType]] = {
    Kind.NUMBER: (float, pa.float64()),
    Kind.INTEGER: (int, pa.int64()),
    Kind.BOOLEAN: (bool, pa.bool_()),
    Kind.TEXT: (str, pa.string()),
}


@dataclass(frozen=True, slots=True)
class Feature:
    """A column that a model takes: its name, as the model has it, and what its values are.

    A value may be null where the model takes missing ones. categories has those of a categorical feature, in
    the order of the numbers that the model knows them by; none where any value may come.
    """

    name: str
    kind: Kind = Kind.NUMBER
    nullable: bool = True
    categories: tuple[Any, ...] = ()


def unnamed(count: int, kind: Kind = Kind.NUMBER, *, nullable: bool = True) -> tuple[Feature, ...]:
    """Return features for which a model has no names: the input's columns stand for them, in its order."""
    return tuple(Feature(f"feature {place}", kind, nullable) for place in range(1, count + 1))


def names_in_the_input(
    features: Sequence[Feature], columns: Sequence[str], spelled: Callable[[str], str]
) -> list[str]:
    """Return the names that features have among the input's columns, in the model's order.

    spelled gives a column's name as the model's library writes it into a file. Raises InputError for a
    feature that the input lacks.
    """
    by_spelling = {spelled(column): column for column in reversed(columns)} | {name: name for name in columns}
    if lacking := [feature.name for feature in features if feature.name not in by_spelling]:
        raise InputError(
            f"The model needs {_listed(lacking)}, which the input lacks. It has {_listed(columns)}. "
            "Rename the columns as the model calls them."
        )
    return [by_spelling[feature.name] for feature in features]


def spelled_by_lightgbm(name: str) -> str:
    """Return a column's name as LightGBM has it: with underscores for blanks."""
    return name.replace(" ", "_")


def check_count(names: Sequence[str], count: int, source: str) -> None:
    """Raise InputError unless a model without names of its own takes as many features as there are names."""
    if len(names) != count:
        raise InputError(
            f"The model takes {counted(count, 'feature')}, without names; {source} {len(names)}: "
            f"{_listed(names)}. Name the columns in the model's order: --features a,b,c."
        )


def record_type(name: str, features: Sequence[Feature]) -> Any:
    """Return the type of a model's records: each feature has to be there, null where it may be missing.

    Models of the same features have the very same type, and so can be given the same records.
    """
    return _record_type(name, tuple(features))


@cache
def _record_type(name: str, features: tuple[Feature, ...]) -> Any:
    if any(_NO_FIELD.search(feature.name) for feature in features):
        return TypedDict(name, {feature.name: _python_type(feature) for feature in features})  # type: ignore[operator]  # mypy knows no dynamic ones
    attributes = {f"feature_{place}": feature for place, feature in enumerate(features)}
    fields = [(attribute, _python_type(feature)) for attribute, feature in attributes.items()]
    names = {attribute: feature.name for attribute, feature in attributes.items()}
    return msgspec.defstruct(name, fields, rename=names, frozen=True)


def matrix(batch: pa.RecordBatch, features: Sequence[Feature], dtype: Any = np.float64) -> NDArray[Any]:
    """Return a row of numbers for each record, of shape (records, features); NaN for null.

    A category is the number that the model knows it by, NaN for one that it doesn't know.
    """
    rows = np.empty((batch.num_rows, len(features)), dtype)
    _fill(rows, batch, features)
    return rows


def blank_row(features: Sequence[Feature]) -> pa.RecordBatch:
    """Return a record of which everything is missing, or nothing, to see how much a model answers for one."""
    fillers = {Kind.NUMBER: 0.0, Kind.INTEGER: 0, Kind.BOOLEAN: False, Kind.TEXT: ""}
    arrays = [
        arrow_array([None if feature.nullable else fillers[feature.kind]], _TYPES[feature.kind][1])
        for feature in features
    ]
    return pa.RecordBatch.from_arrays(arrays, [feature.name for feature in features])


def unknown_category(batch: pa.RecordBatch, features: Sequence[Feature]) -> str:
    """Return in words the first value of categorical features that the model doesn't know; else nothing."""
    for feature in features:
        values = _plain(batch.column(feature.name), feature)
        known = pc.is_in(values, value_set=_known(feature), skip_nulls=False)
        strange = values.filter(pc.and_(pc.invert(known), pc.is_valid(values)))
        if len(strange):
            return f"{feature.name} has the category {strange[0].as_py()!r}, which the model doesn't know"
    return ""


def frame(batch: pa.RecordBatch, features: Sequence[Feature]) -> Any:
    """Return a pandas DataFrame of the features, in the model's order; NaN for null numbers."""
    import pandas as pd  # noqa: PLC0415 - only models that take DataFrames need it

    if all(feature.kind is Kind.NUMBER for feature in features):
        # as pandas itself has numbers: thousands of columns one by one take longer than to predict them
        numbers = np.empty((len(features), batch.num_rows)).T
        _fill(numbers, batch, features)
        return pd.DataFrame(numbers, columns=[feature.name for feature in features], copy=False)
    data = {feature.name: _series_values(batch.column(feature.name), feature) for feature in features}
    return pd.DataFrame(data)


def _fill(rows: NDArray[Any], batch: pa.RecordBatch, features: Sequence[Feature]) -> None:
    """Fill an array of shape (records, features) with numbers; those that are such already all at once."""
    names = [feature.name for feature in features]
    columns = batch if batch.schema.names == names else batch.select(names)
    is_plain = [
        kind == _FLOAT and not feature.categories
        for kind, feature in zip(columns.schema.types, features, strict=True)
    ]
    if is_plain and all(is_plain):
        rows[:] = _together(columns)
        return
    places = [place for place, plain in enumerate(is_plain) if plain]
    if places:
        rows[:, places] = _together(columns.select(places))
    for place, feature in enumerate(features):
        if not is_plain[place]:
            rows[:, place] = _numbers(columns.column(place), feature)


def _together(columns: pa.RecordBatch) -> NDArray[np.float64]:
    """Return columns of floats as an array of shape (records, columns), NaN for null."""
    return np.asarray(columns.to_tensor(null_to_nan=True).to_numpy())


def _series_values(column: pa.Array, feature: Feature) -> Any:
    if feature.kind is Kind.NUMBER:
        return _numbers(column, feature)
    return _plain(column, feature).to_pandas()


def _numbers(column: pa.Array, feature: Feature) -> NDArray[Any]:
    if feature.categories:
        values = _plain(column, feature)
        column = pc.index_in(values, value_set=_known(feature))
    elif not pa.types.is_floating(column.type):
        column = _plain(column, feature)
    return floats_of(column if column.type == _FLOAT else column.cast(_FLOAT))


@cache
def _known(feature: Feature) -> pa.Array:
    """Return a feature's categories, as its values are."""
    return arrow_array(list(feature.categories), _TYPES[feature.kind][1])


def _plain(column: pa.Array, feature: Feature) -> pa.Array:
    """Return a column as what the feature's kind says; raises ValueError where that can't be."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    wanted = _TYPES[feature.kind][1]
    if column.type == wanted:
        return column
    try:
        return column.cast(wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ValueError(
            f"{feature.name} is a column of {column.type}, and the model takes a {feature.kind}: {error}"
        ) from error


def _python_type(feature: Feature) -> Any:
    kind = _TYPES[feature.kind][0]
    return kind | None if feature.nullable else kind


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more
