"""A few seeds of `make test-faults`."""

from __future__ import annotations

from faults.__main__ import outcomes


def test_a_disturbed_run_leaves_its_whole_output_or_none() -> None:
    """A kill, a failing disk and another input, at a random moment; and the next run gives all of it."""
    assert [outcome.failure for outcome in outcomes((0, 2, 3), at_once=3) if outcome.failure] == []
