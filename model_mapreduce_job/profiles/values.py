"""Values as Python has them into a field's sketches: as many at once as are of one kind."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from model_mapreduce_job.profiles.field import Field
    from model_mapreduce_job.profiles.picking import Picked

_LISTS = (Sequence, AbstractSet)
_BYTES = (bytes, bytearray)
_NOTHING = frozenset({type(None), msgspec.UnsetType})


@dataclass(frozen=True)
class Values:
    """Values, and which are picked; counts says how often each came, None once each."""

    values: Sequence[Any]
    picked: Picked
    counts: NDArray[np.int64] | None = None

    def those(self, belongs: Callable[[Any], bool]) -> Values:
        """Return the values that belong somewhere."""
        is_left = np.fromiter(map(belongs, self.values), np.bool_, len(self.values))
        left = [value for value, is_in in zip(self.values, is_left.tolist(), strict=True) if is_in]
        if self.counts is None:
            return Values(left, self.picked.among(is_left))
        return Values(left, self.picked.among(np.repeat(is_left, self.counts)), self.counts[is_left])

    def repeated(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return an array of something of each value, as often as the value came."""
        return array if self.counts is None else np.repeat(array, self.counts)

    def texts(self) -> Mapping[str, int]:
        """Return texts with how often each came."""
        return counted(self.values, self.counts)

    @property
    def total(self) -> int:
        """Return how many values there are."""
        return len(self.values) if self.counts is None else int(self.counts.sum())


def counted(texts: Iterable[str], counts: NDArray[np.int64] | None) -> Mapping[str, int]:
    """Return how often each text came."""
    if counts is None:
        return Counter(texts)
    sums: Counter[str] = Counter()
    for text, count in zip(texts, counts.tolist(), strict=True):
        sums[text] += count
    return sums


def _added_as_numbers(field: Field, values: Values) -> bool:
    """Add values if all of them are numbers that a float holds; return whether they were added.

    A boolean is taken for a number: whoever calls this knows that none is there.
    """
    try:
        # of the ways measured, the quickest from a list to an array
        numbers = np.frombuffer(struct.pack(f"{len(values.values)}d", *values.values))
    except (struct.error, OverflowError, TypeError):
        return False
    field.add_numbers(values.repeated(numbers), values.picked)
    return True


def add_values(field: Field, values: Values, kinds: Iterable[type]) -> None:
    """Add values of these kinds."""
    each = sorted(kinds, key=str)
    if set(each) == {float, int} and _added_as_numbers(field, values):
        return
    for kind in each:
        of_kind = values if len(each) == 1 else values.those(lambda value, kind=kind: type(value) is kind)  # type: ignore[misc]  # bound now
        _add_kind(field, of_kind, kind)


def _add_kind(field: Field, values: Values, kind: type) -> None:
    if kind in _NOTHING:
        return
    if kind is bool:
        true = values.those(bool).total
        field.add_booleans(true, values.total - true, values.picked.weight)
    elif issubclass(kind, Enum):
        inner = Values([value.value for value in values.values], values.picked, values.counts)
        add_values(field, inner, set(map(type, inner.values)))
    elif issubclass(kind, int | float | Decimal):
        _add_numbers(field, values)
    elif issubclass(kind, str):
        field.add_texts(values.texts(), values.picked)
    elif issubclass(kind, _LISTS) and not issubclass(kind, _BYTES):
        sizes = np.fromiter(map(len, values.values), np.float64, len(values.values))
        field.add_lists(values.repeated(sizes), values.picked)
    else:
        _add_others(field, values, kind)


def _add_numbers(field: Field, values: Values) -> None:
    if not _added_as_numbers(field, values):  # one is too large for a float
        numbers = np.fromiter(map(_number, values.values), np.float64, len(values.values))
        field.add_numbers(values.repeated(numbers), values.picked)


def _add_others(field: Field, values: Values, kind: type) -> None:
    if not hasattr(kind, "isoformat"):
        field.add_others(values.total * values.picked.weight)
    else:
        dates = [value.isoformat() for value in values.values]
        field.add_texts(counted(dates, values.counts), values.picked)


def _number(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
