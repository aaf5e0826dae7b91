"""Digests of values by what they hold."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import sys
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_mapreduce_job.models.content_digest import IncomparableError, comparable, digest_of

if TYPE_CHECKING:
    from pathlib import Path

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=5)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=10,
)


@dataclass
class Limits:
    """What a parameter may be."""

    low: float
    high: float


class Opaque:
    """An object of which nobody knows what it holds."""


@given(values)
def test_a_value_has_one_digest_however_its_dicts_are_ordered(value: Any) -> None:
    assert digest_of(value, follow=False) == digest_of(reordered(value), follow=False)


def reordered(value: Any) -> Any:
    """Return an equal value whose dicts were filled the other way around."""
    if isinstance(value, dict):
        return {key: reordered(value[key]) for key in reversed(list(value))}
    if isinstance(value, list | tuple):
        return type(value)(map(reordered, value))
    return value


@given(values, values)
def test_what_is_written_in_another_way_has_another_digest(one: Any, two: Any) -> None:
    if repr(one) != repr(two) and one != two:
        assert digest_of(one, follow=False) != digest_of(two, follow=False)


def test_a_set_has_the_same_digest_in_each_process() -> None:
    code = (
        "from model_mapreduce_job.models.content_digest import digest_of;"
        "print(digest_of({'words': {'a', 'and', 'of', ('or', 1), frozenset('xyz')}}))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(found) == 1


def test_an_array_counts_whole_with_its_type_and_shape() -> None:
    array = np.arange(5000.0)
    changed = array.copy()
    changed[2500] += 1
    digests = [
        digest_of(each)
        for each in (array, changed, array.astype("f4"), array.reshape(50, 100), np.float64(1), np.int8(1))
    ]
    assert len(set(digests)) == len(digests)
    assert digest_of(np.arange(5000.0)) == digests[0]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({1: "a"}, {"1": "a"}),
        ({(1, 2): 3}, {(1, 3): 3}),
        ([1, [2]], [[1], 2]),
        (["ab", "c"], ["a", "bc"]),
        (Decimal("1.0"), Decimal("1.00")),
        (dt.date(2020, 1, 1), dt.date(2020, 1, 2)),
        (re.compile("a"), re.compile("a", re.IGNORECASE)),
        (Limits(1, 2), Limits(1, 3)),
        (np.array(["a", {1}], dtype=object), np.array(["a", {2}], dtype=object)),
        (len, max),
        (Limits, Decimal),
    ],
)
def test_what_differs_differs(one: Any, two: Any) -> None:
    assert digest_of(one) != digest_of(two)
    assert digest_of(one) == digest_of(one)


def test_a_path_counts_with_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "a.bin").write_bytes(b"1")
    named = {"deep": [str(tmp_path / "weights"), tmp_path / "weights" / "a.bin"]}
    before, unread = digest_of(named), digest_of(named, follow=False)
    (tmp_path / "weights" / "a.bin").write_bytes(b"2")
    assert digest_of(named) != before
    assert digest_of(named, follow=False) == unread


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (lambda: 0, "can't be compared: it is, or holds, a lambda"),
        ([{"deep": Opaque()}], "can't be compared: it is, or holds, an object of Opaque"),
        (sys.stdout, "can't be compared: it is, or holds, an object of "),
    ],
)
def test_what_cannot_be_compared_says_so(value: Any, words: str) -> None:
    assert comparable(value).startswith(words)


def test_a_value_that_contains_itself_says_so() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(IncomparableError, match="contains itself"):
        digest_of(value)


def test_numbers_are_shown_and_texts_are_not() -> None:
    assert [comparable(value) for value in (None, True, 3, 0.5)] == ["None", "True", "3", "0.5"]
    assert "hunter2" not in comparable("hunter2")
