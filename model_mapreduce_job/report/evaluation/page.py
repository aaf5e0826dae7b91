"""The page of an evaluation: confusions, ROC curves and groups, in the manner of a profile's."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import jinja2

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.report.evaluation.results import FORMAT
from model_mapreduce_job.report.page import page_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

Result = dict[str, Any]

# Of more classes the most frequent confusions are shown, and no matrix; of all others the first.
MOST_IN_MATRIX: Final = 20
MOST_CURVES: Final = 10
MOST_ROWS: Final = 200


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation has found: for all records, and for those of each group."""

    whole: Result
    groups: tuple[Result, ...] = ()


def is_evaluation(name: str) -> bool:
    """Whether a file begins as what an evaluation writes."""
    try:
        with Path(name).open("rb") as file:
            return f'"format": "{FORMAT}"'.encode() in file.read(len(FORMAT) + 20)
    except OSError:
        return False


def read_evaluation(name: str) -> Evaluation:
    """Return the evaluation in a file, its lines in any order; raises InputError if it isn't whole."""
    try:
        results = [json.loads(line) for line in Path(name).read_bytes().splitlines()]
        wholes = [each for each in results if "group" not in each]
        groups = sorted((each for each in results if "group" in each), key=lambda each: -each["records"])
        is_whole = len(wholes) == 1 and all(each["format"] == FORMAT for each in results)
        if not is_whole or (groups and sum(each["records"] for each in groups) != wholes[0]["records"]):
            raise InputError(f"The evaluation {name} is not whole. Give all lines of all its parts.")
    except OSError as error:
        raise InputError(f"The evaluation {name} can't be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"The evaluation {name} can't be read: it is not what an evaluation writes."
        ) from error
    return Evaluation(wholes[0], tuple(groups))


def page_of_evaluation(evaluation: Evaluation) -> str:
    """Return the page; raises InputError for an evaluation that lacks something."""
    whole = evaluation.whole
    try:
        return (
            page_environment()
            .get_template("evaluation.html")
            .render(
                whole=whole,
                measures=_MEASURES_OF_NUMBERS if "rmse" in whole else _MEASURES_OF_CLASSES,
                groups=evaluation.groups[:MOST_ROWS],
                groups_left_out=len(evaluation.groups[MOST_ROWS:]),
                classes=list(whole.get("classes", {}).items())[:MOST_ROWS],
                matrix=list(_matrix(whole)),
                confusions=_confusions(whole)[:MOST_IN_MATRIX],
                curves=list(_curves(whole)),
            )
        )
    except (jinja2.TemplateError, AttributeError, KeyError, ValueError, TypeError) as error:
        raise InputError(
            f"The evaluation has no page: it is not what an evaluation writes ({error})."
        ) from error


_MEASURES_OF_NUMBERS: Final = {"rmse": "RMSE", "mae": "MAE", "mean_error": "mean error", "r2": "R2"}
_MEASURES_OF_CLASSES: Final = {
    "accuracy": "accuracy",
    "macro_f1": "macro F1",
    "log_loss": "log loss",
    "macro_auc": "AUC",
}


def _matrix(whole: Result) -> Iterator[tuple[str, list[tuple[int, float]]]]:
    """Yield a row for each label: how often each class was predicted for it, and that as a share."""
    names = list(whole.get("classes", {}))
    for label in names if len(names) <= MOST_IN_MATRIX else ():
        counts = [whole["confusion"].get(label, {}).get(name, 0) for name in names]
        yield label, [(count, count / max(1, sum(counts))) for count in counts]


def _confusions(whole: Result) -> list[tuple[int, str, str]]:
    """Return how often a label was predicted as another class, the most frequent first."""
    found = [
        (count, label, predicted)
        for label, counts in whole.get("confusion", {}).items()
        for predicted, count in counts.items()
        if label != predicted
    ]
    return sorted(found, key=lambda each: (-each[0], each[1], each[2]))


def _curves(whole: Result) -> Iterator[dict[str, Any]]:
    """Yield the classes' curves as points of an SVG of 100 units, whose y goes down."""
    curves = [(name, points) for name, points in whole.get("curves", {}).items() if len(points) > 1]
    for name, points in curves[:MOST_CURVES]:
        text = " ".join(f"{100 * others:.2f},{100 - 100 * own:.2f}" for others, own in points)
        yield {"name": name, "points": text, **whole["auc"][name]}
