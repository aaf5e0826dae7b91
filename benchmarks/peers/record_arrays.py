"""Turns decoded records into the arrays that the models take, for the peers that work record by record."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from served_model import Numbers, ServedModel, Texts

Record = dict[str, Any]


def arrays(records: Sequence[Record], model: ServedModel) -> tuple[Numbers, Texts]:
    """Return the numbers and the texts of the records; a value of the wrong type counts as missing."""
    rows = len(records)
    numbers = [[number(record.get(name)) for name in model.numbers] for record in records]
    texts = [[text(record.get(name)) for name in model.texts] for record in records]
    return (
        np.array(numbers, dtype=np.float32).reshape(rows, len(model.numbers)),
        np.array(texts, dtype=np.object_).reshape(rows, len(model.texts)),
    )


def number(value: Any) -> float:
    """Return the value as a float, NaN when it is not a number."""
    return float(value) if isinstance(value, float | int) and not isinstance(value, bool) else math.nan


def text(value: Any) -> str:
    """Return the value, the empty text when it is not one."""
    return value if isinstance(value, str) else ""
