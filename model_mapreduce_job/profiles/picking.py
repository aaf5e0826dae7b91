"""Which values a distribution is made of: a task's first records, and fewer and fewer of later ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

ALL_OF_FIRST: Final = 4096
HIGHEST_RATE: Final = 64


@dataclass(frozen=True)
class Picked:
    """The places of the values that were picked, one in rate of all.

    Without places all values given were picked: one in rate of those that there are.
    """

    places: NDArray[np.intp] | None = None
    rate: int = 1

    @property
    def weight(self) -> int:
        """Return for how many values each of those given stands."""
        return self.rate if self.places is None else 1

    def of(self, values: Any) -> Any:
        """Return those of an array's values that were picked."""
        return values if self.places is None else values[self.places]

    def of_list(self, values: Sequence[Any]) -> Sequence[Any]:
        """Return those of a list's values that were picked."""
        return values if self.places is None else [values[place] for place in self.places.tolist()]

    def among(self, is_left: NDArray[np.bool_]) -> Picked:
        """Return which are picked among the values that are left."""
        if self.places is None:
            return self
        is_picked = np.zeros(len(is_left), np.bool_)
        is_picked[self.places] = True
        return Picked(np.flatnonzero(is_picked[is_left]), self.rate)

    def within(self, count: int) -> Picked:
        """Return those that are picked of the first values."""
        if self.places is None:
            return self
        return Picked(self.places[self.places < count], self.rate)


def rate_at(place: int) -> int:
    """Return of how many records one is picked there: of 1 at first, of twice as many with each doubling.

    So 2,048 or more are picked of each half of a task's records, at most of one in 64.
    """
    return min(HIGHEST_RATE, 1 << (place // ALL_OF_FIRST).bit_length())


class Picker:
    """Picks records by their number in the task, whatever is in them, so that repeated ones count as often.

    What is picked does not depend on how a task's records are put into batches.
    """

    def __init__(self) -> None:
        self._seen = 0
        self._chance = np.random.Generator(np.random.PCG64(0))

    def parts(self, count: int) -> Iterator[tuple[slice, Picked]]:
        """Yield the parts of a batch of this many records, and what is picked of each."""
        start = 0
        while start < count:
            rate = rate_at(self._seen)
            most = count if rate == HIGHEST_RATE else ALL_OF_FIRST * rate - self._seen
            end = min(count, start + most)
            yield slice(start, end), self._picked(end - start, rate)
            self._seen += end - start
            start = end

    def _picked(self, count: int, rate: int) -> Picked:
        if rate == 1:
            return Picked()
        return Picked(np.flatnonzero(self._chance.random(count) < 1 / rate), rate)
