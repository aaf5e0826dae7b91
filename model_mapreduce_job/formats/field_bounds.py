"""The bounds of a field's numbers, under JSON Schema's names, and what is within them."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Final

import pyarrow.compute as pc

from model_mapreduce_job.models.arrow_arrays import arrow_array

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pyarrow as pa

_HOLDS: Final = {
    "minimum": (operator.ge, pc.greater_equal),
    "maximum": (operator.le, pc.less_equal),
    "exclusiveMinimum": (operator.gt, pc.greater),
    "exclusiveMaximum": (operator.lt, pc.less),
}


def are_within(numbers: Iterable[float], bounds: Mapping[str, float]) -> bool:
    """Return whether numbers, such as the least and the greatest of a column, are all within bounds."""
    return all(_HOLDS[word][0](number, limit) for number in numbers for word, limit in bounds.items())


def columns_within(column: pa.Array, bounds: Mapping[str, float]) -> list[pa.Array]:
    """Return for each bound which of a column's numbers are within it."""
    return [_HOLDS[word][1](column, arrow_array([limit], column.type)[0]) for word, limit in bounds.items()]
