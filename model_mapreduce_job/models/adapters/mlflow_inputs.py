"""What an MLflow model takes: by its signature, or else by what the model of its library knows itself."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from model_mapreduce_job.exceptions import ConfigurationError
from model_mapreduce_job.models.adapters.features import (
    Feature,
    Kind,
    frame,
    matrix,
    spelled_by_lightgbm,
    unnamed,
)
from model_mapreduce_job.models.adapters.trained import as_written

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import pyarrow as pa

_KINDS = {
    "string": Kind.TEXT,
    "boolean": Kind.BOOLEAN,
    "integer": Kind.INTEGER,
    "long": Kind.INTEGER,
    "float": Kind.NUMBER,
    "double": Kind.NUMBER,
}
# The NumPy types of columns that MLflow takes in no other, even without a loss.
_TYPES = {"integer": np.int32, "float": np.float32}
_TENSORS = {"f": Kind.NUMBER, "i": Kind.INTEGER, "u": Kind.INTEGER, "b": Kind.BOOLEAN}
_TEXTS = "OUS"
_MOST_DIMENSIONS = 2
# What libraries call the features of an array.
_NO_NAME = re.compile(r"\d+|Column_\d+|feature \d+")


@dataclass(frozen=True, slots=True)
class Inputs:
    """The features that a model takes, and what makes of a batch of them what it is given.

    Without names the input's columns stand for them, in its order; without any features all of them do.
    spelled gives a column's name as the model has it.
    """

    features: tuple[Feature, ...]
    prepare: Callable[[pa.RecordBatch], Any]
    named: bool
    spelled: Callable[[str], str] = as_written


def inputs_of(model: Any, path: Path) -> Inputs:
    """Return what a model of mlflow.pyfunc takes.

    Raises ConfigurationError for a signature of anything but columns.
    """
    schema = model.metadata.get_input_schema()
    if schema is None:
        return _of_its_library(model)
    if schema.is_tensor_spec():
        return _of_tensors(schema.inputs, path)
    for column in schema.inputs:
        if getattr(column.type, "name", "") not in _KINDS:
            raise ConfigurationError(
                f"{path} takes {column.name or 'a column'} of the type {column.type}, which a model file "
                "gets none of. Serve it by a class of your own."
            )
    return _of_columns(schema.inputs)


def _of_columns(columns: Sequence[Any]) -> Inputs:
    named = all(column.name for column in columns)
    features = tuple(_feature(column, place) for place, column in enumerate(columns, 1))
    types = {
        feature.name: _TYPES[column.type.name]
        for feature, column in zip(features, columns, strict=True)
        if column.type.name in _TYPES
    }
    return Inputs(features, lambda batch: frame(batch, features).astype(types), named)


def _feature(column: Any, place: int) -> Feature:
    kind = _KINDS[column.type.name]
    # of the kinds that pandas keeps in arrays without nulls, MLflow refuses missing values
    return Feature(column.name or f"feature {place}", kind, not column.required or kind is Kind.NUMBER)


def _of_tensors(tensors: Sequence[Any], path: Path) -> Inputs:
    """Return the inputs of a signature of arrays: one of a matrix, or one a column."""
    widths = [_width(tensor, path) for tensor in tensors]
    if len(tensors) == 1 and not tensors[0].name:
        (tensor,), (width,) = tensors, widths
        features = unnamed(width, _tensor_kind(tensor), nullable=tensor.type.kind == "f")
        return Inputs(features, partial(_as_matrix, tensor), named=False)
    if set(widths) != {1}:
        raise ConfigurationError(
            f"{path} takes several arrays, of which some have more columns than one. Serve it by a class of "
            "your own."
        )
    columns = tuple(Feature(each.name, _tensor_kind(each), each.type.kind == "f") for each in tensors)
    return Inputs(columns, partial(_as_arrays, tensors), named=True)


def _width(tensor: Any, path: Path) -> int:
    """Return how many columns an array has; 0 where it may have any number."""
    shape = tensor.shape
    if len(shape) > _MOST_DIMENSIONS or (tensor.type.kind not in _TENSORS and tensor.type.kind not in _TEXTS):
        raise ConfigurationError(
            f"{path} takes an array of the shape {shape} and type {tensor.type}, which records have no "
            "columns for. Serve it by a class of your own."
        )
    return max(int(shape[1]), 0) if len(shape) == _MOST_DIMENSIONS else 1


def _tensor_kind(tensor: Any) -> Kind:
    return _TENSORS.get(tensor.type.kind, Kind.TEXT)


def _as_matrix(tensor: Any, batch: pa.RecordBatch) -> Any:
    kind = _tensor_kind(tensor)
    features = [Feature(name, kind) for name in batch.schema.names]
    if kind is Kind.TEXT:
        rows = frame(batch, features).to_numpy(tensor.type)
    else:
        rows = matrix(batch, features, tensor.type)
    return rows if len(tensor.shape) == _MOST_DIMENSIONS else rows.reshape(-1)


def _as_arrays(tensors: Sequence[Any], batch: pa.RecordBatch) -> dict[str, Any]:
    return {
        each.name: _as_matrix(each, batch.select([each.name])).reshape(-1, *each.shape[1:])
        for each in tensors
    }


def _of_its_library(model: Any) -> Inputs:
    """Return the inputs of a model without a signature: a DataFrame of the columns that it knows itself."""
    features, spelled = _known_features(model)
    if not features:
        return Inputs((), lambda batch: frame(batch, list(map(Feature, batch.schema.names))), named=False)
    named = not all(map(_NO_NAME.fullmatch, (feature.name for feature in features)))
    return Inputs(features, lambda batch: frame(batch, features), named, spelled)


def _known_features(model: Any) -> tuple[tuple[Feature, ...], Callable[[str], str]]:
    """Return the features of the model that MLflow has wrapped, none if unknown, and how it spells them."""
    with suppress(Exception):  # a function, or a model of a library that knows none
        raw = model.get_raw_model()
        library = type(raw).__module__.partition(".")[0]
        return _FEATURES.get(library, _of_estimator)(raw), _SPELLED.get(library, as_written)
    return (), as_written


def _of_catboost(raw: Any) -> tuple[Feature, ...]:
    from model_mapreduce_job.models.adapters.catboost_file import features_of  # noqa: PLC0415 - CatBoost's

    return features_of(raw)


def _of_lightgbm(raw: Any) -> tuple[Feature, ...]:
    names = raw.feature_name_ if hasattr(raw, "feature_name_") else raw.feature_name()
    return tuple(map(Feature, names))


def _of_session(raw: Any) -> tuple[Feature, ...]:
    (matrix_of_all,) = raw.get_inputs()
    return unnamed(int(matrix_of_all.shape[1]))


def _of_estimator(raw: Any) -> tuple[Feature, ...]:
    """Return the features of what has the conventions of scikit-learn, and of XGBoost's Booster."""
    names = getattr(raw, "feature_names_in_", None)
    names = getattr(raw, "feature_names", None) if names is None else names
    if names is None:
        return unnamed(raw.num_features() if hasattr(raw, "num_features") else int(raw.n_features_in_))
    if not type(raw).__module__.startswith("sklearn."):
        return tuple(map(Feature, names))
    from model_mapreduce_job.models.adapters.estimator_columns import column_kinds  # noqa: PLC0415 - scikit-learn's

    return tuple(Feature(name, kind) for name, kind in column_kinds(raw, list(map(str, names))).items())


_FEATURES: dict[str, Callable[[Any], tuple[Feature, ...]]] = {
    "catboost": _of_catboost,
    "lightgbm": _of_lightgbm,
    "onnxruntime": _of_session,
}
_SPELLED = {"lightgbm": spelled_by_lightgbm}
