"""Sums of floats without any error, which merge in any order."""

from __future__ import annotations

import math
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# The exact sum of these floats is the sum; each is the nearest float to what those before it leave.
ExactSum = tuple[float, ...]

_SPLITTER = 2.0**27 + 1


def exact_sum(values: Iterable[float]) -> ExactSum:
    """Return the exact sum of finite values; equal sums are equal tuples, whatever the values were.

    math.fsum rounds the exact sum of its values once. What that leaves is found by the same means. Source:
    J. Shewchuk, "Adaptive Precision Floating-Point Arithmetic", Discrete & Computational Geometry 18, 1997.
    """
    left = list(values)
    found: ExactSum = ()
    while rounded := math.fsum(left):
        left.append(-rounded)
        found = (*found, rounded)
    return found


def merged_sums(*sums: ExactSum) -> ExactSum:
    """Return the exact sum of sums."""
    return exact_sum(chain.from_iterable(sums))


def square(value: float) -> ExactSum:
    """Return the square of a value between 1e-140 and 1e140 as the exact sum of two floats.

    Source: T. Dekker, "A floating-point technique for extending the available precision", Numerische
    Mathematik 18, 1971.
    """
    product = value * value
    scaled = _SPLITTER * value
    high = scaled - (scaled - value)
    low = value - high
    return product, ((high * high - product) + 2 * high * low) + low * low
