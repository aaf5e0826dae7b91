"""Model directories of MLflow, of any flavour, by mlflow.pyfunc. Loading one can run any code."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.models.adapters.mlflow_answers import answer_of
from model_mapreduce_job.models.adapters.mlflow_inputs import inputs_of
from model_mapreduce_job.models.adapters.trained import VALUE, Examples, Trained, warn_if_other

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # MLflow warns of classes of its own
    import mlflow.pyfunc
    from mlflow.models import Model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# What flavours say of the library that has written them, and the module that it is.
_VERSIONS = {
    "sklearn_version": "sklearn",
    "xgb_version": "xgboost",
    "lgb_version": "lightgbm",
    "catboost_version": "catboost",
    "onnx_version": "onnx",
}


def load(path: Path, _trusted_types: Sequence[str]) -> Trained:
    """Return what a model directory takes and answers; raises what MLflow raises.

    Raises ConfigurationError for a signature whose inputs are no columns.
    """
    model = mlflow.pyfunc.load_model(str(path))
    _warn_of_versions(model.metadata, path)
    inputs = inputs_of(model, path)
    return Trained(
        inputs.features,
        inputs.prepare,
        lambda names: {VALUE: answer_of(model, inputs, names)},
        named=inputs.named,
        spelled=inputs.spelled,
        examples=lambda directory: [
            _input_example(directory, [feature.name for feature in inputs.features], named=inputs.named)
        ],
    )


def _warn_of_versions(info: Any, path: Path) -> None:
    """Warn of a model that another version of MLflow, or of its flavour's library, has written."""
    written = {"mlflow": info.mlflow_version}
    for flavour in info.flavors.values():
        written |= {_VERSIONS[key]: flavour[key] for key in _VERSIONS.keys() & flavour.keys()}
    for library, version in written.items():
        here = getattr(sys.modules.get(library), "__version__", None)
        if version and here:
            warn_if_other(library, str(version), here, path)


def _input_example(directory: Path, features: Sequence[str], *, named: bool) -> Examples:
    """Return the input example of a model directory; raises InputError where it has none of columns."""
    is_model = (directory / "MLmodel").exists()
    example = Model.load(str(directory)).load_input_example(str(directory)) if is_model else None
    columns = _columns_of(example, features, named=named)
    if columns is None:
        raise InputError(
            f"--verify {directory} is no MLflow model with an input_example of columns. "
            "Save the model with one."
        )
    return Examples("input_example", columns)


def _columns_of(example: Any, features: Sequence[str], *, named: bool) -> list[list[Any]] | None:
    """Return an example's values for each feature; None where it hasn't just those."""
    if hasattr(example, "columns"):
        table = example.astype(object).where(example.notna(), None)
        if named and set(features) <= set(map(str, table.columns)):
            return [table[name].tolist() for name in features]
        example = table.to_numpy()
    if not isinstance(example, np.ndarray) or named:
        return None
    rows = example.reshape(len(example), -1)
    return rows.T.tolist() if len(features) in {0, rows.shape[1]} else None
