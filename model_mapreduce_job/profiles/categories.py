"""The texts that a field has most often, and how often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from datasketches import frequent_items_error_type, frequent_strings_sketch

if TYPE_CHECKING:
    from collections.abc import Mapping

# Three quarters of 2**9 texts are counted exactly; of more, a count is wrong by total / 2**9 * 3.5 at most.
_LG_SIZE: Final = 9
_LONGEST: Final = 80


def _no_sketch() -> frequent_strings_sketch:
    return frequent_strings_sketch(_LG_SIZE)


class Categories(msgspec.Struct):
    """Texts by how often they occur; one of more than 80 characters stands for all that begin like it."""

    sketch: frequent_strings_sketch = msgspec.field(default_factory=_no_sketch)

    def add(self, counts: Mapping[str, int], rate: int = 1) -> None:
        """Add texts with how often each came; with a rate each of them stands for that many."""
        update = self.sketch.update
        for text, count in counts.items():
            update(short(text), count * rate)

    def merge(self, other: Categories) -> None:
        """Add another's texts."""
        self.sketch.merge(other.sketch)

    @property
    def total(self) -> int:
        """Return how many texts there are in all."""
        return int(self.sketch.total_weight)

    def counts(self) -> dict[str, int]:
        """Return the texts known, the most frequent first; a count is too high by `error` at most."""
        found = self.sketch.get_frequent_items(frequent_items_error_type.NO_FALSE_NEGATIVES, 0)
        return dict(sorted(((text, int(count)) for text, count, *_ in found), key=lambda it: (-it[1], it[0])))

    @property
    def error(self) -> int:
        """Return by how much a count may be wrong: 0 where all texts were counted."""
        found = self.sketch.get_frequent_items(frequent_items_error_type.NO_FALSE_NEGATIVES, 0)
        return max((int(upper - lower) for _, _, lower, upper in found), default=0)


def short(text: str, longest: int = _LONGEST) -> str:
    """Return a text, or its beginning, with escapes for what has no UTF-8: no profile could hold it."""
    if len(text) > longest:
        text = f"{text[:longest]}\N{HORIZONTAL ELLIPSIS}"
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair
        return text.encode(errors="backslashreplace").decode()
    return text
