"""A plan in words."""

import pytest

from model_mapreduce_job.plan.report import duration, size


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "0.0 s"),
        (9.9, "9.9 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (7199, "120 min"),
        (7200, "2.0 h"),
        (3600 * 47, "47.0 h"),
        (86400 * 3, "3.0 days"),
    ],
)
def test_a_time_is_told_in_the_unit_that_suits_it(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "1 byte"),
        (1 << 20, "1 MiB (1,048,576 bytes)"),
        (3 << 29, "1.5 GiB (1,610,612,736 bytes)"),
        (5 << 50, "5,120 TiB (5,629,499,534,213,120 bytes)"),
    ],
)
def test_bytes_are_told_exactly_and_when_many_in_larger_units(count: int, words: str) -> None:
    assert size(count) == words
