"""A seed of `make test-faults`, whose minutes of .ci/run try many."""

from __future__ import annotations

from faults.__main__ import ending, outcomes
from faults.trial import Outcome


def test_a_disturbed_run_leaves_its_whole_output_or_none() -> None:
    """A kill, a failing disk and another input, at a random moment; and the next run gives all of it."""
    assert [outcome.failure for outcome in outcomes((0,)) if outcome.failure] == []


def test_a_series_ends_with_each_seed_that_failed_and_the_command_that_repeats_it() -> None:
    failure = "Traceback (most recent call last):\n  ...\nAssertionError: processes are left\n"
    series = [Outcome(7, (), (0,)), Outcome(8, (), (1,), failure)]
    counts, failed = ending(series, "kill,disk").splitlines()
    assert counts == "1 passed, 1 failed"
    assert failed.startswith("seed 8 FAILED: AssertionError: processes are left; again: make test-faults ")
    assert failed.endswith(" SEEDS=1 FIRST=8 KINDS=kill,disk")
