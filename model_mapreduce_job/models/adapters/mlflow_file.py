"""Model directories of MLflow, of any flavour, by mlflow.pyfunc. Loading one can run any code."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import yaml

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.models.adapters.features import Feature, Kind, frame
from model_mapreduce_job.models.adapters.trained import VALUE, Answer, Examples, Trained

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # MLflow warns of classes of its own
    import mlflow.pyfunc

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_KINDS = {"string": Kind.TEXT, "boolean": Kind.BOOLEAN, "integer": Kind.INTEGER, "long": Kind.INTEGER}
_ARROW = {
    "string": pa.string(),
    "boolean": pa.bool_(),
    "integer": pa.int64(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
}


def load(path: Path, _trusted_types: Sequence[str]) -> Trained:
    """Return what a model directory takes and answers; raises what MLflow raises."""
    model = mlflow.pyfunc.load_model(str(path))
    inputs = model.metadata.get_input_schema()
    answers = {VALUE: _answer(model)}
    if inputs is None or inputs.is_tensor_spec():
        return Trained((), lambda batch: batch.to_pandas(), lambda _: answers, named=False)
    features, types = _features(inputs), _types(inputs)
    return Trained(
        features,
        lambda batch: frame(batch, features).astype(types),
        lambda _: answers,
        examples=lambda directory: [_input_example(directory, [feature.name for feature in features])],
    )


def _input_example(directory: Path, features: Sequence[str]) -> Examples:
    """Return the input example of a model directory; raises InputError where it has none of columns."""
    info = yaml.safe_load((directory / "MLmodel").read_bytes()) if (directory / "MLmodel").exists() else {}
    saved = info.get("saved_input_example_info") or {}
    if saved.get("type") != "dataframe":
        raise InputError(
            f"--verify {directory} is no MLflow model with an input_example of columns. "
            "Save the model with one."
        )
    table = json.loads((directory / saved["artifact_path"]).read_bytes())
    columns = dict(zip(table["columns"], zip(*table["data"], strict=True), strict=True))
    return Examples("input_example", [columns[name] for name in features])


def _features(inputs: Any) -> tuple[Feature, ...]:
    # of the kinds that pandas keeps in arrays without nulls, MLflow refuses missing values
    return tuple(
        Feature(column.name, _kind(column), nullable=not column.required or _kind(column) is Kind.NUMBER)
        for column in inputs.inputs
    )


def _kind(column: Any) -> Kind:
    return _KINDS.get(getattr(column.type, "name", ""), Kind.NUMBER)


def _types(inputs: Any) -> dict[str, Any]:
    """Return the NumPy types of columns that MLflow takes in no other, even without a loss."""
    names = {"integer": np.int32, "float": np.float32}
    return {
        column.name: names[column.type.name]
        for column in inputs.inputs
        if getattr(column.type, "name", "") in names
    }


def _answer(model: Any) -> Answer:
    outputs = model.metadata.get_output_schema()
    fields = _output_fields(outputs)

    def compute(rows: Any) -> Sequence[Any]:
        answers = model.predict(rows)
        if hasattr(answers, "columns"):
            return [answers[name] for name in answers.columns]
        table = np.asarray(answers)
        return list(table.reshape(len(table), -1).T)

    return Answer(fields, compute)


def _output_fields(outputs: Any) -> tuple[pa.Field, ...]:
    """Return the fields of a signature's outputs: `value` for one without a name."""
    if outputs is None:
        return (pa.field(VALUE, pa.float64()),)
    if outputs.is_tensor_spec():
        (tensor,) = outputs.inputs
        width = tensor.shape[1] if len(tensor.shape) > 1 else 1
        kind = pa.string() if tensor.type.kind in "OUS" else pa.from_numpy_dtype(tensor.type)
        names = [VALUE] if width == 1 else [f"{VALUE}_{place}" for place in range(1, width + 1)]
        return tuple(pa.field(name, kind) for name in names)
    return tuple(
        pa.field(column.name or VALUE, _ARROW.get(getattr(column.type, "name", ""), pa.float64()))
        for column in outputs.inputs
    )
