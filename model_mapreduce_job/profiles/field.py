"""One field of records or predictions: what kinds of values it has, and how they are distributed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from model_mapreduce_job.profiles.categories import Categories
from model_mapreduce_job.profiles.distinct import Distinct, hashes_of
from model_mapreduce_job.profiles.numbers import Numbers, add_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from model_mapreduce_job.profiles.picking import Picked

# A field of more texts has names or the like, not categories: how often each comes is not asked of every one.
_MOST_CATEGORIES: Final = 2000
_WORDS: Final = {True: "true", False: "false"}


class Field(msgspec.Struct):
    """What is known of a field's values.

    present counts all values but nulls, exactly where a schema names the fields; how many are of which kind
    may be an estimate. failed counts the records that could not be read because of the field. booleans are
    among the texts, as JSON writes them; lengths are those of texts, in characters, and sizes those of lists.
    others are objects.
    """

    present: int = 0
    failed: int = 0
    numbers: Numbers | None = None
    texts: Categories | None = None
    booleans: int = 0
    lengths: Numbers | None = None
    sizes: Numbers | None = None
    others: int = 0
    distinct: Distinct = msgspec.field(default_factory=Distinct)

    @property
    def kind(self) -> str:
        """Return what most of the values are: numbers, texts, booleans, lists, objects, or nothing."""
        counts = self.kinds
        most = max(counts, key=counts.__getitem__)
        return most if counts[most] else "nothing"

    @property
    def kinds(self) -> dict[str, int]:
        """Return how many values there are of each kind, which may be estimates."""
        return {
            "numbers": self.numbers.all if self.numbers else 0,
            "texts": self.lengths.all if self.lengths else 0,
            "booleans": self.booleans,
            "lists": self.sizes.all if self.sizes else 0,
            "objects": self.others,
        }

    @property
    def is_sampled(self) -> bool:
        """Whether some of the values were not looked at, so that there may be others than those known."""
        return any(each.looked_at < each.count for each in (self.numbers, self.lengths, self.sizes) if each)

    def add_numbers(self, values: NDArray[np.float64], picked: Picked) -> None:
        """Add numbers."""
        add_number_rows([self], values[np.newaxis], picked, [0])

    def add_texts(self, counts: Mapping[str, int], picked: Picked) -> None:
        """Add texts with how often each came."""
        if not counts:
            return
        amounts = np.fromiter(counts.values(), np.int64, len(counts))
        total = int(amounts.sum())
        # the order is another than the texts', some of which are missing: what is picked is as much by chance
        picked = picked.within(total)
        self.present += total * picked.weight
        self.lengths = self.lengths or Numbers()
        lengths = np.fromiter(map(len, counts), np.float64, len(counts))
        self.lengths.add(np.repeat(lengths, amounts), picked)
        self.distinct.add_texts(counts)
        self.texts = self.texts or Categories()
        if picked.places is None or self.distinct.estimate <= _MOST_CATEGORIES:
            self.texts.add(counts, picked.weight)
        else:
            chosen = picked.of(np.repeat(np.arange(len(counts)), amounts)).tolist()
            names = list(counts)
            self.texts.add(Counter(names[place] for place in chosen), picked.rate)

    def add_booleans(self, true: int, false: int, weight: int = 1) -> None:
        """Add booleans, each of which stands for a number of records."""
        counts = {word: count for word, count in (("true", true), ("false", false)) if count}
        self.present += (true + false) * weight
        self.booleans += (true + false) * weight
        self.texts = self.texts or Categories()
        self.texts.add(counts, weight)
        self.distinct.add_texts(counts)

    def add_lists(self, sizes: NDArray[np.float64], picked: Picked) -> None:
        """Add lists by their lengths."""
        self.present += len(sizes) * picked.weight
        self.sizes = self.sizes or Numbers()
        self.sizes.add(sizes, picked)
        self.distinct.add_hashes(hashes_of(sizes))

    def add_others(self, count: int) -> None:
        """Add values that are none of these."""
        self.present += count
        self.others += count

    def merge(self, other: Field) -> None:
        """Add what another has of the same field."""
        for name in ("present", "failed", "booleans", "others"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("numbers", "texts", "lengths", "sizes"):
            _merge(self, name, getattr(other, name))
        self.distinct.merge(other.distinct)


def add_number_rows(
    fields: Sequence[Field], rows: NDArray[np.float64], picked: Picked, missing: Sequence[int]
) -> None:
    """Add to each field its row of numbers, in as many of which as missing says NaN stands for no value."""
    own = []
    for field, count in zip(fields, missing, strict=True):
        field.present += (rows.shape[1] - count) * picked.weight
        field.numbers = field.numbers or Numbers()
        own.append(field.numbers)
    add_rows(own, rows, picked, missing)
    for field, hashes in zip(fields, hashes_of(rows), strict=True):
        field.distinct.add_hashes(hashes)


def _merge(field: Field, name: str, other: Any) -> None:
    own = getattr(field, name)
    if own is None:
        setattr(field, name, other)
    elif other is not None:
        own.merge(other)
