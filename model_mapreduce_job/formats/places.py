"""Things at their places in a sequence, put in and left out."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def inserted(items: list[Any], more: Mapping[int, Any]) -> list[Any]:
    """Return items with more of them, each at its place in the end; the very list if there are none."""
    if not more:
        return items
    found: list[Any] = []
    taken = 0
    for place in sorted(more):
        upto = taken + place - len(found)
        found += items[taken:upto]
        found.append(more[place])
        taken = upto
    return found + items[taken:]


def places_without(places: range, left_out: Iterable[int]) -> Sequence[int]:
    """Return places without those that are left out, which are given in order."""
    ends = [places.start - 1, *left_out, places.stop]
    if len(ends) == 2:  # noqa: PLR2004 - nothing is left out
        return places
    return [place for before, after in pairwise(ends) for place in range(before + 1, after)]
