"""Failures: what they keep of an error."""

import pytest
from fakes import UnprintableError
from hypothesis import given, settings
from hypothesis import strategies as st

from model_mapreduce_job.formats.records import MAX_MESSAGE_CHARACTERS, Failure, OverlongLine, one_line


def test_a_failure_has_the_type_and_the_message_of_its_error() -> None:
    assert Failure.of(ValueError("too wide")) == Failure("ValueError", "too wide")


def test_an_error_that_raises_when_printed_has_no_message() -> None:
    assert Failure.of(UnprintableError()) == Failure("UnprintableError", "")


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("1 error\n  x\r\n    is\tbad\n", "1 error x is bad"),
        ("a\u2028b\x85c", "a b c"),
        ("bell \x07", "bell \\x07"),
        ("nul \x00", "nul \\x00"),
        ("red \x1b[31m", "red \\x1b[31m"),
        ("half \ud800", "half \\ud800"),
        ("größe 蝶 🦋", "größe 蝶 🦋"),
        ("", ""),
    ],
)
def test_a_message_is_one_line_that_can_be_printed(message: str, told: str) -> None:
    assert one_line(message) == told


def test_a_long_message_is_cut() -> None:
    assert one_line("x" * 10_000_000) == "x" * MAX_MESSAGE_CHARACTERS


@given(st.text(st.characters(codec=None)))
@settings(deadline=None)
def test_any_message_becomes_one_line_of_utf8(message: str) -> None:
    line = one_line(message)
    assert line.isprintable()
    assert line.encode().decode() == line


def test_failures_and_overlong_lines_can_not_be_changed() -> None:
    with pytest.raises(AttributeError):
        Failure("a", "b").kind = "c"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        OverlongLine(b"").head = b"c"  # type: ignore[misc]
