"""Model files of XGBoost: JSON and UBJSON, as Booster.save_model writes them."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import xgboost

from model_mapreduce_job.exceptions import ConfigurationError
from model_mapreduce_job.models.adapters.features import (
    Feature,
    Kind,
    blank_row,
    matrix,
    unknown_category,
    unnamed,
)
from model_mapreduce_job.models.adapters.trained import (
    LABEL,
    VALUE,
    Answer,
    Trained,
    classifier_answers,
    once,
    single,
    two_classes,
    values,
    warn_if_other,
    with_scores,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_FLOAT = pa.float32()
_KINDS = {"c": Kind.TEXT, "i": Kind.BOOLEAN}
# The end of a file says the version; in UBJSON each of its numbers is an `i` and a byte.
_JSON_VERSION = re.compile(rb'"version"\s*:\s*\[(\d+),\s*(\d+),\s*(\d+)\]')
_UBJ_VERSION = re.compile(rb"version\[#L.{8}i(.)i(.)i(.)", re.DOTALL)
_TAIL_BYTES = 200


def load(path: Path, _trusted_types: Sequence[str]) -> Trained:
    """Return what a model file of XGBoost takes and answers; raises XGBoostError for a damaged one."""
    _check(path)
    booster = xgboost.Booster(model_file=path)
    booster.set_param({"nthread": 1})
    features = _features(booster)
    scores = _Scores(booster, features)
    return Trained(features, scores.prepare, partial(_answers, scores), named=bool(booster.feature_names))


class _Scores:
    """What a booster computes of a matrix of shape (records, features)."""

    def __init__(self, booster: xgboost.Booster, features: Sequence[Feature]) -> None:
        self._booster = booster
        self._features = features
        self._categorical = [feature for feature in features if feature.categories]
        config = json.loads(booster.save_config())["learner"]
        self.objective = str(config["objective"]["name"])
        self.class_count = int(config["learner_model_param"]["num_class"])
        self._in_place = config["gradient_booster"]["name"] != "gblinear"
        self._rounds = _rounds(booster)
        # several targets, or quantiles
        one = self.raw(self.prepare(blank_row(features)))
        self.target_count = 1 if self.class_count else one.size

    def prepare(self, batch: pa.RecordBatch) -> NDArray[np.float32]:
        """Return the matrix of a batch; raises ValueError for a category that the model doesn't know."""
        if strange := unknown_category(batch, self._categorical):
            raise ValueError(strange)
        return matrix(batch, self._features, np.float32)

    def transformed(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what the objective makes of the raw scores: probabilities, or values."""
        return self._predict(rows, margin=False)

    def raw(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the raw scores."""
        return self._predict(rows, margin=True)

    def contributions(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the SHAP values, and in the last column the base value."""
        data = self._matrix(rows)
        return np.asarray(self._booster.predict(data, pred_contribs=True, iteration_range=self._rounds))

    def _predict(self, rows: NDArray[np.float32], *, margin: bool) -> NDArray[np.float32]:
        if self._in_place:
            kind = "margin" if margin else "value"
            return np.asarray(
                self._booster.inplace_predict(rows, predict_type=kind, iteration_range=self._rounds)
            )
        data = self._matrix(rows)
        return np.asarray(self._booster.predict(data, output_margin=margin, iteration_range=self._rounds))

    def _matrix(self, rows: NDArray[np.float32]) -> xgboost.DMatrix:
        booster = self._booster
        return xgboost.DMatrix(
            rows, feature_names=booster.feature_names, feature_types=booster.feature_types, nthread=1
        )


def _rounds(booster: xgboost.Booster) -> tuple[int, int]:
    """Return which trees to use: as XGBClassifier does, those up to the best round of early stopping."""
    attributes = booster.attributes()
    if "scikit_learn" in attributes and "best_iteration" in attributes:
        return 0, int(attributes["best_iteration"] or 0) + 1
    return 0, 0


def _answers(scores: _Scores, names: Sequence[str]) -> dict[str, Answer]:
    classes = range(scores.class_count) if scores.objective.startswith("multi:") else ()
    if scores.target_count > 1:
        own = {VALUE: values(scores.transformed, scores.target_count, _FLOAT)}
        return with_scores(own, scores, names, range(1, scores.target_count + 1), _FLOAT)
    return with_scores(_own_answers(scores), scores, names, classes, _FLOAT)


def _own_answers(scores: _Scores) -> dict[str, Answer]:
    """Return the answers that the objective makes of the raw scores, computed once for all of them."""
    transformed = once(scores.transformed)
    if scores.objective == "multi:softprob":
        return classifier_answers(range(scores.class_count), transformed, dtype=_FLOAT)
    if scores.objective == "binary:logistic":
        return classifier_answers(
            (0, 1),
            lambda rows: two_classes(transformed(rows)),
            # as XGBClassifier.predict has it: 1 where its probability is over a half
            lambda rows: (transformed(rows) > 0.5).astype(np.int64),  # noqa: PLR2004 - see above
            _FLOAT,
        )
    if scores.objective in {"multi:softmax", "binary:hinge"}:
        label = single(LABEL, lambda rows: transformed(rows).astype(np.int64), pa.int64())
        return {LABEL: label}
    return {VALUE: values(transformed, 1, _FLOAT)}


def _features(booster: xgboost.Booster) -> tuple[Feature, ...]:
    if not booster.feature_names:
        return unnamed(booster.num_features())
    categories = _categories(booster)
    types = booster.feature_types or ["float"] * len(booster.feature_names)
    return tuple(
        _feature(name, kind, categories.get(name, ()))
        for name, kind in zip(booster.feature_names, types, strict=True)
    )


def _feature(name: str, kind: str, categories: tuple[Any, ...]) -> Feature:
    if kind == "c" and not (categories and isinstance(categories[0], str)):
        # numbers, or a file of a version that doesn't say which category has which number
        return Feature(name, Kind.INTEGER, categories=categories)
    return Feature(name, _KINDS.get(kind, Kind.NUMBER), categories=categories)


def _categories(booster: xgboost.Booster) -> dict[str, tuple[Any, ...]]:
    if not hasattr(booster, "get_categories") or "c" not in (booster.feature_types or ()):
        return {}
    found = booster.get_categories(export_to_arrow=True).to_arrow() or ()
    return {name: _whole(name, values) for name, values in found if values is not None}


def _whole(name: str, values: pa.Array) -> tuple[Any, ...]:
    """Return a feature's categories; raises ConfigurationError where XGBoost has cut them.

    XGBoost 3.2 counts the characters of a category and keeps as many bytes: of what is not ASCII, too few.
    """
    if pa.types.is_string(values.type):
        values = values.cast(pa.binary())
    try:
        return tuple(value.decode() if isinstance(value, bytes) else value for value in values.to_pylist())
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"The model file has cut the categories of {name}: some versions of XGBoost do that where they "
            "hold other characters than ASCII. Train it with categories in ASCII, or as numbers."
        ) from error


def _check(path: Path) -> None:
    """Raise ConfigurationError for a file that was cut; warn of one of another version."""
    content = path.read_bytes()
    written = _version(content)
    if not (written or content.rstrip().endswith(b"}")) or (content[:2] == b"{L" and not written):
        # XGBoost itself ends the process that reads such a file
        raise ConfigurationError(f"{path} is cut off: it lacks the end of an XGBoost model. Copy it again.")
    if written:
        warn_if_other("XGBoost", written, xgboost.__version__, path)


def _version(content: bytes) -> str:
    """Return the version that a file's end says, nothing where it says none."""
    tail = content[-_TAIL_BYTES:]
    if found := _JSON_VERSION.search(tail):
        return b".".join(found.groups()).decode()
    if found := _UBJ_VERSION.search(tail):
        return ".".join(str(number[0]) for number in found.groups())
    return ""
