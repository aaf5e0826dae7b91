"""A field's distribution as bars of a small chart, with a baseline's beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from model_mapreduce_job.report.drift import points_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from model_mapreduce_job.profiles.field import Field
    from model_mapreduce_job.profiles.numbers import Points

_BINS: Final = 20
_TEXTS: Final = 8


@dataclass(frozen=True)
class Bar:
    """One bar: what it is of, its share of the values, and the baseline's, where there is one."""

    label: str
    share: float
    before: float | None = None


def bars_of(field: Field, baseline: Field | None = None) -> list[Bar]:
    """Return a field's bars: of 20 ranges of numbers, or of the 8 most frequent texts, or none."""
    points = points_of(field)
    if points is not None:
        return list(_of_numbers(points, points_of(baseline) if baseline else None))
    if field.texts:
        before = baseline.texts.counts() if baseline and baseline.texts else None
        return list(_of_texts(field.texts.counts(), before))
    return []


def _of_numbers(points: Points, baseline: Points | None) -> Iterator[Bar]:
    ends = [one.values[[0, -1]] for one in (points, baseline) if one is not None]
    low, high = float(np.min(ends)), float(np.max(ends))
    edges = _between(low, high) if low < high else np.array([low, low])
    shares = _shares(points, edges)
    befores = _shares(baseline, edges) if baseline is not None else [None] * len(shares)
    for start, end, share, before in zip(edges, edges[1:], shares, befores, strict=False):
        yield Bar(f"{start:.4g} to {end:.4g}", share, before)


def _between(low: float, high: float) -> np.ndarray:
    if np.isfinite(high - low):
        return np.linspace(low, high, _BINS + 1)
    return np.linspace(low / 2, high / 2, _BINS + 1) * 2  # further apart than floats can say


def _shares(points: Points, edges: np.ndarray) -> list[float]:
    sums = points.up_to(edges)
    sums[0] = 0.0
    found: list[float] = np.diff(sums).tolist()
    return found


def _of_texts(counts: Mapping[str, int], before: Mapping[str, int] | None) -> Iterator[Bar]:
    total, total_before = sum(counts.values()), sum((before or {}).values())
    for text in list(counts)[:_TEXTS]:
        share_before = None if not before else before.get(text, 0) / max(1, total_before)
        yield Bar(text, counts[text] / max(1, total), share_before)
