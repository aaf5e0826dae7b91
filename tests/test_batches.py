"""Lines into batches."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_mapreduce_job.formats.records import OverlongLine
from model_mapreduce_job.pipeline.batches import LARGEST_BATCH_BYTES, batches

LONG = OverlongLine(b"x")


@dataclass
class Size:
    """Says a size."""

    size: int


@dataclass
class GrowingSize:
    """Says one more each time that it is read."""

    at: int = 0

    @property
    def size(self) -> int:
        self.at += 1
        return self.at


@dataclass
class ShrinkingSize:
    """Says one less each time that it is read, down to 1."""

    at: int = 12

    @property
    def size(self) -> int:
        self.at = max(1, self.at - 1)
        return self.at


BLOCKS = st.lists(st.just(LONG) | st.lists(st.binary(max_size=2), max_size=9))


def flat(blocks: Any) -> Any:
    return [line for block in blocks for line in ([block] if isinstance(block, OverlongLine) else block)]


@given(BLOCKS, st.integers(1, 7))
@settings(deadline=None)
def test_every_line_is_in_one_batch_and_in_order(blocks: Any, size: int) -> None:
    made = list(batches(blocks, Size(size)))
    assert flat(made) == flat(blocks)
    assert all(isinstance(batch, OverlongLine) or 0 < len(batch) <= size for batch in made)


@given(BLOCKS)
@settings(deadline=None)
def test_the_size_may_change_on_the_way(blocks: Any) -> None:
    assert flat(batches(blocks, GrowingSize())) == flat(blocks)
    assert flat(batches(blocks, ShrinkingSize())) == flat(blocks)


def test_batches_have_the_size_that_is_asked_for_across_blocks() -> None:
    blocks = [[b"a", b"b"], [b"c"], [], [b"d", b"e", b"f", b"g", b"h"]]
    assert list(batches(blocks, Size(3))) == [[b"a", b"b", b"c"], [b"d", b"e", b"f"], [b"g", b"h"]]


def test_an_overlong_line_stands_alone_and_in_its_place() -> None:
    blocks = [[b"a"], LONG, LONG, [b"b", b"c"], LONG]
    assert list(batches(blocks, Size(10))) == [[b"a"], LONG, LONG, [b"b", b"c"], LONG]


@pytest.mark.parametrize("line_bytes", [1 << 20, LARGEST_BATCH_BYTES])
def test_long_lines_make_a_batch_smaller(line_bytes: int) -> None:
    line = b"x" * line_bytes
    sizes = [len(batch) for batch in batches([[line]] * 20, Size(1000))]
    assert sum(sizes) == 20
    assert max(sizes) * line_bytes <= LARGEST_BATCH_BYTES


def test_the_lines_that_are_given_are_left_alone() -> None:
    block = [b"a", b"b"]
    list(batches([block, [b"c"]], Size(10)))
    assert block == [b"a", b"b"]
