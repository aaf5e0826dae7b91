"""Model files of CatBoost: the .cbm that CatBoost.save_model writes."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

import catboost
import numpy as np
import pyarrow as pa

from model_mapreduce_job.models.adapters.features import Feature, Kind, blank_row, frame, matrix
from model_mapreduce_job.models.adapters.trained import (
    VALUE,
    Answer,
    Trained,
    classifier_answers,
    values,
    warn_if_other,
    with_scores,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_FLOAT = pa.float64()
_VERSION = re.compile(r"Branch: tags/v(\S+)")
_KINDS = {
    "Poisson": "Exponent",
    "Tweedie": "Exponent",
    "RMSEWithUncertainty": "RMSEWithUncertainty",
}
_SEVERAL_LABELS = {"MultiLogloss", "MultiCrossEntropy"}
_NO_NAME = re.compile(r"\d+")


def load(path: Path, _trusted_types: Sequence[str]) -> Trained:
    """Return what a model file of CatBoost takes and answers; raises CatBoostError for a damaged one."""
    model = catboost.CatBoost()
    model.load_model(str(path))
    _warn_of_version(model, path)
    features = features_of(model)
    scores = _Scores(model, features)
    is_named = not all(map(_NO_NAME.fullmatch, model.feature_names_))
    return Trained(features, scores.prepare, partial(_answers, scores), named=is_named)


class _Scores:
    """What a model computes of the rows of a batch."""

    def __init__(self, model: catboost.CatBoost, features: Sequence[Feature]) -> None:
        self._model = model
        self._features = features
        self._names = list(model.feature_names_)
        self._texts = list(model.get_text_feature_indices())
        self._categories = list(model.get_cat_feature_indices())
        loss = str(model.get_param("loss_function") or "").partition(":")[0]
        is_of_labels = loss in _SEVERAL_LABELS
        self.classes = [] if is_of_labels else list(getattr(model, "classes_", ()))
        # what CatBoostRegressor's own predict returns
        self._kind = "Probability" if is_of_labels else _KINDS.get(loss, "RawFormulaVal")
        self.target_count = 1 if self.classes else self.value(self.prepare(blank_row(features))).size

    def prepare(self, batch: pa.RecordBatch) -> catboost.Pool:
        """Return the rows as CatBoost takes them."""
        if not (self._texts or self._categories):
            return catboost.Pool(matrix(batch, self._features, np.float32), feature_names=self._names)
        return catboost.Pool(
            frame(batch, self._features),
            cat_features=self._categories,
            text_features=self._texts,
        )

    def probabilities(self, rows: catboost.Pool) -> NDArray[Any]:
        """Return the probability of each class."""
        return self._predict(rows, "Probability")

    def label(self, rows: catboost.Pool) -> NDArray[Any]:
        """Return the class of each row."""
        return self._predict(rows, "Class").reshape(-1)

    def raw(self, rows: catboost.Pool) -> NDArray[Any]:
        """Return the raw scores."""
        return self._predict(rows, "RawFormulaVal")

    def value(self, rows: catboost.Pool) -> NDArray[Any]:
        """Return what the model's own predict returns; of several labels, the probability of each."""
        return self._predict(rows, self._kind)

    def contributions(self, rows: catboost.Pool) -> NDArray[Any]:
        """Return the SHAP values, and in the last column of each class the base value."""
        return np.asarray(self._model.get_feature_importance(rows, type="ShapValues", thread_count=1))

    def _predict(self, rows: catboost.Pool, kind: str) -> NDArray[Any]:
        return np.asarray(self._model.predict(rows, prediction_type=kind, thread_count=1))


def _answers(scores: _Scores, names: Sequence[str]) -> dict[str, Answer]:
    many: Sequence[Any] = scores.classes if len(scores.classes) > 2 else ()  # noqa: PLR2004 - two classes share one score
    if scores.classes:
        own = classifier_answers(scores.classes, scores.probabilities, scores.label)
    else:
        own = {VALUE: values(scores.value, scores.target_count, _FLOAT)}
        many = range(1, scores.target_count + 1) if scores.target_count > 1 else ()
    return with_scores(own, scores, names, many, _FLOAT)


def features_of(model: catboost.CatBoost) -> tuple[Feature, ...]:
    """Return the columns that a model takes."""
    # CatBoost takes NaN for a missing number, and nothing for a missing category or text
    texts = {*model.get_text_feature_indices(), *model.get_cat_feature_indices()}
    return tuple(
        Feature(name, Kind.TEXT, nullable=False) if place in texts else Feature(name)
        for place, name in enumerate(model.feature_names_)
    )


def _warn_of_version(model: catboost.CatBoost, path: Path) -> None:
    found = _VERSION.search(dict(model.get_metadata().items()).get("catboost_version_info", ""))
    if found:
        warn_if_other("CatBoost", found[1], catboost.__version__, path)
