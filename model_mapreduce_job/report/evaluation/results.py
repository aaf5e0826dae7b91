"""What sums amount to: an object of counts and metrics for all records, and for those of each group."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from fractions import Fraction
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

from model_mapreduce_job.report.evaluation.judged import EVALUATED, OUTCOMES
from model_mapreduce_job.report.evaluation.roc import area, curve
from model_mapreduce_job.report.evaluation.sums import ClassSums, Sums

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from model_mapreduce_job.report.evaluation.exact_sums import ExactSum
    from model_mapreduce_job.report.evaluation.judged import Judged
    from model_mapreduce_job.report.evaluation.questions import Questions
    from model_mapreduce_job.report.evaluation.sums import NumberSums

FORMAT: Final = "model_mapreduce_job evaluation 1"
ALL: Final = "all"
_GROUP: Final = "group "
_MOST_NAMES: Final = 5
_MOST: Final = Fraction(10**300)  # a float holds hardly more


def sums_by_key(records: Iterable[Judged], questions: Questions) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the sums of records as JSON, under the key of all and of each group."""
    records = list(records)
    yield ALL, Sums.of(records, numbers=questions.numbers).as_json()
    groups: dict[str, list[Judged]] = defaultdict(list)
    for record in records if questions.group else ():
        groups[record.group].append(record)
    for group, own in groups.items():
        yield f"{_GROUP}{group}", Sums.of(own, numbers=questions.numbers).as_json()


def merged_json(sums: Iterable[Mapping[str, Any]]) -> Sums:
    """Return sums that are JSON as one."""
    return reduce(Sums.plus, map(Sums.from_json, sums))


def result_of(key: str, sums: Sums, questions: Questions) -> dict[str, Any]:
    """Return the counts and metrics of all records, or of a group's, as JSON."""
    counts = {name: sums.outcomes.get(name, 0) for name in OUTCOMES}
    group = {"group": json.loads(key.removeprefix(_GROUP))} if key != ALL else {}
    return {
        "format": FORMAT,
        "of": "all" if key == ALL else questions.group,
        **group,
        "label": questions.label,
        "records": sum(counts.values()),
        "outcomes": counts,
        **_measures(sums, with_curves=key == ALL, asks=questions.asks_for_probabilities and key == ALL),
    }


def _measures(sums: Sums, *, with_curves: bool, asks: bool) -> dict[str, Any]:
    count = sums.outcomes.get(EVALUATED, 0)
    if sums.of_numbers:
        return _of_numbers(sums.of_numbers, count)
    classes = sums.of_classes or ClassSums()
    measures = _of_classes(classes, count, with_curves=with_curves)
    warnings = [*_warnings(classes), *(_of_probabilities(classes) if asks else ())]
    return {**measures, "warnings": warnings}


def _of_numbers(sums: NumberSums, count: int) -> dict[str, Any]:
    """Return the errors' measures; they are exact up to the rounding of each error and of the result.

    r2 is 1 minus the squared errors' sum over that of the labels' distances from their mean: None where all
    labels are one. Source: S. Wright, "Correlation and causation", Journal of Agricultural Research 20, 1921.
    """
    if not count:
        return dict.fromkeys(("rmse", "mae", "mean_error", "r2"))
    squared = _exactly(sums.squared_errors)
    spread = _exactly(sums.squared_labels) - _exactly(sums.labels) ** 2 / count
    return {
        "rmse": math.sqrt(squared / count),
        "mae": float(_exactly(sums.absolute_errors) / count),
        "mean_error": float(_exactly(sums.errors) / count),
        "r2": float(1 - min(squared / spread, _MOST)) if spread > 0 else None,
    }


def _exactly(parts: ExactSum) -> Fraction:
    return sum((Fraction(part) for part in parts), Fraction(0))


def _of_classes(sums: ClassSums, count: int, *, with_curves: bool) -> dict[str, Any]:
    """Return the measures of classes; None where a count that they are a share of is 0.

    Precision, recall and F1 as in C. van Rijsbergen, Information Retrieval, 1979, chapter 7; log loss is the
    mean of -ln p of the label, where p is at least 2**-52; macro means are those over classes.
    """
    names = sums.classes()
    classes = {name: _of_class(name, sums) for name in names}
    hits = sum(counts.get(label, 0) for label, counts in sums.confusion.items())
    areas = {name: area(sums.bins[name]) for name in sorted(sums.bins)}
    known = [found[0] for found in areas.values() if found]
    return {
        "has_too_many_classes": sums.has_too_many,
        "accuracy": _share(hits, 0 if sums.has_too_many else count),
        "macro_f1": _mean([each["f1"] for each in classes.values()]),
        "classes": classes,
        "confusion": {label: dict(sorted(sums.confusion[label].items())) for label in sorted(sums.confusion)},
        "with_probabilities": sums.with_chances,
        "log_loss": math.fsum(sums.log_loss) / sums.with_chances if sums.with_chances else None,
        "macro_auc": _mean(known) if len(known) == len(areas) else None,
        "auc": {name: found and {"area": found[0], "error": found[1]} for name, found in areas.items()},
        **({"curves": {name: curve(sums.bins[name]) for name in areas}} if with_curves else {}),
    }


def _of_class(name: str, sums: ClassSums) -> dict[str, Any]:
    own = sums.confusion.get(name, {})
    hits, labelled = own.get(name, 0), sum(own.values())
    predicted = sum(counts.get(name, 0) for counts in sums.confusion.values())
    return {
        "labelled": labelled,
        "predicted": predicted,
        "precision": _share(hits, predicted),
        "recall": _share(hits, labelled),
        "f1": _share(2 * hits, labelled + predicted),
    }


def _warnings(sums: ClassSums) -> Iterator[str]:
    if sums.has_too_many:
        yield "there are more than 200 classes: are labels numbers? --numbers says so"
    others = sum(
        count
        for counts in sums.confusion.values()
        for predicted, count in counts.items()
        if predicted not in sums.bins
    )
    if len(sums.bins) == 1 and sums.surprising and sums.surprising == others:
        name = next(iter(sums.bins))
        yield (
            f"every record that is not predicted as {name!r} has a probability of over a half for it: "
            "is it that of the class predicted? --of_predicted says so"
        )


def _of_probabilities(sums: ClassSums) -> Iterator[str]:
    """Yield what makes probabilities say less than they seem to, or nothing at all."""
    if not sums.with_chances:
        yield (
            "no record has probabilities: --probability_field is a field of the prediction with an object of "
            "them by class; a list of them with --classes; a single one with --positive"
        )
    if len(sums.bins) == 1 and sums.confusion and not sums.confusion.keys() & sums.bins.keys():
        yield f"no record has the label {next(iter(sums.bins))!r} of --positive"
    without = sorted(sums.confusion.keys() - sums.bins.keys()) if len(sums.bins) > 1 else []
    if without:
        names = " ".join(map(repr, without[:_MOST_NAMES]))
        yield (
            f"no probability is of the label {names}: it counts as 2**-52 in the log loss of each such record"
        )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _mean(values: list[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None
