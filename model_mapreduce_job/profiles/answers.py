"""Predictions on their way into a profile: kept until there are enough of them to be added at once."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from model_mapreduce_job.formats.encoding import predictions_of
from model_mapreduce_job.formats.records import Failure, texts_at
from model_mapreduce_job.profiles.classes import add_by_class
from model_mapreduce_job.profiles.number_rows import NumberRows
from model_mapreduce_job.profiles.picking import Picked
from model_mapreduce_job.profiles.values import Values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_mapreduce_job.profiles.profile import Profile

# Of this many different texts, or of an eighth of all, each one is counted; of more, those picked.
_FEW: Final = 16
_LOOKS: Final = 256
_MOST_PICKED: Final = 1000
_MOST_COUNTED: Final = 50_000


class Answers:
    """Adds predictions, as their JSON texts, to a profile, and records' numbers by the class predicted."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._rate = 1
        self._begin()

    def _begin(self) -> None:
        self._counts: Counter[Any] = Counter()
        self._picked: list[Any] = []
        self._counted = 0
        self._texts: list[Any] = []
        self._numbers: list[NumberRows] = []

    def add(self, texts: Sequence[Any], picked: Picked, numbers: NumberRows, *, has_failures: bool) -> None:
        """Add predictions; numbers has those of the records that were picked."""
        chosen = texts_at(texts, range(len(texts)) if picked.places is None else picked.places.tolist())
        if has_failures:
            is_left = np.fromiter((type(text) is not Failure for text in chosen), np.bool_, len(chosen))
            chosen = [text for text in chosen if type(text) is not Failure]
            texts = [text for text in texts if type(text) is not Failure]
            numbers = numbers.at(is_left)
        self._profile.predicted += len(texts)
        if self._rate != picked.rate or (self._numbers and self._numbers[0].names != numbers.names):
            self.flush()
        self._rate = picked.rate
        self._picked += chosen
        self._numbers.append(numbers)
        if _are_few(texts):
            self._counts.update(texts)
            self._counted += len(texts)
        else:
            self._texts += chosen
        if max(len(self._picked), len(self._counts)) > _MOST_PICKED or self._counted > _MOST_COUNTED:
            self.flush()

    def flush(self) -> None:
        """Add what was kept."""
        if self._counts:
            self._profile.predictions.add("", _decoded(self._counts, self._rate))
        if self._texts:
            picked = Picked(None, self._rate)
            self._profile.predictions.add("", Values(predictions_of(self._texts), picked))
        if self._picked:
            add_by_class(self._profile, self._picked, NumberRows.together(self._numbers), self._rate)
        self._begin()


def _are_few(texts: Sequence[Any]) -> bool:
    first = texts_at(texts, range(min(_LOOKS, len(texts))))
    return len(set(first)) <= max(_FEW, len(first) // 8)


def _decoded(counts: Counter[Any], rate: int) -> Values:
    """Return texts' predictions, with how often each came; one in rate is picked of equal ones."""
    amounts = np.fromiter(counts.values(), np.int64, len(counts))
    picked = Picked() if rate == 1 else Picked(np.arange(0, int(amounts.sum()), rate), rate)
    return Values(predictions_of(list(counts)), picked, amounts)
