"""Model files of LightGBM: the text that Booster.save_model writes."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import lightgbm
import numpy as np
import pyarrow as pa

from model_mapreduce_job.exceptions import ConfigurationError
from model_mapreduce_job.models.adapters.features import Feature, Kind, matrix, spelled_by_lightgbm
from model_mapreduce_job.models.adapters.trained import (
    VALUE,
    Answer,
    Trained,
    classifier_answers,
    single,
    two_classes,
    with_scores,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_FLOAT = pa.float64()
# The names that LightGBM gives to the features of an array.
_NO_NAME = re.compile(r"Column_\d+")
_MULTI_CLASS = {"multiclass", "multiclassova"}


def load(path: Path, _trusted_types: Sequence[str]) -> Trained:
    """Return what a model file of LightGBM takes and answers; raises ConfigurationError for a damaged one."""
    text = path.read_text(encoding="utf-8")
    # of a file that was cut, LightGBM reads the trees that it still has
    if "\nend of trees\n" not in text or "\npandas_categorical:" not in text:
        raise ConfigurationError(f"{path} is cut off: it lacks the end of a LightGBM model. Copy it again.")
    booster = lightgbm.Booster(model_str=text)
    features = _features(booster, text)
    scores = _Scores(booster, _objective(text))
    return Trained(
        features,
        lambda batch: matrix(batch, features),
        partial(_answers, scores),
        named=not all(map(_NO_NAME.fullmatch, booster.feature_name())),
        spelled=spelled_by_lightgbm,
    )


class _Scores:
    """What a booster computes of a matrix of shape (records, features)."""

    def __init__(self, booster: lightgbm.Booster, objective: str) -> None:
        self.objective = objective
        self._booster = booster
        self.class_count = booster.num_model_per_iteration()

    def transformed(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what the objective makes of the raw scores: probabilities, or values."""
        return np.asarray(self._booster.predict(rows, num_threads=1))

    def raw(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the raw scores."""
        return np.asarray(self._booster.predict(rows, raw_score=True, num_threads=1))

    def contributions(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the SHAP values, and in the last column of each class the base value."""
        return np.asarray(self._booster.predict(rows, pred_contrib=True, num_threads=1))


def _answers(scores: _Scores, names: Sequence[str]) -> dict[str, Answer]:
    classes = range(scores.class_count) if scores.objective in _MULTI_CLASS else ()
    return with_scores(_own_answers(scores), scores, names, classes, _FLOAT)


def _own_answers(scores: _Scores) -> dict[str, Answer]:
    """Return the answers that the objective makes of the raw scores."""
    if scores.objective in _MULTI_CLASS:
        return classifier_answers(range(scores.class_count), scores.transformed)
    if scores.objective == "binary":
        return classifier_answers((0, 1), lambda rows: two_classes(scores.transformed(rows)))
    return {VALUE: single(VALUE, scores.transformed, _FLOAT)}


def _objective(text: str) -> str:
    found = re.search(r"^objective=(\S+)", text, re.MULTILINE)
    return found[1] if found else ""


def _features(booster: lightgbm.Booster, text: str) -> tuple[Feature, ...]:
    names = booster.feature_name()
    categories = _categories(booster, text)
    return tuple(_feature(name, categories.get(place)) for place, name in enumerate(names))


def _feature(name: str, categories: tuple[object, ...] | None) -> Feature:
    if not categories:
        return Feature(name)
    kinds = {bool: Kind.BOOLEAN, int: Kind.INTEGER, str: Kind.TEXT}
    return Feature(name, kinds.get(type(categories[0]), Kind.NUMBER), categories=categories)


def _categories(booster: lightgbm.Booster, text: str) -> dict[int, tuple[object, ...]]:
    """Return the categories of those features that were categorical columns of a DataFrame, by place."""
    known = booster.pandas_categorical or []
    found = re.search(r"^\[categorical_feature: ([\d,]*)\]", text, re.MULTILINE)
    places = [int(place) for place in found[1].split(",") if place] if found else []
    return dict(zip(places, map(tuple, known), strict=len(known) == len(places)))
