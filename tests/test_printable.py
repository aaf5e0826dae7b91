"""Text of unknown origin is shown on one line, harmless and not too long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_mapreduce_job.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, naïve and 漢字", "plain, naïve and 漢字"),
        ("x\ncomplete: 3 lines", r"x\ncomplete: 3 lines"),
        ("a\x1b]0;owned\x07b", r"a\x1b]0;owned\x07b"),
        ("right \u202e to left", r"right \u202e to left"),
        ("no UTF-8: \udcff", r"no UTF-8: \udcff"),
    ],
)
def test_what_can_not_be_printed_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_of_a_long_text_the_beginning_and_the_end_are_kept() -> None:
    shown = printable("a" * 50 + "b" * 100 + "Name another.", 60)
    assert shown == "a" * 37 + " ... " + "bbbbbName another."


@given(st.text(), st.integers(20, 60))
def test_any_text_becomes_one_line_within_the_limit(text: str, limit: int) -> None:
    shown = printable(text, limit)
    assert shown.isprintable()
    assert len(shown) <= limit
