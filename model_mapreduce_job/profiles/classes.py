"""The mean of each field of numbers by predicted class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from model_mapreduce_job.formats.encoding import predictions_of
from model_mapreduce_job.profiles.categories import short
from model_mapreduce_job.profiles.numbers import sums_of_rows
from model_mapreduce_job.profiles.profile import Mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from model_mapreduce_job.profiles.number_rows import NumberRows
    from model_mapreduce_job.profiles.profile import Profile


def add_by_class(profile: Profile, texts: Sequence[bytes], numbers: NumberRows, rate: int) -> None:
    """Add records' numbers to a profile, by the classes in the texts of their predictions."""
    if not numbers.names:
        return
    by_text: dict[bytes, list[int]] = {}
    for place, text in enumerate(texts):
        by_text.setdefault(text, []).append(place)
    places: dict[str, list[int]] = {}
    for prediction, own in zip(predictions_of(list(by_text)), by_text.values(), strict=True):
        if (kind := class_in(prediction)) is not None:
            places.setdefault(kind, []).extend(own)
    for kind, own in places.items():
        _add(profile.of_class(kind), numbers.names, numbers.rows[:, own], rate)


def class_in(prediction: Any) -> str | None:
    """Return the class that a prediction names: its first text, boolean or whole number; None without one."""
    if isinstance(prediction, dict):
        return next(filter(None, map(class_in, prediction.values())), None)
    if isinstance(prediction, bool | int):
        return str(prediction).lower()
    return short(prediction) or None if isinstance(prediction, str) else None


def _add(means: dict[str, Mean], names: Sequence[str], rows: NDArray[np.float64], rate: int) -> None:
    is_finite = np.isfinite(rows)
    counts = is_finite.sum(axis=1).tolist()
    totals = sums_of_rows(np.where(is_finite, rows, 0.0)).tolist()
    for name, count, total in zip(names, counts, totals, strict=True):
        means.setdefault(name, Mean()).merge(Mean(count * rate, total * rate))
