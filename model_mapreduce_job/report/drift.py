"""How far the values of one profile's fields are from those of another."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from model_mapreduce_job.printable import some_of
from model_mapreduce_job.profiles.field import Field

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from model_mapreduce_job.profiles.fields import Fields
    from model_mapreduce_job.profiles.numbers import Points
    from model_mapreduce_job.profiles.profile import Profile

    Shares = NDArray[np.float64]

_BINS: Final = 10
_LEAST_SHARE: Final = 1e-4
_MOST_NAMES: Final = 20


def population_stability_index(expected: Shares, found: Shares) -> float:
    """Return the PSI of shares in the same bins: the sum of (found - expected) * ln(found / expected).

    A share below 0.0001 counts as that. 0 is no change; over 0.1 is often called a small, over 0.25 a large
    one. Source: N. Siddiqi, Credit Risk Scorecards, Wiley 2006, chapter 6 (system stability index); as a
    divergence of H. Jeffreys, Proc. Royal Society A 186, 1946.
    """
    expected, found = np.maximum(expected, _LEAST_SHARE), np.maximum(found, _LEAST_SHARE)
    return float(np.sum((found - expected) * np.log(found / expected)))


def jensen_shannon_distance(expected: Shares, found: Shares) -> float:
    """Return the square root of the Jensen-Shannon divergence in bits, from 0 to 1.

    Source: J. Lin, IEEE Trans. Information Theory 37, 1991; that its root is a metric: D. Endres and
    J. Schindelin, IEEE Trans. Information Theory 49, 2003.
    """
    middle = (expected + found) / 2
    divergence = (_relative_entropy(expected, middle) + _relative_entropy(found, middle)) / 2
    return float(np.sqrt(max(0.0, divergence)))


def kolmogorov_smirnov(expected: Points, found: Points) -> float:
    """Return the largest difference of two distribution functions, the two-sample statistic D.

    Source: N. Smirnov, Annals of Mathematical Statistics 19, 1948.
    """
    limits = np.concatenate([expected.values, found.values])
    return float(np.abs(expected.up_to(limits) - found.up_to(limits)).max(initial=0.0))


@dataclass(frozen=True)
class FieldDrift:
    """How far a field's values are from a baseline's.

    psi and jensen_shannon are of shares in bins between the baseline's deciles, or of texts; None where one
    of the two alone has no values of that kind. kolmogorov_smirnov is of numbers alone. kinds_psi is of the
    shares of records with a value of each kind, with NaN, infinity, and without a value. missing_before and
    missing are shares of the records. new and vanished have up to 20 texts that only one of the two has,
    where all are known.
    """

    side: str
    name: str
    psi: float | None
    jensen_shannon: float | None
    kolmogorov_smirnov: float | None
    kinds_psi: float
    missing_before: float
    missing: float
    new: tuple[str, ...] = ()
    vanished: tuple[str, ...] = ()

    @property
    def most(self) -> float:
        """Return the larger PSI of the two; infinity where the values can't be compared."""
        return np.inf if self.psi is None else max(self.psi, self.kinds_psi)

    def as_json(self) -> dict[str, Any]:
        """Return the drift as a JSON object."""
        return asdict(self)

    def in_words(self) -> str:
        """Return by how much the field moved, and in what."""
        if self.psi is None:
            return "whose kind of values only one of the two has"
        if self.kinds_psi > self.psi:
            return f"PSI {self.kinds_psi:.3f} of what is missing, NaN, infinite or of another kind"
        return f"PSI {self.psi:.3f}"


def drift_of(baseline: Profile, profile: Profile) -> list[FieldDrift]:
    """Return how far each field is from the baseline, the one that moved most first.

    A field that only one of the two has comes before all others, but for those that are not_compared.
    """
    sides = (
        _of_fields("input", baseline.inputs, profile.inputs, baseline.records, profile.records),
        _of_fields(
            "prediction", baseline.predictions, profile.predictions, baseline.predicted, profile.predicted
        ),
    )
    left_out = {("input", name) for name in not_compared(baseline, profile)}
    found = [each for side in sides for each in side if (each.side, each.name) not in left_out]
    return sorted(found, key=lambda it: (-it.most, it.side, it.name))


def not_compared(baseline: Profile, profile: Profile) -> list[str]:
    """Return the fields of a data set that a run's model does not take, such as its label."""
    if baseline.takes or not profile.takes:
        return []
    inner = tuple(f"{name}." for name in profile.takes)
    return [
        name
        for name in baseline.inputs.kept
        if name not in profile.takes and not name.startswith(inner) and name not in profile.inputs.kept
    ]


def not_compared_in_words(names: list[str]) -> str:
    """Return which fields were not compared, the first five by name; nothing without any."""
    if not names:
        return ""
    return f"not compared: {some_of(names)}, not a field of the model's input"


