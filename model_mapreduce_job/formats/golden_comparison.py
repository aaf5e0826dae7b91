"""In what a prediction differs from the one that a golden record must get."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from model_mapreduce_job.formats.golden_records import UNKNOWN, is_error
from model_mapreduce_job.printable import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHOWN_CHARACTERS: Final = 60
_LONGEST_REASON: Final = 200


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
    return printable(repr(value), _SHOWN_CHARACTERS)
