"""The files of a table: what each says of its rows, the columns that its directories name, and its splits."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from itertools import pairwise
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import msgspec

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.table_format import RowGroup  # noqa: TC001 - msgspec looks at it
from model_mapreduce_job.storage.inputs import STDIN, list_inputs, local_path
from model_mapreduce_job.storage.splits import (
    LARGEST_SPLIT,
    SMALLEST_SPLIT,
    SPLITS_A_WORKER,
    Split,
    TablePart,
    file_state,
    size_in,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Each task that shares a row group decodes what is before its own rows.
_MOST_TO_SHARE: Final = 8
_WILD: Final = frozenset("*?[")
# What Hive and Spark write for null.
_NULL: Final = "__HIVE_DEFAULT_PARTITION__"


class TablePlace(msgspec.Struct, frozen=True):
    """Where a file of rows is: the path that a person knows it by, and what its directories name.

    Of a file that is elsewhere, copy is what this machine has of it, all that describes it, and state stands
    for its file_state().
    """

    path: str
    partition: tuple[tuple[str, str | None], ...] = ()
    state: tuple[int, ...] = ()
    copy: str = ""

    @property
    def absolute(self) -> str:
        """The path by which any process knows the file."""
        return self.path if self.copy else str(Path(self.path).absolute())


class TableFile(msgspec.Struct, frozen=True):
    """A file of rows: its absolute path, its file_state(), its row groups, and what its directories name.

    A file that is elsewhere, and does not say at its end what is in it, has no row groups here.
    """

    path: str
    state: tuple[int, ...]
    groups: tuple[RowGroup, ...] = ()
    partition: tuple[tuple[str, str | None], ...] = ()

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return size_in(self.state)

    @property
    def rows(self) -> int:
        """How many rows it has, as it says itself."""
        return sum(group.rows for group in self.groups)


def named_files(patterns: Iterable[str]) -> Iterator[TablePlace]:
    """Yield the files that paths and globs name, each with the columns that its directories give it.

    A directory of the form name=value gives one, where it's below a directory that was named, or where a
    glob may match it. Raises InputError, as list_inputs does.
    """
    for pattern in patterns:
        if pattern == STDIN:
            raise InputError("A table can't be read from standard input. Name its files.")
        root = _root(local_path(pattern))
        for path in list_inputs([pattern]):
            yield TablePlace(path, partition_of(Path(path), root))


def partition_of(path: PurePath, root: PurePath) -> tuple[tuple[str, str | None], ...]:
    """Return the columns, with their values, that a file's directories below a root give."""
    below = path.relative_to(root).parts[:-1] if path.is_relative_to(root) else ()
    pairs = (part.partition("=") for part in below if "=" in part)
    return tuple((unquote(name), None if value == _NULL else unquote(value)) for name, _, value in pairs)


def split_tables(files: Iterable[TableFile], workers: int) -> list[Split]:
    """Return the splits of files, in their order: runs of row groups; one without rows where there are none.

    So an output has a part, which says what its columns are, whatever was read. A row group that is more than
    half of a worker's share of all bytes is shared by several splits.
    """
    files = list(files)
    total = sum(group.size for file in files for group in file.groups)
    size = min(max(total // (workers * SPLITS_A_WORKER), SMALLEST_SPLIT), LARGEST_SPLIT)
    runs = [split for file in files for split in _split(file, size)]
    half = max(total / workers / 2, SMALLEST_SPLIT)
    most = min(workers, _MOST_TO_SHARE)
    return [part for run in runs for part in _shared(run, min(most, math.ceil(run.length / half)))] or list(
        map(_nothing_of, files[:1])
    )


def refuse_if_changed_since(files: Iterable[TableFile]) -> None:
    """Raise InputError for a file without rows that has changed since it was looked at: no task read it."""
    for file in files:
        if not file.rows and file_state(os.stat(file.path)) != file.state:  # noqa: PTH116 - mrjob's, text
            raise InputError(
                f"{file.path} was written to while the run went on. Run again when nothing writes to it."
            )


def _split(file: TableFile, size: int) -> Iterator[Split]:
    start = first = length = 0
    taken: list[RowGroup] = []
    for number, group in enumerate(file.groups):
        taken.append(group)
        length += group.size
        if length < size and number + 1 < len(file.groups):
            continue
        if any(one.rows for one in taken):
            part = TablePart(first, tuple(taken), file.partition)
            yield Split(file.path, start, length, state=file.state, table=part)
        start, first, length, taken = start + length, number + 1, 0, []


def _shared(split: Split, count: int) -> Iterator[Split]:
    """Yield splits that have a split's rows together, one after the other, if they are of one row group."""
    whole = split.table
    if whole is None or len(whole.groups) > 1 or count < 2:  # noqa: PLR2004 - one has nobody to share with
        yield split
        return
    bounds = [whole.rows * place // count for place in range(count + 1)]
    for before, end in pairwise(bounds):
        if end > before:
            length = split.length * end // whole.rows - split.length * before // whole.rows
            yield replace(
                split, length=length, table=msgspec.structs.replace(whole, before=before, taken=end - before)
            )


def _nothing_of(file: TableFile) -> Split:
    return Split(file.path, 0, 0, state=file.state, table=TablePart(0, (), file.partition))


def _root(pattern: str) -> PurePath:
    path = Path(pattern)
    if path.is_dir():
        return path
    if path.exists():
        return path.parent
    return above_wildcards(path)


def above_wildcards(path: PurePath, wild_characters: frozenset[str] = _WILD) -> PurePath:
    """Return the directory that is above all that a pattern may match."""
    parts = path.parts
    wild = next((place for place, part in enumerate(parts) if wild_characters & set(part)), len(parts) - 1)
    return type(path)(*parts[:wild])
