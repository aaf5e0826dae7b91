"""Fitted estimators of scikit-learn, and others with its conventions, from a file of any kind."""

from __future__ import annotations

import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from sklearn.base import is_classifier, is_regressor
from sklearn.pipeline import Pipeline

from model_mapreduce_job.exceptions import ConfigurationError
from model_mapreduce_job.models.adapters.estimator_columns import column_kinds, takes_texts, used_columns
from model_mapreduce_job.models.adapters.features import (
    Feature,
    Kind,
    frame,
    matrix,
    spelled_by_lightgbm,
    unnamed,
)
from model_mapreduce_job.models.adapters.trained import (
    LABEL,
    RAW,
    VALUE,
    Answer,
    Trained,
    as_written,
    by_class,
    classifier_answers,
    label_type,
    several,
    single,
    values,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray


# Whether a model has columns of categories, by its library; CatBoost's has no names as scikit-learn has them.
_CATEGORIES: dict[str, Callable[[Any], Any]] = {
    "xgboost": lambda estimator: "c" in (estimator.get_booster().feature_types or ()),
    "lightgbm": lambda estimator: estimator.booster_.pandas_categorical,
    "catboost": lambda _: True,
}
_OWN_WAY = {
    "xgboost": "save_model('model.ubj')",
    "lightgbm": "booster_.save_model('model.txt')",
    "catboost": "save_model('model.cbm')",
}


def trained_estimator(estimator: Any, path: Path) -> Trained:
    """Return what a fitted estimator takes and answers.

    Raises ConfigurationError for an object that predicts nothing.
    """
    if not callable(getattr(estimator, "predict", None)):
        raise ConfigurationError(
            f"{path} holds a {type(estimator).__name__}, which has no predict. "
            "Name the file of a fitted estimator or Pipeline."
        )
    _check_categories(estimator, path)
    transformed, last = _last_step(estimator)
    answers = _answers(last)
    if takes_texts(estimator):
        text = Feature("text", Kind.TEXT, nullable=False)
        return Trained(
            (text,), lambda batch: transformed(batch.column(0).to_pylist()), lambda _: answers, named=False
        )
    names = getattr(estimator, "feature_names_in_", None)
    if names is None:
        features = unnamed(int(getattr(estimator, "n_features_in_", 0)))
        return Trained(
            features,
            lambda batch: transformed(matrix(batch, list(map(Feature, batch.schema.names)))),
            lambda _: answers,
            named=False,
        )
    kinds = column_kinds(estimator, list(map(str, names)))
    features = tuple(Feature(name, kinds[name]) for name in used_columns(estimator, list(kinds)))
    return Trained(
        features,
        lambda batch: transformed(frame(batch, features)),
        lambda _: answers,
        spelled=spelled_by_lightgbm if hasattr(estimator, "booster_") else as_written,
    )


def _check_categories(estimator: Any, path: Path) -> None:
    """Raise ConfigurationError for a model of another library whose categories a pickle doesn't hand on."""
    library = type(estimator).__module__.partition(".")[0]
    found = _CATEGORIES.get(library)
    if found is not None and found(estimator):
        raise ConfigurationError(
            f"{path} holds a {type(estimator).__name__}, whose categories a pickle doesn't hand on. "
            f"Write it as a model file of {library}: {_OWN_WAY[library]}."
        )


def _last_step(estimator: Any) -> tuple[Callable[[Any], Any], Any]:
    """Return what a Pipeline's first steps make of rows, and its last step, which is asked for all answers.

    Each of a Pipeline's own methods would transform the rows anew.
    """
    if type(estimator) is Pipeline and len(estimator) > 1:
        return estimator[:-1].transform, estimator[-1]
    return lambda rows: rows, estimator


def _answers(estimator: Any) -> dict[str, Answer]:
    classes = getattr(estimator, "classes_", ())
    if is_classifier(estimator) and isinstance(classes, list):
        return {LABEL: _labels(estimator, classes)}
    if is_classifier(estimator) and np.ndim(classes) == 1:
        return _classifier(estimator)
    if is_regressor(estimator):
        return {VALUE: _values(estimator)}
    answers = {LABEL: single(LABEL, lambda rows: np.asarray(estimator.predict(rows)), pa.int64())}
    if hasattr(estimator, "decision_function"):
        answers[RAW] = single(RAW, lambda rows: np.asarray(estimator.decision_function(rows)), pa.float64())
    return answers


def _classifier(estimator: Any) -> dict[str, Answer]:
    classes = np.asarray(estimator.classes_)
    answers: dict[str, Answer] = {LABEL: single(LABEL, _asked_by(estimator.predict), label_type(classes))}
    if hasattr(estimator, "predict_proba"):
        answers = classifier_answers(
            classes.tolist(), _asked_by(estimator.predict_proba), _asked_by(estimator.predict)
        )
    if hasattr(estimator, "decision_function"):
        scores = _asked_by(estimator.decision_function)
        two = len(classes) == 2  # noqa: PLR2004 - two classes share one score
        answers[RAW] = (
            single(RAW, scores, pa.float64())
            if two
            else by_class(RAW, classes.tolist(), scores, pa.float64())
        )
    return answers


def _asked_by(method: Callable[[Any], Any]) -> Callable[[Any], NDArray[Any]]:
    return lambda rows: np.asarray(method(rows))


def _labels(estimator: Any, classes: list[Any]) -> Answer:
    """Return the answer of a classifier with several targets, each with classes of its own."""
    kinds = [label_type(np.asarray(each)) for each in classes]
    return several(LABEL, _asked_by(estimator.predict), kinds)


def _values(estimator: Any) -> Answer:
    count = int(getattr(estimator, "n_outputs_", 1))
    with suppress(Exception), warnings.catch_warnings():  # one that takes no numbers alone
        warnings.simplefilter("ignore")  # of columns without their names
        count = np.asarray(estimator.predict(np.zeros((1, estimator.n_features_in_)))).size
    return values(_asked_by(estimator.predict), count, pa.float64())
