"""What the columns of a fitted scikit-learn estimator hold, as its first steps have learnt it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.pipeline import Pipeline

from model_mapreduce_job.models.adapters.features import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_TEXT_DTYPES = "OUST"


def column_kinds(estimator: Any, names: Sequence[str]) -> Mapping[str, Kind]:
    """Return what each column holds: text where a step has learnt texts from it, else numbers."""
    texts = set(_texts(estimator, names))
    return {name: Kind.TEXT if name in texts else Kind.NUMBER for name in names}


def takes_texts(estimator: Any) -> bool:
    """Return whether an estimator takes texts alone, one a record: its first step counts their words."""
    if type(estimator) is Pipeline:
        return takes_texts(estimator.steps[0][1])
    if hasattr(estimator, "best_estimator_"):
        return takes_texts(estimator.best_estimator_)
    return hasattr(estimator, "build_analyzer")


def used_columns(estimator: Any, names: Sequence[str]) -> list[str]:
    """Return the columns that an estimator looks at: those that its first step drops may be lacking."""
    if hasattr(estimator, "best_estimator_"):  # of a search
        return used_columns(estimator.best_estimator_, names)
    if type(estimator) is Pipeline and hasattr(estimator.steps[0][1], "transformers_"):
        return used_columns(estimator.steps[0][1], names)
    if not hasattr(estimator, "transformers_"):
        return list(names)
    parts = [_chosen(columns, names) for _, part, columns in estimator.transformers_ if part != "drop"]
    used = {name for columns in parts for name in columns}
    return [name for name in names if name in used]


def _texts(step: Any, names: Sequence[str]) -> Iterator[str]:
    """Yield those of the columns that a step takes as text."""
    for part, columns in _parts(step, names):
        yield from _texts(part, columns)
    for name, learnt in zip(names, _learnt(step, names), strict=False):
        if np.asarray(learnt).dtype.kind in _TEXT_DTYPES:
            yield name


def _parts(step: Any, names: Sequence[str]) -> Iterator[tuple[Any, Sequence[str]]]:
    """Yield the parts of a step that see its columns, each with those that it sees."""
    if hasattr(step, "steps"):  # a Pipeline's other steps see what the first one makes
        yield next((part for _, part in step.steps if part not in (None, "passthrough")), None), names
    for _, part, columns in getattr(step, "transformers_", ()):
        yield part, _chosen(columns, names)
    for _, part in getattr(step, "transformer_list", ()):  # a FeatureUnion's
        yield part, names
    if hasattr(step, "best_estimator_"):  # of a search
        yield step.best_estimator_, names
    if getattr(step, "_preprocessor", None) is not None:  # of categories in gradient boosting
        yield step._preprocessor, names  # noqa: SLF001 - scikit-learn has no public name for it


def _learnt(step: Any, names: Sequence[str]) -> Sequence[Any]:
    """Return a value, or values, that a step has learnt from each column, none for most steps."""
    if hasattr(step, "vocabulary_") or hasattr(step, "stop_words"):
        return ["text"] * len(names)
    if hasattr(step, "categories_"):
        return list(step.categories_)
    # an imputer's: what it puts in the place of what is missing
    return list(getattr(step, "statistics_", ()))


def _chosen(columns: Any, names: Sequence[str]) -> list[str]:
    """Return the names that a ColumnTransformer's choice of columns means."""
    if isinstance(columns, str):
        return [columns]
    if isinstance(columns, slice):
        return list(names[columns])
    if np.ndim(columns) == 0:
        return [names[int(columns)]]
    chosen = list(columns)
    if chosen and all(isinstance(each, bool | np.bool_) for each in chosen):
        return [name for name, is_one in zip(names, chosen, strict=True) if is_one]
    return [each if isinstance(each, str) else names[each] for each in chosen]
