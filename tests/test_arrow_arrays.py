"""Arrow arrays that are made without pandas are those that pyarrow makes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_mapreduce_job.models.arrow_arrays import arrow_array, float_columns, of_numpy, plain_values

KINDS = {
    pa.float64(): st.floats(),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.bool_(): st.booleans(),
    pa.string(): st.text(),
    pa.binary(): st.binary(),
    pa.list_(pa.float64()): st.lists(st.floats()),
}


_columns = st.sampled_from(list(KINDS)).flatmap(
    lambda kind: st.tuples(st.lists(st.none() | KINDS[kind], max_size=20), st.just(kind))
)


@given(_columns)
def test_values_become_what_pyarrow_makes_of_them(column: tuple[list[Any], pa.DataType]) -> None:
    values, kind = column
    made, expected = arrow_array(values, kind), pa.array(values, kind)
    made.validate(full=True)
    assert (made.type, len(made), made.null_count) == (kind, len(expected), expected.null_count)
    assert repr(made.to_pylist()) == repr(expected.to_pylist()) == repr(plain_values(made))


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (0, pa.string()),
        ([], pa.string()),
        (0, pa.binary()),
        ("\ud83d", pa.string()),
        (1.5, pa.int64()),
        (2**63, pa.int64()),
        (2, pa.bool_()),
        (300, pa.bool_()),
        ("x", pa.float64()),
        ({}, pa.float64()),
    ],
)
def test_a_value_of_another_type_raises(value: Any, kind: pa.DataType) -> None:
    for values in ([value], [value, None]):
        with pytest.raises((TypeError, ValueError, OverflowError)):
            arrow_array(values, kind)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f8", "i1", "u8", ">i4", "?"])
@pytest.mark.parametrize("step", [1, 2, -1])
def test_arrays_of_numpy_become_the_same_values(dtype: str, step: int) -> None:
    values = np.arange(10).astype(dtype)[::step]
    made = of_numpy(values)
    made.validate(full=True)
    assert made.to_pylist() == plain_values(made) == values.tolist()
    assert plain_values(made.slice(2)) == values.tolist()[2:]


def test_columns_of_floats_are_made_all_at_once() -> None:
    """Of the values of one row after the other; not where one is NaN, or too large."""
    rows = [[1.5, None, -0.0], [None, None, 2], [5e-324, None, 1.7e308]]
    made = float_columns([value for row in rows for value in row], 3)
    assert made is not None
    expected = [arrow_array(list(values), pa.float64()) for values in zip(*rows, strict=True)]
    assert [column.to_pylist() for column in made] == [column.to_pylist() for column in expected]
    for other in (math.nan, 10**400):
        assert float_columns([1.0, other], 2) is None
