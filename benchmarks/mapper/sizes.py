"""How much a run of the benchmark does."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Rows of each file, and how often each program runs: repetitions that count, warm_ups that don't.

    rows is what the mapper and the floor read; large_rows shows whether memory grows; plain_rows is what the
    plain job reads, which is too slow for more, and whose rate needs no more. All are multiples of 10,000, so
    that a shorter file is the start of a longer one.
    """

    rows: int
    large_rows: int
    plain_rows: int
    warm_ups: int
    repetitions: int


FULL = Sizes(rows=1_000_000, large_rows=10_000_000, plain_rows=100_000, warm_ups=1, repetitions=5)
# Enough to see that it works; too little to judge by.
QUICK = Sizes(rows=20_000, large_rows=40_000, plain_rows=10_000, warm_ups=0, repetitions=1)
