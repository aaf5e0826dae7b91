"""Splits of tables on a cluster: which bytes of which files a task gets."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from model_mapreduce_job.formats.table_format import RowGroup
    from model_mapreduce_job.storage.table_files import TableFile

# As SmallFiles.java has them for text: small files come together, and a slow model has its many tasks.
_SMALL_BYTES: Final = 1 << 20
_TOGETHER_BYTES: Final = 16 << 20
_MOST_FILES: Final = 10_000
# HDFS' own, which a listing does not say.
BLOCK_BYTES: Final = 128 << 20

_T = TypeVar("_T")


class FileRange(NamedTuple):
    """Bytes of a file: its path, the first of them, and how many they are."""

    path: str
    start: int
    length: int

    @property
    def end(self) -> int:
        """The place after the last byte."""
        return self.start + self.length


Ranges = tuple[FileRange, ...]


def split_bytes(total: int, tasks: int, least: int, block: int = BLOCK_BYTES) -> int:
    """Return how many bytes a split has, for these many at least, as FileInputFormat computes it."""
    return max(least, min(total // max(tasks, 1), block), 1)


def is_small(size: int, least: int) -> bool:
    """Return whether so many bytes of a file are too few for a task of their own."""
    return size < max(_SMALL_BYTES, least)


def together(
    small: Sequence[_T], tasks: int, least: int, size_of: Callable[[_T], int], path_of: Callable[[_T], str]
) -> Iterator[list[_T]]:
    """Yield small parts of files together, as the jar puts them: each list is a task's.

    None has two parts of one file, since a task takes its ranges for those of one.
    """
    share = -(-sum(map(size_of, small)) // max(tasks, 1))
    size = max(least, min(share, _TOGETHER_BYTES))
    begun: list[_T] = []
    paths: set[str] = set()
    taken = 0
    for part in small:
        if begun and (taken >= size or len(paths) == _MOST_FILES or path_of(part) in paths):
            yield begun
            begun, paths, taken = [], set(), 0
        begun.append(part)
        paths.add(path_of(part))
        taken += size_of(part)
    if begun:
        yield begun


def table_ranges(
    files: Iterable[TableFile], tasks: int, least: int = 1, *, whole: bool = False
) -> list[Ranges]:
    """Return the ranges of each split, so that each row group's bytes are in one of them.

    whole says that a file can be read from its beginning alone. Else a split has a run of a file's row groups
    and all that is around them, what the file says of itself among it, or several small files. One without
    rows is there where there are none: so an output has a part.
    """
    files = list(files)
    size = split_bytes(sum(file.size for file in files), tasks, least)
    runs = [ranges for file in files for ranges in ([_whole(file)] if whole else _runs(file, size))]
    small = [run for run in runs if is_small(_bytes(run), least)]
    large = [run for run in runs if not is_small(_bytes(run), least)]
    packed = together(small, tasks, least, _bytes, lambda run: run[0].path)
    return [*large, *(tuple(chain.from_iterable(of_task)) for of_task in packed)] or [_whole(files[0])]


def as_text(splits: Iterable[Ranges], uri_of: Callable[[str], str]) -> bytes:
    """Return splits as the jar reads them."""
    lines = (
        "".join(f"{one.start} {one.length} {uri_of(one.path)}\n" for one in ranges) + "\n"
        for ranges in splits
    )
    return "".join(lines).encode(errors="surrogateescape")


def _runs(file: TableFile, size: int) -> Iterator[Ranges]:
    """Yield the ranges of each run of a file's row groups; of the whole file where they are in no order."""
    if not file.rows:
        return
    starts = [group.start for group in file.groups]
    end = file.groups[-1].start + file.groups[-1].size
    if sorted(starts) != starts or starts[0] < 0 or end > file.size:
        yield _whole(file)
        return
    first, ends = 0, [*starts[1:], end]
    for number, behind in enumerate(ends):
        if behind - starts[first] >= size or number + 1 == len(ends):
            if any(group.rows for group in file.groups[first : number + 1]):
                yield _merged(file, starts[0], (starts[first], behind), end)
            first = number + 1


def _merged(file: TableFile, begin: int, run: tuple[int, int], end: int) -> Ranges:
    found: list[FileRange] = []
    for start, behind in ((0, begin), run, (end, file.size)):
        if found and found[-1].end == start:
            found[-1] = found[-1]._replace(length=behind - found[-1].start)
        elif behind > start:
            found.append(FileRange(file.path, start, behind - start))
    return tuple(found)


def _whole(file: TableFile) -> Ranges:
    return (FileRange(file.path, 0, file.size),)


def _bytes(ranges: Iterable[FileRange]) -> int:
    return sum(one.length for one in ranges)


def groups_in(groups: Sequence[RowGroup], ranges: Iterable[FileRange]) -> tuple[int, tuple[RowGroup, ...]]:
    """Return those of a file's row groups that begin in its ranges, and the number of the first."""
    wanted = list(ranges)
    places = [
        place
        for place, group in enumerate(groups)
        if any(one.start <= group.start < one.end for one in wanted)
    ]
    return (places[0], tuple(groups[places[0] : places[-1] + 1])) if places else (0, ())