def _of_fields(
    side: str, before: Fields, now: Fields, records_before: int, records: int
) -> Iterator[FieldDrift]:
    if not before.kept or not now.kept:  # of data without predictions
        return
    records_before, records = before.records or records_before, now.records or records
    for name in dict.fromkeys([*before.kept, *now.kept]):
        one, other = before.kept.get(name), now.kept.get(name)
        psi, distance, statistic = _distances(one or Field(), other or Field())
        new, vanished = _texts_that_changed(one, other)
        yield FieldDrift(
            side,
            name,
            psi,
            distance,
            statistic,
            population_stability_index(_kinds(one, records_before), _kinds(other, records)),
            _missing(one, records_before),
            _missing(other, records),
            new,
            vanished,
        )


def _missing(field: Field | None, records: int) -> float:
    if field is None or not records:
        return 1.0
    return min(1.0, max(0.0, 1 - field.present / records))


def _kinds(field: Field | None, records: int) -> Shares:
    """Return the shares of records with a value of each kind, NaN, infinity, and without a value."""
    share = 1 - _missing(field, records)
    if field is None:
        return np.array([0.0] * 7 + [1.0])
    counts, numbers = field.kinds, field.numbers
    odd = (numbers.nan, numbers.infinite) if numbers else (0, 0)
    known = np.array([counts["numbers"] - sum(odd), *odd, *list(counts.values())[1:]], np.float64)
    if not known.any():
        known[-1] = 1  # an object, whose own fields are fields
    return np.array([*(known / known.sum() * share), 1 - share])


def _distances(one: Field, other: Field) -> tuple[float | None, float | None, float | None]:
    if one.kind != other.kind:
        return None, None, None
    points, others = points_of(one), points_of(other)
    if points is not None and others is not None:
        shares = in_bins(points, others)
        return (
            population_stability_index(*shares),
            jensen_shannon_distance(*shares),
            kolmogorov_smirnov(points, others),
        )
    if one.kind in {"nothing", "objects"} or (points is None and others is None and one.kind == "numbers"):
        return 0.0, 0.0, None  # both have none, or objects, whose fields are compared for themselves
    if one.texts is None or other.texts is None:
        return None, None, None
    shares = shares_of_texts(one.texts.counts(), other.texts.counts())
    return population_stability_index(*shares), jensen_shannon_distance(*shares), None


def points_of(field: Field) -> Points | None:
    """Return the distribution of a field of numbers, or of the sizes of a field of lists; None of others."""
    numbers = {"numbers": field.numbers, "lists": field.sizes}.get(field.kind)
    points = numbers.points() if numbers else None
    return points if points is not None and len(points.values) else None


def in_bins(expected: Points, found: Points) -> tuple[Shares, Shares]:
    """Return the shares of two distributions in bins that end at the first one's deciles, and one above.

    A value that is several deciles, such as 0 of many counts, has a bin of its own: else what falls from it
    to a value below would stay in its bin.
    """
    ends, times = np.unique(expected.quantiles(np.arange(1, _BINS) / _BINS), return_counts=True)
    ends = np.unique([*ends, *np.nextafter(ends[times > 1], -np.inf)])
    first, second = (np.diff([0.0, *points.up_to(ends), 1.0]) for points in (expected, found))
    return first, second


def shares_of_texts(expected: Mapping[str, int], found: Mapping[str, int]) -> tuple[Shares, Shares]:
    """Return the shares of each text of two; the texts that neither has often count together."""
    often = sorted({*list(expected)[: _BINS * 5], *list(found)[: _BINS * 5]})
    return _shares(often, expected), _shares(often, found)


def _shares(often: Iterable[str], counts: Mapping[str, int]) -> Shares:
    known = [counts.get(text, 0) for text in often]
    total = sum(counts.values())
    return np.array([*known, total - sum(known)], np.float64) / max(1, total)


def _texts_that_changed(one: Field | None, other: Field | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if one is None or other is None or one.texts is None or other.texts is None:
        return (), ()
    before, now = one.texts, other.texts
    known, found = before.counts(), now.counts()
    # a text that is rare may be forgotten, or not be picked: then nothing is said of what came and went
    new = () if before.error or one.is_sampled else tuple(text for text in found if text not in known)
    vanished = () if now.error or other.is_sampled else tuple(text for text in known if text not in found)
    return new[:_MOST_NAMES], vanished[:_MOST_NAMES]


def _relative_entropy(shares: Shares, others: Shares) -> float:
    is_there = shares > 0
    return float(np.sum(shares[is_there] * np.log2(shares[is_there] / others[is_there])))


def worst_in_words(drifts: list[FieldDrift]) -> str:
    """Return, in a line, which field moved most."""
    if not drifts:
        return "drift        no field is in the baseline and in this run"
    worst = drifts[0]
    return f"drift        most: {worst.side} {worst.name}, {worst.in_words()}"
