"""Golden records from a Parquet file: columns of the input, and columns of the prediction."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.golden_records import GoldenRecord, has_nan
from model_mapreduce_job.formats.prediction_columns import SINGLE, prediction_schema
from model_mapreduce_job.formats.records import ERROR_COLUMNS
from model_mapreduce_job.formats.several_writing import columns_of_model
from model_mapreduce_job.formats.stamp import STAMP_COLUMNS
from model_mapreduce_job.formats.table_values import row_texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model_mapreduce_job.models.contract import MLModel


def golden_rows(data: bytes, name: str, models: Sequence[MLModel]) -> list[GoldenRecord]:
    """Return the golden records of a Parquet file of this name, as the job writes one for these models.

    Raises InputError for a file that can't be read, or has no columns for the predictions of a model.
    """
    try:
        table = pq.read_table(pa.BufferReader(data))
    except (pa.ArrowException, OSError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"--verify {name} can't be read as Parquet: {reason}. Write it again.") from error
    rows = pa.RecordBatch.from_arrays(list(map(_whole, table.columns)), schema=table.schema)
    columns = {
        model.qualified_name: _columns(table.column_names, name, model, is_alone=len(models) == 1)
        for model in models
    }
    texts = row_texts(rows.select(_given(table.column_names, columns)))
    found = {model: _predictions(rows, own) for model, own in columns.items()}
    expected = next(iter(found.values())) if len(models) == 1 else by_name(found)
    return [
        GoldenRecord(text, each, f"row {number:,}")
        for number, (text, each) in enumerate(zip(texts, expected, strict=True), 1)
    ]


def by_name(found: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Return the predictions of several models as a run writes them: an object by their names a record."""
    return [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)]


def _predictions(rows: pa.RecordBatch, columns: Mapping[str, str]) -> list[Any]:
    """Return a model's predictions; columns has by their fields the columns that they are in."""
    predictions = rows.select(list(columns.values()))
    fails = [has_nan(row) for row in predictions.to_pylist()]
    values = (list(json.loads(row).values()) for row in row_texts(predictions))
    return [None if nan else _prediction(list(columns), row) for nan, row in zip(fails, values, strict=True)]


def _whole(column: pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks()
    return pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole


def _columns(there: Sequence[str], name: str, model: MLModel, *, is_alone: bool) -> dict[str, str]:
    """Return by the fields of a model's predictions the columns that they are in."""
    schema = prediction_schema(model.output_schema)
    wanted = [SINGLE] if schema is None else schema.names
    if is_alone:
        named = {each: f"{model.qualified_name}_{each}" for each in wanted}
        found = {each: named[each] if named[each] in there else each for each in wanted}
    else:
        names = columns_of_model(
            model.qualified_name, [] if wanted == [SINGLE] else wanted, (), explain=False
        )
        found = dict(zip(wanted, names, strict=True))
    if lacking := [each for each in found.values() if each not in there]:
        raise InputError(
            f"--verify {name} has no column {', '.join(lacking)} for the predictions of "
            f"{model.qualified_name}. It has {', '.join(there)}."
        )
    return found


def _given(there: Sequence[str], columns: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return the columns of the input: those that are no model's, nor the job's after these."""
    predicted = {each for own in columns.values() for each in own.values()}
    first = min(map(list(there).index, predicted))
    no_input = predicted | _of_the_job(there[first + 1 :], list(columns))
    return [each for each in there if each not in no_input]


def _of_the_job(names: Sequence[str], models: Sequence[str]) -> set[str]:
    """Return those columns that the job writes after a prediction's: an error's and a stamp's."""
    own = {*ERROR_COLUMNS, *STAMP_COLUMNS}
    prefixes = ("", *(f"{model}_" for model in models), *(f"{model}." for model in models))
    return {name for name in names if any(name.removeprefix(prefix) in own for prefix in prefixes)}


def _prediction(names: Sequence[str], values: Sequence[Any]) -> Any:
    if all(value is None for value in values):
        return None  # as the job writes a failure
    return values[0] if list(names) == [SINGLE] else dict(zip(names, values, strict=True))
