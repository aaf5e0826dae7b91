"""The size and number of splits; where they start is in test_split_boundaries.py."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from model_mapreduce_job.storage.splits import LARGEST_SPLIT, SMALLEST_SPLIT, Split, split_files

if TYPE_CHECKING:
    from pathlib import Path


def sparse(path: Path, size: int) -> str:
    """Make a file of this size that takes no room, with newlines at a few places."""
    with path.open("wb") as file:
        file.truncate(size)
        for place in range(SMALLEST_SPLIT - 1, size, SMALLEST_SPLIT):
            file.seek(place)
            file.write(b"\n")
    return str(path)


@pytest.mark.parametrize(
    ("size", "workers", "splits"),
    [
        (0, 2, 0),
        (1, 2, 1),
        (SMALLEST_SPLIT, 2, 1),
        (64 * SMALLEST_SPLIT, 2, 32),
        (64 * SMALLEST_SPLIT, 1, 16),
    ],
)
def test_there_are_some_splits_for_each_worker_but_no_small_ones(
    tmp_path: Path, size: int, workers: int, splits: int
) -> None:
    assert len(split_files([sparse(tmp_path / "in", size)], workers)) == splits


def test_no_split_is_larger_than_a_task_that_is_tried_again_should_be(tmp_path: Path) -> None:
    splits = split_files([sparse(tmp_path / "in", 40 * LARGEST_SPLIT)], 1)
    assert {split.length for split in splits} == {LARGEST_SPLIT}


def test_a_line_that_starts_at_a_boundary_starts_a_split(tmp_path: Path) -> None:
    path = sparse(tmp_path / "in", 4 * SMALLEST_SPLIT)
    assert [split.start for split in split_files([path], 1)] == [SMALLEST_SPLIT * n for n in range(4)]


def test_a_compressed_file_is_one_split_and_a_pipe_is_streamed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    packed = sparse(tmp_path / "in.gz", 5 * SMALLEST_SPLIT)
    assert split_files([packed, str(tmp_path / "fifo")], 1) == [
        Split(packed, 0, 5 * SMALLEST_SPLIT),
        Split(str(tmp_path / "fifo"), 0, 0, streamed=True),
    ]


def test_messages_say_where_a_split_is() -> None:
    assert str(Split("in", 1000, 2000)) == "in, bytes 1,000 to 3,000"
    assert str(Split("-", 0, 0, streamed=True)) == "-"
