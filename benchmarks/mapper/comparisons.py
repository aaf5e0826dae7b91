"""What the benchmark is for: how contestants compare, and how they should."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import sub, truediv
from statistics import median
from typing import Literal

from mapper.race import Race


@dataclass(frozen=True)
class Spread:
    """The median of a figure over the repetitions, and its extremes."""

    median: float
    min: float
    max: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Return the spread of one value or more."""
        return cls(median(values), min(values), max(values))


@dataclass(frozen=True)
class Target:
    """What a figure should be."""

    bound: Literal["at most", "at least"]
    value: float

    def is_met_by(self, figure: float) -> bool:
        """Return whether a figure keeps the bound."""
        return figure <= self.value if self.bound == "at most" else figure >= self.value


@dataclass(frozen=True)
class Comparison:
    """A figure over the repetitions, and what its median should be."""

    name: str
    target: Target
    spread: Spread

    @property
    def is_met(self) -> bool:
        """Return whether the median is as it should be."""
        return self.target.is_met_by(self.spread.median)

    def __str__(self) -> str:
        figures = f"{self.spread.median:8.3f}  [{self.spread.min:.3f} .. {self.spread.max:.3f}]"
        verdict = "met" if self.is_met else "MISSED"
        return f"{self.name:46} {figures:30} {self.target.bound} {self.target.value:<5} {verdict}"


def comparisons(race: Race) -> Iterator[Comparison]:
    """Yield all comparisons: each figure is taken within a repetition, between runs close in time."""
    yield from _speed(race)
    yield from _bad_rows(race)
    yield from _memory(race)
    extra = map(sub, race.whole_seconds("15 rows"), race.whole_seconds("imports"))
    yield _at_most(1.2, "job over 15 rows - imports, CPU seconds", extra)


def _speed(race: Race) -> Iterator[Comparison]:
    floor = map(truediv, race.work_seconds("mapper"), race.work_seconds("floor"))
    yield _at_most(1.15, "mapper CPU / floor CPU", floor)
    plain = map(truediv, race.rates("mapper"), race.rates("plain job"))
    yield _at_least(20, "mapper rate / plain job's", plain)
    sklearn = map(truediv, race.rates("mapper, scikit-learn"), race.rates("plain job, scikit-learn"))
    yield _at_least(60, "mapper rate / plain job's, scikit-learn", sklearn)


def _bad_rows(race: Race) -> Iterator[Comparison]:
    for percent, target in ((1, 0.8), (10, 0.6)):
        share = map(truediv, race.rates(f"mapper, {percent} % bad"), race.rates("mapper"))
        yield _at_least(target, f"mapper rate, {percent} % bad / clean", share)


def _memory(race: Race) -> Iterator[Comparison]:
    some, many = race.peaks("mapper"), race.peaks("mapper, large file")
    larger, smaller = list(map(max, some, many)), map(min, some, many)
    yield _at_most(1.05, "peak memory, larger / smaller of both files", map(truediv, larger, smaller))
    yield _at_most(
        1.3, "peak memory / loaded model's alone", map(truediv, larger, race.whole_peaks("loaded model"))
    )


def _at_most(value: float, name: str, figures: Iterator[float]) -> Comparison:
    return Comparison(name, Target("at most", value), Spread.of(list(figures)))


def _at_least(value: float, name: str, figures: Iterator[float]) -> Comparison:
    return Comparison(name, Target("at least", value), Spread.of(list(figures)))
