"""Why the first predictions don't say which columns an output has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from model_mapreduce_job.formats.encoding import predictions_of
from model_mapreduce_job.formats.prediction_columns import common_type

if TYPE_CHECKING:
    from collections.abc import Sequence

_WORDS: Final = {
    bool: "booleans",
    int: "numbers",
    float: "numbers",
    str: "texts",
    list: "lists",
    dict: "objects",
}


def why_unknown(texts: Sequence[bytes]) -> str:
    """Return what of predictions, given as JSON, no columns can hold, in words."""
    values = predictions_of(texts)
    if not values:
        return "are failures or null"
    if not all(isinstance(value, dict) for value in values):
        return f"are {_kinds(values)}"
    names = dict.fromkeys(name for value in values for name in value)
    columns = {name: [value.get(name) for value in values] for name in names}
    mixed = next((name for name, column in columns.items() if common_type(column) is None), None)
    return "have only nulls" if mixed is None else f"have {_kinds(columns[mixed])} in the column {mixed}"


def _kinds(values: Sequence[Any]) -> str:
    if any(type(value) is int and not -(2**63) <= value < 2**63 for value in values):
        return "whole numbers beyond int64"
    kinds = sorted({_WORDS[type(value)] for value in values if value is not None})
    return " and ".join(kinds) if len(kinds) > 1 else f"{''.join(kinds)} of several types"
