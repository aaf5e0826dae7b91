"""The tables of a task of Hadoop: bytes from frames, kept in a file for readers that go back and forth."""

from __future__ import annotations

import os
import tempfile
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, BinaryIO, Final

from model_mapreduce_job.exceptions import MachineFaultError
from model_mapreduce_job.formats.registry import table_format
from model_mapreduce_job.formats.table_format import look, readable
from model_mapreduce_job.formats.table_schemas import read_schema
from model_mapreduce_job.storage.inputs import without_host
from model_mapreduce_job.storage.splits import Split, TablePart
from model_mapreduce_job.storage.table_ranges import FileRange, groups_in
from model_mapreduce_job.storage.table_source import TableSource
from model_mapreduce_job.task.split_blocks import SplitStart
from model_mapreduce_job.task.streaming import write

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from model_mapreduce_job.formats.table_format import RowGroup, TableFormat
    from model_mapreduce_job.task.frames import FramedSplit
    from model_mapreduce_job.task.task_options import TaskOptions

_COPY_BYTES: Final = 1 << 18


def framed_tables(
    source: FramedSplit, options: TaskOptions
) -> Iterator[tuple[SplitStart, Iterator[pa.RecordBatch]]]:
    """Yield where each file's rows begin, and the rows in batches, to be read before the next file's.

    A file comes as all of its bytes, or as some ranges of them, with holes between.
    """
    table, schema = table_format(options.source_protocol), read_schema(options.tables.read)
    for path, starts in groupby(source.splits(), key=attrgetter("file")):
        # without a name: it is gone when the process is, however that ends
        with tempfile.TemporaryFile(dir=".", buffering=0) as copy:
            ranges = [_copied(source, start, copy.fileno()) for start in starts]
            first, groups = groups_in(_groups_of(path, copy, table), ranges)
            start = groups[0].start if groups else 0
            part = TablePart(first, groups, options.partitions.get(without_host(path), ()))
            split = Split(path, start, sum(group.size for group in groups), table=part)
            yield SplitStart(path, start), TableSource(copy, split, part, table).batches(schema)


def _groups_of(path: str, file: BinaryIO, table: TableFormat) -> Sequence[RowGroup]:
    file.seek(0)
    with readable(path, look(file), table):
        groups = table.contents(file).groups
    file.seek(0)
    return groups


def _copied(source: FramedSplit, start: SplitStart, copy: int) -> FileRange:
    """Return the range that the source gives next, which is written to its place in a file."""
    length = 0
    os.lseek(copy, start.start, os.SEEK_SET)
    while data := source.read(_COPY_BYTES):
        _keep(start.file, data, copy)
        length += len(data)
    return FileRange(start.file, start.start, length)


def _keep(path: str, data: bytes, copy: int) -> None:
    try:
        write(copy, data)
    except OSError as error:
        raise MachineFaultError(
            f"{path} can't be kept in the task's working directory: {error.strerror}. Free space on the "
            "disks of the nodes."
        ) from error
