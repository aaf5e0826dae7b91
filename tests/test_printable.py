"""Text of unknown origin is shown on one line, harmless and not too long."""

from __future__ import annotations

import ast
import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

import model_mapreduce_job
from model_mapreduce_job.printable import counted, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

# What messages count.
COUNTED = re.compile(
    r" ((different|finished|more|other|row) )?(bytes|cells|cores|days|features|fields|files|groups|headers"
    r"|inputs|keys|lines|models|objects|parts|predictions|records|results|rows)\b(?!/)"
)
# Counts that a message has only where there are more than one, and what is no text for people.
NEVER_ONE = {
    "info.st_size",
    "len(keys)",
    "len(names)",
    "len(predictions)",
    "len(uris)",
    "seconds / _DAY",
    "_all_cores()",
}


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


def test_one_thing_is_no_plural() -> None:
    assert (counted(1, "row"), counted(2, "row"), counted(1000, "row")) == ("1 row", "2 rows", "1,000 rows")


def plurals(tree: ast.AST) -> Iterator[str]:
    """Yield each count in an f-string that a plural follows, but for those of constants."""
    for node in ast.walk(tree):
        for value, after in pairwise(node.values if isinstance(node, ast.JoinedStr) else []):
            if isinstance(value, ast.FormattedValue) and isinstance(after, ast.Constant):
                shown, following = ast.unparse(value.value), str(after.value)
                if COUNTED.match(following) and not shown.isupper() and shown not in NEVER_ONE:
                    yield f"{shown}{following}"


@pytest.mark.parametrize("text", ["f'{n:,} lines = 1'", "f'{len(parts)} finished parts are kept'"])
def test_a_plural_after_a_count_is_found(text: str) -> None:
    assert list(plurals(ast.parse(text)))


def test_no_message_has_a_plural_after_a_count() -> None:
    """`counted` writes these, so that of one thing there is no `1 parts`."""
    package = Path(model_mapreduce_job.__file__).parent
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in package.rglob("*.py"))
    assert [found for tree in trees for found in plurals(tree)] == []
