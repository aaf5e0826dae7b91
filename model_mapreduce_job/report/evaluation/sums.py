"""What tasks add up over judged records: sums that merge in any order, without any error."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from model_mapreduce_job.report.evaluation.exact_sums import ExactSum, exact_sum, merged_sums, square
from model_mapreduce_job.report.evaluation.judged import EVALUATED
from model_mapreduce_job.report.evaluation.roc import Bins, bin_of, merged_bins

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from model_mapreduce_job.report.evaluation.judged import Judged

MOST_CLASSES: Final = 200
_LEAST: Final = 2.0**-52  # what a probability of the right class counts as at least, as in scikit-learn
_HALF: Final = 0.5

Confusion = dict[str, dict[str, int]]


@dataclass(frozen=True)
class ClassSums:
    """How often each class was predicted for records of each label, and what probabilities they had.

    has_too_many says that there are more than 200 classes; then there is no confusion. with_chances counts
    the records that have probabilities, log_loss sums up what these lose; bins has by class how many records,
    of others and its own, have a probability in each bin. In surprising are those with a probability of over
    a half for the one class that they are not predicted as.
    """

    confusion: Confusion = field(default_factory=dict)
    has_too_many: bool = False
    with_chances: int = 0
    log_loss: ExactSum = ()
    bins: dict[str, Bins] = field(default_factory=dict)
    surprising: int = 0

    @classmethod
    def of(cls, records: Sequence[Judged]) -> ClassSums:
        """Return the sums of records that are evaluated."""
        confusion: Confusion = {}
        for (label, predicted), count in Counter((each.label, each.predicted) for each in records).items():
            confusion.setdefault(label, {})[predicted] = count
        known = [(each.label, each.predicted, each.chances) for each in records if each.chances]
        losses = [-math.log(max(_LEAST, _chance_of(label, chances))) for label, _, chances in known]
        bins: dict[str, dict[int, tuple[int, int]]] = defaultdict(dict)
        for label, _, chances in known:
            for name, chance in chances.items():
                number = bin_of(chance)
                others, own = bins[name].get(number, (0, 0))
                bins[name][number] = (others, own + 1) if label == name else (others + 1, own)
        surprising = sum(
            len(chances) == 1 and predicted not in chances and max(chances.values()) > _HALF
            for _, predicted, chances in known
        )
        return cls(
            confusion,
            with_chances=len(known),
            log_loss=exact_sum(losses),
            bins=dict(bins),
            surprising=surprising,
        ).bounded()

    def plus(self, other: ClassSums) -> ClassSums:
        """Return the sums of both's records."""
        confusion = {label: dict(counts) for label, counts in self.confusion.items()}
        for label, counts in other.confusion.items():
            own = confusion.setdefault(label, {})
            for predicted, count in counts.items():
                own[predicted] = own.get(predicted, 0) + count
        return ClassSums(
            confusion,
            self.has_too_many or other.has_too_many,
            self.with_chances + other.with_chances,
            merged_sums(self.log_loss, other.log_loss),
            {
                name: merged_bins(self.bins.get(name, {}), other.bins.get(name, {}))
                for name in {**self.bins, **other.bins}
            },
            self.surprising + other.surprising,
        ).bounded()

    def bounded(self) -> ClassSums:
        """Return these sums, without what grows with the number of classes where there are too many."""
        if not self.has_too_many and len({*self.classes(), *self.bins}) <= MOST_CLASSES:
            return self
        return ClassSums(has_too_many=True, with_chances=self.with_chances, log_loss=self.log_loss)

    def classes(self) -> list[str]:
        """Return the classes that are a label, or predicted, in their order."""
        return sorted({*self.confusion, *chain.from_iterable(self.confusion.values())})

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> ClassSums:
        """Return the sums that dataclasses.asdict has made an object of, and JSON a text."""
        bins = {
            name: {int(number): tuple(counts) for number, counts in own.items()}
            for name, own in given["bins"].items()
        }
        return cls(**{**given, "bins": bins, "log_loss": tuple(given["log_loss"])})


def _chance_of(label: str, chances: Mapping[str, float]) -> float:
    """Return the probability that a record was given for its label."""
    if len(chances) == 1 and label not in chances:
        return 1 - next(iter(chances.values()))
    return chances.get(label, 0.0)


@dataclass(frozen=True)
class NumberSums:
    """Sums over records whose label is a number: of labels, and of the predictions' errors."""

    labels: ExactSum = ()
    squared_labels: ExactSum = ()
    errors: ExactSum = ()
    absolute_errors: ExactSum = ()
    squared_errors: ExactSum = ()

    @classmethod
    def of(cls, records: Sequence[Judged]) -> NumberSums:
        """Return the sums of records that are evaluated."""
        labels = [each.label for each in records]
        errors = [each.predicted - each.label for each in records]
        return cls(
            exact_sum(labels),
            exact_sum(chain.from_iterable(map(square, labels))),
            exact_sum(errors),
            exact_sum(map(abs, errors)),
            exact_sum(chain.from_iterable(map(square, errors))),
        )

    def plus(self, other: NumberSums) -> NumberSums:
        """Return the sums of both's records."""
        names = self.__dataclass_fields__
        return NumberSums(*(merged_sums(getattr(self, name), getattr(other, name)) for name in names))

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> NumberSums:
        """Return the sums that dataclasses.asdict has made an object of, and JSON a text."""
        return cls(**{name: tuple(value) for name, value in given.items()})


@dataclass(frozen=True)
class Sums:
    """What is added up over records: how many had each outcome, and the sums of those that are evaluated."""

    outcomes: dict[str, int] = field(default_factory=dict)
    of_classes: ClassSums | None = None
    of_numbers: NumberSums | None = None

    @classmethod
    def of(cls, records: Iterable[Judged], *, numbers: bool) -> Sums:
        """Return the sums of judged records."""
        records = list(records)
        outcomes = dict(Counter(each.outcome for each in records))
        evaluated = [each for each in records if each.outcome == EVALUATED]
        if numbers:
            return cls(outcomes, of_numbers=NumberSums.of(evaluated))
        return cls(outcomes, of_classes=ClassSums.of(evaluated))

    def plus(self, other: Sums) -> Sums:
        """Return the sums of both's records."""
        outcomes = dict(Counter(self.outcomes) + Counter(other.outcomes))
        if self.of_numbers and other.of_numbers:
            return Sums(outcomes, of_numbers=self.of_numbers.plus(other.of_numbers))
        if self.of_classes and other.of_classes:
            return Sums(outcomes, of_classes=self.of_classes.plus(other.of_classes))
        raise ValueError("sums of classes and of numbers don't add up")

    def as_json(self) -> dict[str, Any]:
        """Return the sums as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Sums:
        """Return the sums that as_json has made an object of, and JSON a text."""
        classes, numbers = given["of_classes"], given["of_numbers"]
        return cls(
            dict(given["outcomes"]),
            None if classes is None else ClassSums.from_json(classes),
            None if numbers is None else NumberSums.from_json(numbers),
        )
