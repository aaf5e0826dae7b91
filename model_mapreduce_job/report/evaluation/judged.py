"""A record of the job's output with its label: whether it can be judged, and by what."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_mapreduce_job.report.evaluation.questions import Questions

EVALUATED: Final = "evaluated"
FAILED: Final = "failed"
UNLABELLED: Final = "without a label"
UNREADABLE: Final = "unreadable"
NO_PREDICTION: Final = "without the predicted field"
NO_CLASS: Final = "of no class"
NO_NUMBER: Final = "of no number"
OUTCOMES: Final = (EVALUATED, FAILED, UNLABELLED, UNREADABLE, NO_PREDICTION, NO_CLASS, NO_NUMBER)

HINTS: Final = {
    FAILED: "Every prediction failed.",
    UNLABELLED: "Check --label_field: no record has a value in it.",
    UNREADABLE: "Give output of --output_protocol json or ldjson.",
    NO_PREDICTION: "Name a field that the predictions have with --predicted_field.",
    NO_CLASS: "Label and prediction have to be texts of 1 to 200 characters, numbers or booleans.",
    NO_NUMBER: "With --numbers label and prediction have to be numbers from -1e140 to 1e140.",
}

LONG_GROUP: Final = '"(more than 200 characters)"'
_MOST_CHARACTERS: Final = 200
_LARGEST: Final = 1e140  # squares of these can still be added up
_NEARLY: Final = 1e-3  # probabilities of 32 bits don't sum up to 1


class Judged(NamedTuple):
    """What became of a record: an outcome, and of one that is evaluated its label and what was predicted.

    group is the JSON text of its group's value. chances are probabilities by class, None where there are
    none that make sense.
    """

    outcome: str
    group: str = "null"
    label: Any = None
    predicted: Any = None
    chances: Mapping[str, float] | None = None


def judged(line: bytes, questions: Questions) -> Judged:
    """Return what became of the record in a line of the job's output, of json (with a TAB) or ldjson."""
    try:
        record, prediction = _pair(line)
    except (ValueError, TypeError, KeyError, RecursionError):
        return Judged(UNREADABLE)
    group = _group(record, questions.group)
    try:
        predicted = _predicted(prediction, questions.predicted)
    except KeyError:
        return Judged(NO_PREDICTION, group)
    if predicted is None:
        return Judged(FAILED, group)
    label = _field_or_none(record, questions.label)
    if label is None or label == "":  # an empty cell
        return Judged(UNLABELLED, group)
    if questions.numbers:
        return _of_numbers(group, number_of(label), number_of(predicted))
    return _of_classes(group, class_of(label), class_of(predicted), prediction, questions)


def _pair(line: bytes) -> tuple[Any, Any]:
    record, tab, prediction = line.partition(b"\t")
    if tab:
        return json.loads(record), json.loads(prediction)
    both = json.loads(line)
    return both["input"], both["prediction"]


def field_of(value: Any, path: str) -> Any:
    """Return the field of an object; `a.b` is the field b of a, unless a field has that name.

    None is what is in a null, or in a failure. Raises KeyError for a field that is not there.
    """
    if value is None or _is_failure(value):
        return None
    if not isinstance(value, dict):
        raise KeyError(path)
    if path in value:
        return value[path]
    first, dot, rest = path.partition(".")
    if not dot:
        raise KeyError(path)
    return field_of(value[first], rest)


def _field_or_none(value: Any, path: str) -> Any:
    try:
        return field_of(value, path)
    except KeyError:
        return None


def _is_failure(prediction: Any) -> bool:
    """Whether a prediction is what --on_error explain writes in its place."""
    if not isinstance(prediction, dict) or set(prediction) != {"error"}:
        return False
    return isinstance(prediction["error"], dict) and {"type", "message"} <= set(prediction["error"])


def _group(record: Any, field: str) -> str:
    text = json.dumps(_field_or_none(record, field), sort_keys=True) if field else "null"
    return text if len(text) <= _MOST_CHARACTERS else LONG_GROUP


def _predicted(prediction: Any, field: str) -> Any:
    """Return what was predicted: the field that is named, or all that there is."""
    if field or prediction is None or _is_failure(prediction):
        return field_of(prediction, field)
    if not isinstance(prediction, dict):
        return prediction
    if len(prediction) != 1:
        raise KeyError(field)
    return next(iter(prediction.values()))


def class_of(value: Any) -> str | None:
    """Return the name of a class: a text, `true` for True, `1` for 1 and 1.0; None for what can't be one."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    is_class = isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))
    text = str(value) if is_class else ""
    return text if 0 < len(text) <= _MOST_CHARACTERS else None


def number_of(value: Any) -> float | None:
    """Return a number, or a text of one, as a float; None for what is none, or is too large to square."""
    if isinstance(value, bool) or not isinstance(value, str | int | float) or "_" in str(value):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) <= _LARGEST else None


def _of_numbers(group: str, label: float | None, predicted: float | None) -> Judged:
    if label is None or predicted is None:
        return Judged(NO_NUMBER, group)
    return Judged(EVALUATED, group, label, predicted)


def _of_classes(
    group: str, label: str | None, predicted: str | None, prediction: Any, questions: Questions
) -> Judged:
    if label is None or predicted is None:
        return Judged(NO_CLASS, group)
    chances = _chances(prediction, predicted, questions) if questions.asks_for_probabilities else None
    return Judged(EVALUATED, group, label, predicted, chances)


def _chances(prediction: Any, predicted: str, questions: Questions) -> Mapping[str, float] | None:
    found = _field_or_none(prediction, questions.probability) if questions.probability else prediction
    if questions.positive:
        return _of_one(found, predicted, questions)
    if isinstance(found, list):
        found = (
            dict(zip(questions.classes, found, strict=True)) if len(found) == len(questions.classes) else None
        )
    elif isinstance(found, dict) and questions.classes:
        found = {name: found.get(name) for name in questions.classes}
    return _checked(found) if isinstance(found, dict) else None


def _of_one(found: Any, predicted: str, questions: Questions) -> Mapping[str, float] | None:
    """Return the probability of the positive class alone."""
    if not _is_probability(found):
        return None
    is_own = not questions.of_predicted or predicted == questions.positive
    return {questions.positive: _clipped(found if is_own else 1 - found)}


def _checked(chances: Mapping[str, Any]) -> Mapping[str, float] | None:
    """Return probabilities that sum up to 1, or None."""
    if not all(map(_is_probability, chances.values())):
        return None
    return (
        {class_of(name) or name: _clipped(value) for name, value in chances.items()}
        if abs(sum(chances.values()) - 1) <= _NEARLY
        else None
    )


def _is_probability(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -_NEARLY <= value <= 1 + _NEARLY


def _clipped(value: float) -> float:
    return min(1.0, max(0.0, float(value)))
