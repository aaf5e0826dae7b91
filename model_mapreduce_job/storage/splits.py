"""Splits of input files: byte ranges that start where a line starts, so that nothing is copied."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from model_mapreduce_job.formats.table_format import RowGroup  # noqa: TC001 - msgspec looks at it
from model_mapreduce_job.printable import counted
from model_mapreduce_job.storage.compression import is_compressed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import BinaryIO

SMALLEST_SPLIT = 1 << 20
LARGEST_SPLIT = 64 << 20
# Enough splits for each worker that none is idle for long while the others finish.
SPLITS_A_WORKER = 16
# When this many splits a worker are left, each is a share of these, down to a quarter of the others' size.
_LAST_SPLITS = 2
_SMALLER = 4
# A message with the splits of a task should not grow with the input.
_MOST_TOGETHER = 1000
_SCAN_BYTES = 1 << 16


class TablePart(msgspec.Struct, frozen=True):
    """Which of a table's rows a split has: those of its file's row groups from number first on.

    partition has the columns that the names of its directories give, each with its value there. Of a row
    group that several splits share, before has the number of rows that come before this one's, and taken that
    of its own.
    """

    first: int
    groups: tuple[RowGroup, ...]
    partition: tuple[tuple[str, str | None], ...] = ()
    before: int = 0
    taken: int | None = None

    @property
    def rows(self) -> int:
        """How many rows there are, by the file's own metadata."""
        return sum(group.rows for group in self.groups) if self.taken is None else self.taken

    @property
    def has_the_last(self) -> bool:
        """Whether there are no more rows in the row groups after this split's."""
        return self.before + self.rows >= sum(group.rows for group in self.groups)


@dataclass(frozen=True)
class Split:
    """A part of a file: whole lines, from byte start on, length bytes long; a compressed file is one split.

    A streamed input, such as a pipe, is one split of length 0, which is cut into chunks while it's read.
    state is the file's file_state() when the split was made; empty where it's not known. delimiter and places
    are those of a ColumnOrder, where the file's columns are in another order than the run's. table is there
    where the file is no text.
    """

    path: str
    start: int
    length: int
    streamed: bool = False
    delimiter: str = ""
    places: tuple[int, ...] = ()
    table: TablePart | None = None
    state: tuple[int, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        """Restore tuples, which JSON turns into lists."""
        object.__setattr__(self, "places", tuple(self.places))
        object.__setattr__(self, "state", tuple(self.state))

    def __str__(self) -> str:
        """Return the split's name in messages."""
        if self.table:
            shared = (
                ""
                if self.table.taken is None
                else f", {counted(self.table.rows, 'row')} from {self.table.before:,} on"
            )
            groups = counted(len(self.table.groups), "row group")
            return f"{self.path}, {groups} from {self.table.first:,} on{shared}"
        return (
            self.path
            if self.streamed
            else f"{self.path}, bytes {self.start:,} to {self.start + self.length:,}"
        )


class MapTask(msgspec.Struct, frozen=True):
    """One map task: its number, from 0 in the order of the input, its splits, and a streamed split's bytes.

    Splits are read one after the other; of several, each is of another file.
    """

    number: int
    splits: tuple[Split, ...]
    data: bytes = b""

    def __str__(self) -> str:
        """Return the task's splits as messages name them."""
        first, *more = self.splits
        return f"{first}, and {counted(len(more), 'more file')}" if more else str(first)

    @property
    def length(self) -> int:
        """How many bytes the splits have, or the data."""
        return sum(split.length for split in self.splits) or len(self.data)

    @property
    def file(self) -> str:
        """The path of its file; of several, what Hadoop's tasks find of theirs."""
        more = len(self.splits) - 1
        return f"{self.splits[0].path} and {more} more" if more else self.splits[0].path


def file_state(info: os.stat_result) -> tuple[int, int, int, int]:
    """Return device, inode, size and time (ns) of a file, one of which changes when the file does."""
    return info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns


def size_in(state: tuple[int, ...]) -> int:
    """Return the size, in bytes, that a file_state() has."""
    return state[2]


def split_files(
    paths: Iterable[str], workers: int, smallest: int = SMALLEST_SPLIT, *, whole: bool = False
) -> list[Split]:
    """Return the splits of files, in their order; with whole, each file is one.

    Raises OSError for a file that can't be read.
    """
    files = [(path, os.stat(path)) for path in paths]  # noqa: PTH116 - paths are mrjob's, text
    left = sum(info.st_size for path, info in files if not is_compressed(path))
    size = _all if whole else _sizes(left, workers, smallest)
    splits: list[Split] = []
    for path, info in files:
        splits += _split_file(path, info, size, left)
        left -= 0 if is_compressed(path) else info.st_size
    return splits


def together(splits: Sequence[Split], workers: int) -> Iterator[tuple[Split, ...]]:
    """Yield the splits of each task, in their order: those of small files that follow each other together.

    Each worker still gets as many tasks as a large file would give it, if there are so many files.
    """
    total = sum(split.length for split in splits)
    size = min(total // (workers * SPLITS_A_WORKER), SMALLEST_SPLIT)
    some: list[Split] = []
    left = size
    for split in splits:
        if some and (split.length > left or split.start or split.streamed or len(some) == _MOST_TOGETHER):
            yield tuple(some)
            some, left = [], size
        some.append(split)
        left = -1 if split.streamed else left - split.length
    if some:
        yield tuple(some)


def _all(left: int) -> int:
    return left


def _sizes(total: int, workers: int, smallest: int) -> Callable[[int], int]:
    """Return what gives a split's size when so many bytes of the total are left.

    The last are smaller, for several workers, so that these end at about the same time.
    """
    size = min(max(total // (workers * SPLITS_A_WORKER), smallest), LARGEST_SPLIT)
    if workers == 1 or total < workers * _LAST_SPLITS * size:
        return lambda _left: size
    return lambda left: min(size, max(left // (workers * _LAST_SPLITS), size // _SMALLER))


def _split_file(path: str, info: os.stat_result, size: Callable[[int], int], left: int) -> Iterator[Split]:
    # a file without a name, such as a shell's here-document, can't be opened by another process
    if not stat.S_ISREG(info.st_mode) or info.st_nlink == 0:
        yield Split(path, 0, 0, streamed=True)
    elif is_compressed(path):
        yield Split(path, 0, info.st_size, state=file_state(info))
    else:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - paths are mrjob's, text
            yield from _ranges(path, file, info, lambda start: size(left - start))


def _ranges(path: str, file: BinaryIO, info: os.stat_result, size: Callable[[int], int]) -> Iterator[Split]:
    start, end = 0, info.st_size
    while start < end:
        aim = start + size(start)
        following = _line_start(file, aim, end) if aim < end else end
        yield Split(path, start, following - start, state=file_state(info))
        start = following


def _line_start(file: BinaryIO, offset: int, end: int) -> int:
    """Return the start of the first line at or after this offset; the end if there is none."""
    position = offset - 1
    file.seek(position)
    while position < end and (data := file.read(_SCAN_BYTES)):
        newline = data.find(b"\n")
        if newline >= 0:
            return min(position + newline + 1, end)
        position += len(data)
    return end
