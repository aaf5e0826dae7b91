"""What a library answers as a column: without an object for each value, where it answers arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from model_mapreduce_job.models.arrow_arrays import arrow_array, of_numpy

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Kinds of NumPy's types that Arrow has the very values of: floats, integers, booleans.
_ALIKE = frozenset("fiub")


def as_column(values: Any, kind: pa.DataType) -> pa.Array:
    """Return values, one for each record, as a column of a type; raises what Arrow raises."""
    if isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind in _ALIKE:
        values = of_numpy(values)
    if isinstance(values, pa.Array):
        return values if values.type == kind else values.cast(kind)
    return pa.array(values, kind)


def chosen(names: NDArray[Any], places: NDArray[np.int64]) -> NDArray[Any] | pa.Array:
    """Return the name at each of the places; texts as a column, with no object for each."""
    if names.dtype.kind not in "OU":
        return names[places]
    return arrow_array(list(map(str, names.tolist())), pa.string()).take(of_numpy(places))
