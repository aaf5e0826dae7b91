"""Fifty seeds of `make torture`."""

from torture import failures


def test_a_killed_run_leaves_its_whole_output_or_none() -> None:
    """Workers, driver or both, at a random moment; and the next run gives all of it."""
    assert failures(range(50)) == []
