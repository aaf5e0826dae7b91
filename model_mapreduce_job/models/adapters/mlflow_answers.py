"""What an MLflow model answers: by its signature, or else as it answers a record of nothing."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from model_mapreduce_job.models.adapters.features import Feature, blank_row
from model_mapreduce_job.models.adapters.trained import VALUE, Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from model_mapreduce_job.models.adapters.mlflow_inputs import Inputs

_ARROW = {
    "string": pa.string(),
    "boolean": pa.bool_(),
    "integer": pa.int64(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
}
_UNKNOWN = (pa.field(VALUE, pa.float64()),)


def answer_of(model: Any, inputs: Inputs, names: Sequence[str]) -> Answer:
    """Return the one answer of a model of mlflow.pyfunc, with the fields of its outputs.

    names has those of the columns that it is given, which are all that is known of some.
    """
    outputs = model.metadata.get_output_schema()
    features = inputs.features or tuple(map(Feature, names))
    fields = _first_fields(model, inputs, features) if outputs is None else _output_fields(outputs)
    return Answer(fields, lambda rows: _values(_columns(model.predict(rows)), fields))


def _output_fields(outputs: Any) -> tuple[pa.Field, ...]:
    """Return the fields of a signature's outputs: `value` for one without a name."""
    if not outputs.is_tensor_spec():
        without = _several(VALUE, len(outputs.inputs))
        return tuple(
            pa.field(column.name or name, _ARROW.get(getattr(column.type, "name", ""), pa.float64()))
            for column, name in zip(outputs.inputs, without, strict=True)
        )
    fields: list[pa.Field] = []
    for tensor in outputs.inputs:
        width = max(int(tensor.shape[1]), 1) if len(tensor.shape) > 1 else 1
        kind = pa.string() if tensor.type.kind in "OUS" else pa.from_numpy_dtype(tensor.type)
        fields += [pa.field(name, kind) for name in _several(tensor.name or VALUE, width)]
    return tuple(fields)


def _first_fields(model: Any, inputs: Inputs, features: Sequence[Feature]) -> tuple[pa.Field, ...]:
    """Return the fields of the answer for a record of zeros; one number where the model has none for it."""
    with suppress(Exception):  # whatever its code raises
        zeros = [replace(feature, nullable=False) for feature in features]
        answers = model.predict(inputs.prepare(blank_row(zeros)))
        names, columns = _columns(answers)
        names = names or _several(VALUE, len(columns))
        may_be_floats = isinstance(answers, list)
        kinds = [_kind(column, may_be_floats=may_be_floats) for column in columns]
        return tuple(map(pa.field, names, kinds)) or _UNKNOWN
    return _UNKNOWN


def _kind(column: NDArray[Any], *, may_be_floats: bool) -> pa.DataType:
    """Return the type of a column's values; other rows of Python's own integers may be floats."""
    if column.dtype.kind in "US" or (column.dtype.kind == "O" and isinstance(column[0], str)):
        return pa.string()
    if column.dtype.kind in "iu":
        return pa.float64() if may_be_floats else pa.int64()
    return pa.from_numpy_dtype(column.dtype) if column.dtype.kind in "fb" else pa.float64()


def _columns(answers: Any) -> tuple[list[str] | None, list[NDArray[Any]]]:
    """Return the columns of what a model has answered, and their names, where they have some."""
    if isinstance(answers, list) and answers and isinstance(answers[0], Mapping):
        answers = {name: [row[name] for row in answers] for name in answers[0]}
    if hasattr(answers, "columns"):
        answers = {str(name): answers.iloc[:, place] for place, name in enumerate(answers.columns)}
    if not isinstance(answers, Mapping):
        return None, _apart(answers)
    parts = {str(name): _apart(values) for name, values in answers.items()}
    names = [each for name, part in parts.items() for each in _several(name, len(part))]
    return names, [column for part in parts.values() for column in part]


def _apart(values: Any) -> list[NDArray[Any]]:
    """Return the columns of an array with a row for each record."""
    table = np.asarray(values)
    return list(table.reshape(len(table), -1).T)


def _several(name: str, count: int) -> list[str]:
    return [name] if count == 1 else [f"{name}_{place}" for place in range(1, count + 1)]


def _values(
    found: tuple[list[str] | None, list[NDArray[Any]]], fields: Sequence[pa.Field]
) -> list[NDArray[Any]]:
    """Return the column of each field; raises ValueError where the answer has other ones."""
    names, columns = found
    wanted = [field.name for field in fields]
    if names is not None and set(names) == set(wanted):
        return [columns[names.index(name)] for name in wanted]
    if names is None and len(columns) == len(fields):
        return columns
    answered = ", ".join(names or _several(VALUE, len(columns)))
    raise ValueError(
        f"the model answered {answered}, and its signature, or its answer for a record of zeros, has "
        f"{', '.join(wanted)}"
    )
