"""The model contract: the members that a class needs to be a model."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

_MEMBERS = ("display_name", "qualified_name", "description", "input_schema", "output_schema")
_METHODS = ("predict", "predict_batch", "predict_columns")


class MLModel(Protocol):
    """A trained model. Nothing needs to inherit from this: a class of this shape is a model.

    Beside these members it has either `version: str`, or `major_version: int` and `minor_version: int`.
    Its __init__(**parameters) loads it. A model with predict_batch or predict_columns may do without predict.
    """

    display_name: str
    qualified_name: str
    description: str
    input_schema: Any
    output_schema: Any

    def predict(self, data: Any) -> Any:
        """Return the prediction for one record; raise on bad input."""
        ...


@runtime_checkable
class BatchModel(Protocol):
    """A model that can predict many records at once."""

    def predict_batch(self, data: list[Any]) -> list[Any]:
        """Return one result for each record, in order; an Exception instance marks that record as failed."""
        ...


@runtime_checkable
class ColumnModel(Protocol):
    """A model that predicts many records at once from their columns."""

    def predict_columns(self, batch: Any) -> Any:
        """Return one row for each of a pyarrow.RecordBatch, in order.

        The batch has a column for each field of input_schema, of its type; null for what is missing and may
        be. The answer is an array, or a RecordBatch, Table, DataFrame or mapping of arrays, whose columns are
        the fields of a prediction.
        """
        ...


def missing_members(model_class: type) -> list[str]:
    """Return the names of the members of a model that a class lacks.

    Members may also be set in __init__ or be properties, so an instance can be given as well.
    """
    missing = [name for name in _MEMBERS if not hasattr(model_class, name)]
    if not any(callable(getattr(model_class, name, None)) for name in _METHODS):
        missing.append("predict, predict_batch or predict_columns (as a method)")
    return missing + _missing_version(model_class)


def version_of(model: Any) -> str:
    """Return a model's version: its `version`, or major and minor joined by a dot."""
    if hasattr(model, "version"):
        return str(model.version)
    return f"{model.major_version}.{model.minor_version}"


def _missing_version(model_class: type) -> list[str]:
    if hasattr(model_class, "version"):
        return []
    return [name for name in ("major_version", "minor_version") if not hasattr(model_class, name)]
