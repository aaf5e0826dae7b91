"""Input files into splits: byte ranges that start where a line starts, so that nothing is copied."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from model_mapreduce_job.storage.compression import is_compressed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SMALLEST_SPLIT = 1 << 20
LARGEST_SPLIT = 64 << 20
# So many splits for each worker, that none is idle for long while the others end theirs.
_SPLITS_A_WORKER = 16
_SCAN_BYTES = 1 << 16


@dataclass(frozen=True)
class Split:
    """A part of a file: whole lines, length bytes of them from byte start on; all of a compressed file.

    A streamed input, such as a pipe, is one split of length 0, which is cut into chunks while it's read.
    state is the file's when the split was made: device, inode, size and time; empty where it's not known.
    delimiter and places are a ColumnOrder's, where the file's columns have one of their own.
    """

    path: str
    start: int
    length: int
    streamed: bool = False
    delimiter: str = ""
    places: tuple[int, ...] = ()
    state: tuple[int, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        """Make state and places what they were before they went through JSON."""
        object.__setattr__(self, "places", tuple(self.places))
        object.__setattr__(self, "state", tuple(self.state))

    def __str__(self) -> str:
        """Return how messages name the split."""
        return (
            self.path
            if self.streamed
            else f"{self.path}, bytes {self.start:,} to {self.start + self.length:,}"
        )


def file_state(info: os.stat_result) -> tuple[int, int, int, int]:
    """Return what is another when a file was replaced, written or cut: device, inode, size, time in ns."""
    return info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns


def plan_splits(paths: Iterable[str], workers: int, smallest: int = SMALLEST_SPLIT) -> list[Split]:
    """Return the splits of files, in their order; raises OSError for a file that can't be read."""
    files = [(path, os.stat(path)) for path in paths]  # noqa: PTH116 - paths are mrjob's, text
    total = sum(info.st_size for path, info in files if not is_compressed(path))
    size = min(max(total // (workers * _SPLITS_A_WORKER), smallest), LARGEST_SPLIT)
    return [split for path, info in files for split in _split_file(path, info, size)]


def _split_file(path: str, info: os.stat_result, size: int) -> Iterator[Split]:
    # a file without a name, such as a shell's here-document, can't be opened by another process
    if not stat.S_ISREG(info.st_mode) or info.st_nlink == 0:
        yield Split(path, 0, 0, streamed=True)
    elif is_compressed(path):
        yield Split(path, 0, info.st_size, state=file_state(info))
    else:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - paths are mrjob's, text
            yield from _ranges(path, file, info, size)


def _ranges(path: str, file: BinaryIO, info: os.stat_result, size: int) -> Iterator[Split]:
    start, end = 0, info.st_size
    while start < end:
        following = _line_start(file, start + size, end) if start + size < end else end
        yield Split(path, start, following - start, state=file_state(info))
        start = following


def _line_start(file: BinaryIO, offset: int, end: int) -> int:
    """Return where the first line starts that starts at this offset or behind it; the end if none does."""
    position = offset - 1
    file.seek(position)
    while position < end and (data := file.read(_SCAN_BYTES)):
        newline = data.find(b"\n")
        if newline >= 0:
            return min(position + newline + 1, end)
        position += len(data)
    return end
