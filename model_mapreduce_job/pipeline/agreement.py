"""How far the predictions of two models agree, field by field: champion and challenger."""

from __future__ import annotations

import math
import sys
from itertools import chain, islice
from operator import eq, methodcaller, sub
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from model_mapreduce_job.formats.encoding import predictions_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from model_mapreduce_job.formats.records import Text

# Of predictions with more fields the first ones are compared.
MOST_FIELDS: Final = 20
# What a prediction that has no fields is called here.
SINGLE: Final = "prediction"
_MISSING: Final = object()
_NUMBERS: Final = frozenset({int, float})
_LARGEST: Final = sys.float_info.max


class FieldAgreement(msgspec.Struct, frozen=True):
    """How two models' values of a field compare, over the records that both have one for.

    agreed is how many of the compared are equal. numbers is how many of them are numbers for both,
    difference the sum of the distances between these, greatest the greatest; None where it isn't known.
    """

    compared: int = 0
    agreed: int = 0
    numbers: int = 0
    difference: float = 0.0
    greatest: float | None = 0.0

    def plus(self, other: FieldAgreement) -> FieldAgreement:
        """Return how they compare over these records and others."""
        both = (self.greatest, other.greatest)
        known = [each for each in both if each is not None]
        return FieldAgreement(
            self.compared + other.compared,
            self.agreed + other.agreed,
            self.numbers + other.numbers,
            min(self.difference + other.difference, _LARGEST),
            max(known) if len(known) == len(both) else None,
        )

    @property
    def agreed_share(self) -> float:
        """The share of the compared that are equal."""
        return self.agreed / self.compared if self.compared else 0.0

    @property
    def mean_difference(self) -> float | None:
        """The mean distance between numbers; None where there were none."""
        return self.difference / self.numbers if self.numbers else None


Agreement: TypeAlias = dict[str, FieldAgreement]


def merged_agreements(one: Mapping[str, FieldAgreement], other: Mapping[str, FieldAgreement]) -> Agreement:
    """Return two agreements of the same models as one; of their fields the first 20."""
    names = islice(dict.fromkeys([*one, *other]), MOST_FIELDS)
    nothing = FieldAgreement()
    return {name: one.get(name, nothing).plus(other.get(name, nothing)) for name in names}


def agreement_of(one: Sequence[Text], other: Sequence[Text]) -> Agreement:
    """Return how two models' predictions of the same records agree, by the fields that both have.

    Predictions are JSON texts, a failure's record is not compared. Where both models' predictions are values
    or objects of one field, these are compared, whatever they are called.
    """
    ours, theirs = _both_predicted(one, other)
    columns, others = _columns(predictions_of(ours)), _columns(predictions_of(theirs))
    if len(columns) == len(others) == 1:
        name = next((each for each in (*columns, *others) if each != SINGLE), SINGLE)
        columns, others = (dict(zip([name], found.values(), strict=True)) for found in (columns, others))
    common = islice((name for name in columns if name in others), MOST_FIELDS)
    return {name: _compared(columns[name], others[name]) for name in common}


def _both_predicted(one: Sequence[Text], other: Sequence[Text]) -> tuple[Sequence[Any], Sequence[Any]]:
    if set(map(type, one)) | set(map(type, other)) <= {bytes}:
        return one, other
    return _pairs_where(lambda *pair: set(map(type, pair)) == {bytes}, one, other)


def _pairs_where(
    holds: Callable[[Any, Any], bool], one: Sequence[Any], other: Sequence[Any]
) -> tuple[list[Any], list[Any]]:
    """Return of two sequences those items for which something holds of the pair."""
    pairs = [pair for pair in zip(one, other, strict=True) if holds(*pair)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def _columns(predictions: list[Any]) -> dict[str, list[Any]]:
    """Return predictions by their fields, as lists with _MISSING where one lacks the field."""
    if set(map(type, predictions)) != {dict}:
        return {SINGLE: predictions} if predictions else {}
    names = dict.fromkeys(chain.from_iterable(predictions))
    return {name: list(map(methodcaller("get", name, _MISSING), predictions)) for name in names}


def _compared(ours: list[Any], theirs: list[Any]) -> FieldAgreement:
    kinds = set(map(type, ours)) | set(map(type, theirs))
    if object in kinds:
        ours, theirs = _pairs_where(lambda *pair: _MISSING not in pair, ours, theirs)
    compared, agreed = len(ours), sum(map(eq, ours, theirs))
    if not kinds <= _NUMBERS:
        ours, theirs = _pairs_where(lambda *pair: set(map(type, pair)) <= _NUMBERS, ours, theirs)
    return FieldAgreement(compared, agreed, len(ours), *_differences(ours, theirs))


def _differences(ours: list[Any], theirs: list[Any]) -> tuple[float, float]:
    """Return the sum of the distances between numbers, and the greatest."""
    try:
        distances = list(map(abs, map(sub, ours, theirs)))
        total, greatest = math.fsum(distances), float(max(distances, default=0.0))
    except OverflowError:
        return _LARGEST, _LARGEST
    return min(total, _LARGEST), min(greatest, _LARGEST)
