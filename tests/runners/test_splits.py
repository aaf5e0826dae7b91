"""The size and number of splits; where they start is in test_split_boundaries.py."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_mapreduce_job.storage.splits import (
    LARGEST_SPLIT,
    SMALLEST_SPLIT,
    MapTask,
    Split,
    split_files,
    together,
)

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
        (64 * SMALLEST_SPLIT, 2, 34),
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


def test_the_last_splits_are_smaller_so_that_workers_end_together(tmp_path: Path) -> None:
    paths = [tmp_path / "a", tmp_path / "b"]
    for path in paths:
        path.write_text("0123456789\n" * 16_000)
    splits = split_files(map(str, paths), 2, smallest=11_000)
    lengths = [split.length for split in splits]
    assert lengths[:28] == [11_000] * 28
    assert lengths[28:-1] == sorted(lengths[28:-1], reverse=True)
    assert (lengths[-2], sum(lengths)) == (2_750, 352_000)
    assert all(len(task) == 1 for task in together(splits, 2))


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
    splits = tuple(Split(f"in{number}", 0, 30) for number in range(1002))
    assert str(MapTask(0, splits)) == "in0, bytes 0 to 30, and 1,001 more files"
    assert str(MapTask(0, splits[:1])) == "in0, bytes 0 to 30"


def files(*lengths: int) -> list[Split]:
    return [Split(f"in{number}", 0, length) for number, length in enumerate(lengths)]


@pytest.mark.parametrize(
    ("lengths", "workers", "tasks"),
    [
        ([], 2, 0),
        ([0], 2, 1),
        ([10] * 30, 2, 30),
        ([10] * 320, 2, 32),
        ([10] * 320, 1, 16),
        ([SMALLEST_SPLIT] * 100, 2, 100),
        ([SMALLEST_SPLIT // 2] * 1000, 2, 500),
        ([1] * 100_000, 1, 100),
        ([64 * SMALLEST_SPLIT, *([10] * 50), 64 * SMALLEST_SPLIT], 1, 3),
    ],
)
def test_small_files_come_together_as_long_as_each_worker_has_many_tasks(
    lengths: list[int], workers: int, tasks: int
) -> None:
    assert len(list(together(files(*lengths), workers))) == tasks


@given(st.lists(st.integers(0, 40) | st.none()), st.integers(1, 4))
def test_no_split_is_lost_or_moved_and_a_stream_is_a_task_of_its_own(
    lengths: list[int | None], workers: int
) -> None:
    splits = [Split(str(n), 0, it or 0, streamed=it is None) for n, it in enumerate(lengths)]
    found = list(together(splits, workers))
    assert [split for task in found for split in task] == splits
    assert all(len(task) == 1 for task in found if any(split.streamed for split in task))
