"""The tasks that Hadoop makes of a run's input, as its own input format and this package's jar split it."""

from __future__ import annotations

from collections import Counter
from itertools import filterfalse
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from model_mapreduce_job.plan.tasks import ExpectedTasks, Piece
from model_mapreduce_job.runners.hadoop.tables import split_settings, table_splits
from model_mapreduce_job.storage.compression import is_compressed
from model_mapreduce_job.storage.table_ranges import BLOCK_BYTES, is_small, split_bytes, together
from model_mapreduce_job.task.delimited_options import text_reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from model_mapreduce_job.driver.run_spec import RunSpec
    from model_mapreduce_job.plan.tasks import InputSize

# FileInputFormat's: a last split may be a tenth larger than the others.
_SLOP: Final = 1.1
# What Hadoop's formats can cut of what is compressed.
_CUT: Final = ".bz2"
_NOTE: Final = (
    "The tasks are those of a Hadoop that is asked for {tasks} at least (mapreduce.job.maps), with blocks of "
    "{block} MiB. A task that fails, or that Hadoop starts twice, loads the model again."
)


def expected_tasks(
    spec: RunSpec,
    jobconf: Mapping[str, Any],
    files: Sequence[InputSize],
    *,
    by_blocks: bool,
    block_bytes: int = BLOCK_BYTES,
) -> ExpectedTasks:
    """Return the tasks of a run with these settings of Hadoop's, whose files have blocks of this size."""
    tasks, least = split_settings(jobconf)
    note = _NOTE.format(tasks=tasks, block=block_bytes >> 20)
    if spec.begin.tables.is_read:
        found = [
            [Piece(one.path, one.length, float(one.length)) for one in ranges]
            for ranges in table_splits(spec, jobconf)
        ]
        return ExpectedTasks(found, len(found), note)
    whole = not text_reading(spec.options.task).splits_at_lines
    splits = list(_splits(files, tasks, least, block_bytes, whole=whole))
    parts = _together(splits, tasks, least) if by_blocks else [[split] for split in splits]
    return ExpectedTasks(parts, len(parts), note)


def can_be_cut(file: InputSize) -> bool:
    """Return whether Hadoop's formats can read a file of text from its middle on."""
    return not is_compressed(file.path) or file.path.endswith(_CUT)


def _splits(
    files: Sequence[InputSize], tasks: int, least: int, block: int, *, whole: bool
) -> Iterator[Piece]:
    """Yield the splits of FileInputFormat."""
    size = split_bytes(sum(file.stored for file in files), tasks, least, block)
    for file in files:
        if whole or not can_be_cut(file):
            yield file.piece(file.stored, is_cut=False)
            continue
        left = file.stored
        while left > size * _SLOP:
            yield file.piece(size)
            left -= size
        if left or not file.stored:
            yield file.piece(left)


def _together(splits: Sequence[Piece], tasks: int, least: int) -> list[list[Piece]]:
    """Return splits with small files put together, as SmallFiles.java does where all are on one host."""
    times = Counter(split.path for split in splits)

    def comes_along(split: Piece) -> bool:
        return is_small(split.stored, least) and times[split.path] == 1

    small = list(filter(comes_along, splits))
    others = [[split] for split in filterfalse(comes_along, splits)]
    return [*others, *together(small, tasks, least, attrgetter("stored"), attrgetter("path"))]
