"""Golden records: those of a file of lines of JSON, and in what a prediction differs from what it must be."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.lines import strip_bom_and_cr
from model_mapreduce_job.formats.protocols import decode_fields, is_json
from model_mapreduce_job.formats.stamp import STAMP
from model_mapreduce_job.printable import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Of a record that only has to be predicted, with whatever comes out.
UNKNOWN: Final = object()
# What a line may call a record: --verify's own word, and that of ldjson output.
_RECORD_NAMES: Final = ("record", "input")
_PREDICTION: Final = "prediction"
_SHOWN_CHARACTERS: Final = 80
_LONGEST_VALUE: Final = 60
_LONGEST_REASON: Final = 200


@dataclass(frozen=True)
class GoldenRecord:
    """A record's JSON text, the prediction that it must get, and its place in its file, in words.

    The prediction is None where the record has to fail, UNKNOWN where it only has to be predicted; of several
    models it is a dict of that by their names.
    """

    text: bytes
    expected: Any
    place: str


def golden_lines(data: bytes, name: str, models: Sequence[str] = ()) -> list[GoldenRecord]:
    """Return the golden records of a file of this name; blank lines are none.

    A line is {"record": ..., "prediction": ...}, or one of the job's own json or ldjson output; models are
    those whose predictions are objects by name, where there are several. Raises InputError for any other.
    """
    lines = enumerate(map(strip_bom_and_cr, data.split(b"\n")), 1)
    return [_golden(line, number, name, models) for number, line in lines if line.strip()]


def expected_of(prediction: Any) -> Any:
    """Return what must come out for a prediction that was written: None for NaN, which the job fails."""
    return None if has_nan(prediction) else prediction


def _golden(line: bytes, number: int, name: str, models: Sequence[str]) -> GoldenRecord:
    place = f"line {number:,}"
    try:
        record, prediction = _record_and_prediction(line)
    except (ValueError, TypeError, KeyError, StopIteration, RecursionError):
        shown = printable(line.decode(errors="backslashreplace"), _SHOWN_CHARACTERS)
        raise InputError(
            f"--verify {name}, {place}, is no record with its prediction: {shown}. A line is "
            '{"record": ..., "prediction": ...}, or one of the job\'s own json or ldjson output.'
        ) from None
    if not models:
        return GoldenRecord(record, _expected(prediction), place)
    if not (isinstance(prediction, dict) and prediction.keys() == {*models}):
        raise InputError(
            f"--verify {name}, {place}, has no prediction of each of {', '.join(models)}: with several "
            "models, a prediction is an object by their names, as the job writes it."
        )
    return GoldenRecord(record, {each: _expected(prediction[each]) for each in models}, place)


def _record_and_prediction(line: bytes) -> tuple[bytes, Any]:
    """Return a line's record as it was written, and its prediction; raises for a line that has none."""
    key, tab, pair = line.partition(b"\t")
    if tab and is_json(key):
        return key, _without_stamp(json.loads(pair))
    fields = _fields(line)
    record = next(fields[each] for each in _RECORD_NAMES if each in fields)
    return record, json.loads(fields[_PREDICTION])


def _fields(line: bytes) -> Mapping[str, bytes]:
    """Return the fields of an object as the text that they were written in."""
    try:
        return {name: bytes(value) for name, value in decode_fields(line).items()}
    except msgspec.MsgspecError:  # NaN, as Python writes it
        found = json.loads(line)
        return {name: json.dumps(value).encode() for name, value in dict(found).items()}


def _without_stamp(prediction: Any) -> Any:
    if isinstance(prediction, dict) and prediction.keys() == {_PREDICTION, STAMP}:
        return prediction[_PREDICTION]
    return prediction


def _expected(prediction: Any) -> Any:
    """Return what must come out: None for an error as for a failure."""
    return None if is_error(prediction) else expected_of(prediction)


def is_error(prediction: Any) -> bool:
    """Return whether a prediction is what --on_error explain writes for a record that failed."""
    error = prediction.get("error") if isinstance(prediction, dict) and len(prediction) == 1 else None
    return isinstance(error, dict) and error.keys() >= {"type", "message"}


def has_nan(value: Any) -> bool:
    """Return whether a value is, or holds, NaN."""
    if isinstance(value, dict):
        return any(map(has_nan, value.values()))
    if isinstance(value, list):
        return any(map(has_nan, value))
    return isinstance(value, float) and math.isnan(value)


def difference(expected: Any, found: Any, tolerance: float) -> str:
    """Return the first difference between predictions, in words; nothing where there is none.

    Numbers of which one is a float may differ by a share of the greater one, the tolerance; texts, whole
    numbers, booleans and null not at all. An error is what comes out for a record that fails.
    """
    if is_error(found):
        if expected is None:
            return ""
        reason = "{type}: {message}".format(**found["error"])
        return f"it failed: {printable(reason, _LONGEST_REASON)}"
    return "" if expected is UNKNOWN else _difference(expected, found, tolerance, "")


def difference_by_model(expected: Mapping[str, Any], found: Mapping[str, Any], tolerance: float) -> str:
    """Return the first difference between several models' predictions, with the model that it is of."""
    pairs = ((name, difference(each, found[name], tolerance)) for name, each in expected.items())
    return next((f"{name}: {words}" for name, words in pairs if words), "")


def _difference(expected: Any, found: Any, tolerance: float, at: str) -> str:
    if isinstance(expected, dict) and isinstance(found, dict) and expected.keys() == found.keys():
        members = ((expected[name], found[name], f"{at}.{name}" if at else name) for name in expected)
        return next(filter(None, (_difference(*member[:2], tolerance, member[2]) for member in members)), "")
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        items = enumerate(zip(expected, found, strict=True))
        return next(filter(None, (_difference(*pair, tolerance, f"{at}[{i}]") for i, pair in items)), "")
    if _alike(expected, found, tolerance):
        return ""
    return f"{f'{at} is ' if at else ''}{_shown(found)} and must be {_shown(expected)}"


def _alike(expected: Any, found: Any, tolerance: float) -> bool:
    kinds = {type(expected), type(found)}
    if float in kinds and kinds <= {float, int}:
        return math.isclose(expected, found, rel_tol=tolerance)
    return len(kinds) == 1 and bool(expected == found)


def _shown(value: Any) -> str:
    return printable(repr(value), _LONGEST_VALUE)
