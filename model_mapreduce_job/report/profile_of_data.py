"""The profile of a data set, such as a model was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.byte_arrays import text_scalar
from model_mapreduce_job.profiles.arrow_columns import add_batch
from model_mapreduce_job.profiles.picking import Picked
from model_mapreduce_job.profiles.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NULL: Final = pa.nulls(1, pa.string())[0]


def profile_of_data(path: Path) -> Profile:
    """Return the profile of all records of a Parquet, csv or ldjson file; raises InputError."""
    profile = Profile(about={"data": str(path)})
    try:
        for batch in _batches(path):
            _refuse_same_names(path, batch.schema.names)
            profile.records += batch.num_rows
            add_batch(profile.inputs, batch, Picked())
    except (OSError, pa.ArrowException) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise InputError(f"The data {path} can't be read: {reason.rstrip('.')}.") from error
    return profile


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    ending = path.suffix.lower()
    if ending == ".parquet":
        from pyarrow.parquet import ParquetFile  # noqa: PLC0415 - other files need none of it

        with ParquetFile(path) as file:
            yield from file.iter_batches()
    elif ending == ".csv":
        yield from _csv(path).to_batches()
    elif ending in {".ldjson", ".jsonl", ".ndjson"}:
        yield from _json(path).to_batches()
    else:
        raise InputError(f"The data {path} is of no known kind. Name a .parquet, .csv or .ldjson file.")


def _csv(path: Path) -> pa.Table:
    """Return a csv file's table as a run reads it: an empty cell is no value, a time is its own text."""
    from pyarrow import csv  # noqa: PLC0415 - as above

    options = csv.ReadOptions(use_threads=False)
    table = csv.read_csv(path, options)
    if texts := {field.name: pa.string() for field in _with_times(table.schema)}:
        table = csv.read_csv(path, options, convert_options=csv.ConvertOptions(column_types=texts))
    for place, field in enumerate(table.schema):
        if pa.types.is_binary(field.type):
            raise InputError(
                f"The data {path} can't be read: its column {field.name} is not UTF-8. Write it in UTF-8."
            )
        if pa.types.is_string(field.type):
            column = table.column(place)
            cells = pc.if_else(pc.equal(column, text_scalar("")), _NULL, column)
            table = table.set_column(place, field.name, cells)
    return table


def _json(path: Path) -> pa.Table:
    """Return a file's lines of JSON as a table, in which a time is its own text, as it is in a run."""
    from pyarrow import json  # noqa: PLC0415 - as above

    options = json.ReadOptions(use_threads=False)
    table = json.read_json(path, options)
    if fields := _with_times(table.schema):
        texts = pa.schema([field.with_type(_without_times(field.type)) for field in fields])
        table = json.read_json(path, options, json.ParseOptions(explicit_schema=texts))
    return table


def _with_times(schema: pa.Schema) -> list[pa.Field]:
    return [field for field in schema if _without_times(field.type) != field.type]


def _without_times(kind: pa.DataType) -> pa.DataType:
    """Return a type with texts in the place of dates and times, at any depth."""
    if pa.types.is_temporal(kind):
        return pa.string()
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_without_times(field.type)) for field in kind])
    return pa.list_(_without_times(kind.value_type)) if pa.types.is_list(kind) else kind


def _refuse_same_names(path: Path, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"The data {path} has several columns called {name!r}. Rename them.")
