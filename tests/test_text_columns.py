"""The rows of a text input as columns of texts: all at once, or one by one, they are the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_mapreduce_job.formats.text_columns import TextColumns

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=1), inner, max_size=2),
    max_leaves=3,
)
ROWS = st.dictionaries(st.sampled_from(["a", "b", "é\n", "é"]), VALUES)
KEYS = st.builds(
    lambda value, ascii_only: json.dumps(value, ensure_ascii=ascii_only).encode(errors="surrogatepass"),
    ROWS | VALUES,
    st.booleans(),
)
OF_CELLS = st.dictionaries(st.sampled_from(["a", "b"]), st.text("ab,\x7fé", max_size=3)).map(
    lambda row: json.dumps(row, ensure_ascii=False).encode()
)


def by_the_row(names: list[str], keys: list[bytes]) -> list[list[Any]]:
    rows = list(map(TextColumns(names).row, keys))
    return [[row[place] for row in rows] for place in range(len(names))]


@given(
    st.sampled_from([["a"], ["a", "b"], ["é\n", "a", "c"]]), st.lists(KEYS | OF_CELLS) | st.lists(OF_CELLS)
)
@settings(deadline=None, max_examples=200)
def test_rows_are_the_same_together_and_alone(names: list[str], keys: list[bytes]) -> None:
    found = [column.to_pylist() for column in TextColumns(names).of(keys)]
    assert found == by_the_row(names, keys)


@pytest.mark.parametrize(
    ("key", "cells"),
    [
        (b'{"a": "007", "b": ""}', ["007", ""]),
        (b'{"a": 1.50, "b": null}', ["1.50", None]),
        (b'{"b": [1,  2], "a": true}', ["true", "[1,  2]"]),
        (b'{"a": "x", "a": "y"}', ["y", None]),
        (b'{"a": "\\ud800\\n"}', ["\\ud800\n", None]),
        (b'{"a": "\\ud83d\\ude00\\n"}', ["\U0001f600\n", None]),
        (b'"a row that can\'t be read"', ["a row that can't be read", None]),
        (b"{}", [None, None]),
    ],
)
def test_a_cell_is_the_text_that_it_is(key: bytes, cells: list[Any]) -> None:
    others = [b'{"a": "x", "b": "y"}'] * 2
    for keys in ([key], [others[0], key, others[1]]):
        columns = TextColumns(["a", "b"]).of(keys)
        assert [column[len(keys) // 2].as_py() for column in columns] == cells


def test_one_column_has_the_whole_text_where_it_has_no_field_of_that_name() -> None:
    (column,) = TextColumns(["n"]).of([b'{"n": 1}', b"5", b'{"m": 2}'])
    assert column.to_pylist() == ["1", "5", '{"m": 2}']
