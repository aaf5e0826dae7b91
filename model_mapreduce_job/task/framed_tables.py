"""The tables of a task of Hadoop: bytes from frames, kept in a file for readers that go back and forth."""

from __future__ import annotations

import os
import tempfile
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from model_mapreduce_job.exceptions import MachineFaultError
from model_mapreduce_job.formats.registry import table_format
from model_mapreduce_job.formats.table_format import look, readable
from model_mapreduce_job.formats.table_schemas import read_schema
from model_mapreduce_job.storage.inputs import without_host
from model_mapreduce_job.storage.ranges import FileRange
from model_mapreduce_job.storage.splits import Split, TablePart
from model_mapreduce_job.storage.table_ranges import groups_in
from model_mapreduce_job.storage.table_source import TableSource
from model_mapreduce_job.task.frames import SplitStart
from model_mapreduce_job.task.streaming import write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_mapreduce_job.task.frames import FramedSplit
    from model_mapreduce_job.task.task_options import TaskOptions

_COPY_BYTES: Final = 1 << 18


class FramedTables:
    """Reads tables from frames, each a file's bytes or some ranges of them, with holes between."""

    def __init__(self, options: TaskOptions) -> None:
        self._table = table_format(options.source_protocol)
        self._schema = read_schema(options.tables.read)
        self._partitions = options.partitions

    def read(self, source: FramedSplit) -> Iterator[tuple[SplitStart, Iterator[Any]]]:
        """Yield where each file's rows begin, and the rows in batches, to be read before the next file's."""
        for path, starts in groupby(source.splits(), key=attrgetter("file")):
            # without a name: it is gone when the process is, however that ends
            with tempfile.TemporaryFile(dir=".", buffering=0) as copy:
                ranges = [_copied(source, start, copy.fileno()) for start in starts]
                split, part = self._split(path, ranges, copy)
                rows = TableSource(copy, split, part, self._table)
                yield SplitStart(path, split.start), rows.batches(self._schema)

    def _split(self, path: str, ranges: list[FileRange], file: BinaryIO) -> tuple[Split, TablePart]:
        file.seek(0)
        with readable(path, look(file), self._table):
            groups = self._table.contents(file).groups
        first, wanted = groups_in(groups, ranges)
        part = TablePart(first, wanted, self._partitions.get(without_host(path), ()))
        file.seek(0)
        start = wanted[0].start if wanted else 0
        return Split(path, start, sum(group.size for group in wanted), table=part), part


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
