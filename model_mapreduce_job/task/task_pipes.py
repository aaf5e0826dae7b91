"""What a task of the job's own mapper reads and writes: text as it is, or Hadoop's frames of it."""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol

from model_mapreduce_job.formats.column_order import ColumnOrder, rearranged
from model_mapreduce_job.storage.inputs import without_host
from model_mapreduce_job.task.delimited_options import dialect_of, text_reading
from model_mapreduce_job.task.frames import FramedOutput, FramedSplit, is_framed
from model_mapreduce_job.task.split_blocks import SplitBlocks, SplitStart

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from model_mapreduce_job.formats.lines import Block
    from model_mapreduce_job.formats.text_reading import TextReading
    from model_mapreduce_job.pipeline.task_report import TaskReport
    from model_mapreduce_job.task.streaming import TaskStreams
    from model_mapreduce_job.task.task_options import TaskOptions

_OUTPUT_BYTES: Final = 1 << 18


class TaskPipes(Protocol):
    """A task's input and output."""

    def inputs(self) -> Iterator[Iterator[Any]]:
        """Yield the inputs of the task, each as blocks of lines, or of rows."""
        ...

    def write(self, data: bytes) -> None:
        """Write bytes of the output."""
        ...

    def end(self, report: TaskReport) -> None:
        """Write what stands at the output's end."""
        ...


@contextmanager
def task_pipes(streams: TaskStreams, paths: Sequence[str], options: TaskOptions) -> Iterator[TaskPipes]:
    """Open a task's input, standard input or files, and its output; frames where Hadoop gives them."""
    reading = text_reading(options)
    with io.FileIO(streams.stdin, "r") as stdin, io.FileIO(streams.stdout, "w") as stdout:
        if is_framed():
            splits = SplitBlocks(_splits_of(FramedSplit(stdin), reading, options))
            yield FramedPipes(splits, stdout.fileno(), are_tables=options.tables.is_read)
            return
        with io.BufferedWriter(stdout, _OUTPUT_BYTES) as output:
            yield PlainPipes(stdin, output, paths, reading)


class PlainPipes:
    """Lines of text in and out."""

    def __init__(self, stdin: Any, output: Any, paths: Sequence[str], reading: TextReading) -> None:
        self._stdin = stdin
        self._paths = paths
        self._reading = reading
        self.write = output.write

    def inputs(self) -> Iterator[Iterator[Block]]:
        """Yield the blocks of standard input, or of each file."""
        yield from line_blocks(self._paths, self._stdin, self._reading)

    def end(self, report: TaskReport) -> None:
        """Write nothing: the report goes another way."""


def _splits_of(
    source: FramedSplit, reading: TextReading, options: TaskOptions
) -> Iterator[tuple[SplitStart, Iterable[Any]]]:
    """Yield where each split begins, and its lines or rows."""
    if options.tables.is_read:
        from model_mapreduce_job.task.framed_tables import framed_tables  # noqa: PLC0415 - tables alone need Arrow

        yield from framed_tables(source, options)
        return
    for start in source.splits():
        places = options.column_orders.get(without_host(start.file))
        order = ColumnOrder(dialect_of(options.input_protocol, options).delimiter, places) if places else None
        yield start, rearranged(reading.quick_blocks(source), order)


class FramedPipes:
    """Frames in and out: of one split, or of several small files, as one input."""

    def __init__(self, splits: SplitBlocks, descriptor: int, *, are_tables: bool) -> None:
        self._splits = splits
        self._are_tables = are_tables
        self._output = FramedOutput(descriptor)
        self.write = self._output.write

    def inputs(self) -> Iterator[Iterator[Any]]:
        """Yield the blocks of all splits as one input."""
        yield self._splits.blocks()

    def end(self, report: TaskReport) -> None:
        """Write the report, whose places name files, and the end.

        Hadoop counts lines that it gives, and no rows: these are counted where they are read.
        """
        if self._are_tables:
            self._splits.refuse_unless_read(report.counters.lines)
        self._output.end(report.with_places(self._splits.place_of))


def line_blocks(paths: Sequence[str], stdin: Any, reading: TextReading) -> Iterator[Iterator[Block]]:
    """Yield the blocks of standard input, or of each file."""
    if not paths:
        yield reading.quick_blocks(stdin)
    for path in paths:
        with open(path, "rb") as file:  # noqa: PTH123 - a path that came as text
            yield reading.quick_blocks(file)
