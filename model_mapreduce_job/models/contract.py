"""The model contract: what a class must have to be served."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

REQUIRED_MEMBERS = (
    "display_name",
    "qualified_name",
    "description",
    "input_schema",
    "output_schema",
)


class MLModel(Protocol):
    """A trained model. Nothing needs to inherit from this: a class of this shape is a model.

    Beside these members it has either `version: str`, or `major_version: int` and `minor_version: int`.
    Its __init__(**parameters) loads it. A model with predict_batch may do without predict.
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


def missing_members(model_class: type) -> list[str]:
    """Return the names of the members that a class lacks to be a model, empty when it has them all.

    Members may also be set in __init__ or be properties, so an instance can be given as well.
    """
    missing = [name for name in REQUIRED_MEMBERS if not hasattr(model_class, name)]
    if not any(callable(getattr(model_class, name, None)) for name in ("predict", "predict_batch")):
        missing.append("predict or predict_batch (as a method)")
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
