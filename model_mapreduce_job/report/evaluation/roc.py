"""Areas under ROC curves, from counts in bins that merge."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

# By the number of a bin of probabilities: how many records of it are not of the class, and how many are.
Bins = Mapping[int, tuple[int, int]]

_STEPS = 512
_SMALLEST_EXPONENT = -30


def bin_of(probability: float) -> int:
    """Return the number of the bin that a probability is in; bins rise with it.

    There are 512 between a power of two and the next, from 1e-9 (2**-30) to 0.5, and as many by 1 - p from
    there on: no bin is wider than a 512th of p, or of 1 - p. Below 1e-9, and that close to 1, all are one.
    """
    half = _steps(0.5)
    return _steps(probability) if probability < 0.5 else 2 * half - _steps(1 - probability)  # noqa: PLR2004 - a half


def _steps(probability: float) -> int:
    part, exponent = math.frexp(max(probability, 2.0**_SMALLEST_EXPONENT))
    return _STEPS * (exponent - _SMALLEST_EXPONENT) + int((part - 0.5) * 2 * _STEPS)


def area(bins: Bins) -> tuple[float, float] | None:
    """Return the area under the ROC curve, and by how much it may be wrong; None where a side is empty.

    It is the share of pairs, of a record of the class and one of another, of which the first has the higher
    probability; pairs in one bin count half, and could all have gone either way: half their share is the
    error. Without two different values in a bin the area is exact. Source: J. Hanley and B. McNeil, "The
    meaning and use of the area under a receiver operating characteristic (ROC) curve", Radiology 143, 1982.
    """
    below, higher, ties, positives = 0, 0, 0, 0
    for _, (others, own) in sorted(bins.items()):
        higher += own * below
        ties += own * others
        below, positives = below + others, positives + own
    pairs = below * positives
    return ((2 * higher + ties) / (2 * pairs), ties / (2 * pairs)) if pairs else None


def curve(bins: Bins, most: int = 200) -> list[tuple[float, float]]:
    """Return the ROC curve in `most` points or less: shares of the others, and of the class, from 0 to 1."""
    negatives, positives = (sum(counts[side] for counts in bins.values()) for side in (0, 1))
    points = [(0.0, 0.0)]
    if not (negatives and positives):
        return points
    others = own = 0
    for _, (more_others, more_own) in sorted(bins.items(), reverse=True):
        others, own = others + more_others, own + more_own
        points.append((others / negatives, own / positives))
    return list(_thinned(points, most))


def _thinned(points: list[tuple[float, float]], most: int) -> Iterator[tuple[float, float]]:
    """Yield the first and the last point, and those between that are far enough from the one before."""
    last = points[0]
    yield last
    for point in points[1:-1]:
        if abs(point[0] - last[0]) + abs(point[1] - last[1]) >= 2 / (most - 2):
            last = point
            yield last
    yield points[-1]


def merged_bins(one: Bins, other: Bins) -> Bins:
    """Return the counts of both."""
    nothing = (0, 0)
    return {
        number: (
            one.get(number, nothing)[0] + other.get(number, nothing)[0],
            one.get(number, nothing)[1] + other.get(number, nothing)[1],
        )
        for number in {*one, *other}
    }
