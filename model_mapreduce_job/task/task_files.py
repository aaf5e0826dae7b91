"""What a task reads and writes: lines of text, or the rows of tables, as the run's options say."""

from __future__ import annotations

from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from model_mapreduce_job.formats.column_order import ColumnOrder, rearranged
from model_mapreduce_job.formats.registry import table_format
from model_mapreduce_job.formats.text_forms import whole_text
from model_mapreduce_job.storage.compressed_output import compressing
from model_mapreduce_job.storage.sources import open_source, refuse_if_changed
from model_mapreduce_job.task.delimited_options import text_reading
from model_mapreduce_job.task.split_blocks import SplitBlocks, SplitStart
from model_mapreduce_job.task.table_sink import writing_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from model_mapreduce_job.formats.lines import Place
    from model_mapreduce_job.storage.splits import Split
    from model_mapreduce_job.task.messages import Begin
    from model_mapreduce_job.task.table_sink import Output


class OpenInput(msgspec.Struct, frozen=True):
    """A split that is being read: its lines or rows by the block, and how many of its bytes were read."""

    blocks: Iterable[Any]
    done: Callable[[], int]


class TaskInput(msgspec.Struct, frozen=True):
    """A task's splits as one input; place_of returns in which file a line is that is counted from its first.

    It returns None where the bytes were streamed.
    """

    blocks: Iterable[Any]
    done: Callable[[], int]
    place_of: Callable[[Place], Place | None]


class _InTurn:
    """Opens splits one after the other, each when those before it were read."""

    def __init__(
        self, splits: Sequence[Split], opened: Callable[[Split], AbstractContextManager[OpenInput]]
    ) -> None:
        self._splits = splits
        self._opened = opened
        self._read = 0
        self._begun: list[Split] = []
        self._open: OpenInput | None = None

    def each(self) -> Generator[tuple[SplitStart, Iterable[Any]]]:
        """Yield where each split begins, and its blocks."""
        for split in self._splits:
            self._begun.append(split)
            before = split.table.before if split.table else 0
            with self._opened(split) as self._open:
                yield SplitStart(split.path, split.start, before), self._open.blocks
            self._open = None
            self._read += split.length

    def done(self) -> int:
        """Return how many bytes were read."""
        return self._read + (self._open.done() if self._open else 0)

    def refuse_if_changed(self) -> None:
        """Raise InputError for a file that has changed since the splits were made, if it was opened."""
        for split in self._begun:
            refuse_if_changed(split)


class TaskFiles:
    """Opens the inputs and outputs of the tasks of a run."""

    def __init__(self, begin: Begin) -> None:
        self._options = begin.options
        self._reading = text_reading(begin.options)
        self._tables = begin.tables

    @contextmanager
    def opened(self, split: Split, data: bytes) -> Iterator[OpenInput]:
        """Open a split, or the data of a streamed one; raises InputError as open_source does."""
        if split.table is None:
            order = ColumnOrder(split.delimiter, split.places) if split.places else None
            with open_source(split, data) as source:
                blocks = self._reading.quick_blocks(source, is_utf_8=split.streamed)
                yield OpenInput(rearranged(blocks, order), source.done)
            return
        from model_mapreduce_job.formats.table_schemas import read_schema  # noqa: PLC0415 - tables alone need Arrow
        from model_mapreduce_job.storage.table_source import open_table  # noqa: PLC0415 - same

        with open_table(split, split.table, table_format(self._options.source_protocol)) as rows:
            yield OpenInput(rows.batches(read_schema(self._tables.read)), rows.done)

    @contextmanager
    def opened_in_turn(self, splits: Sequence[Split], data: bytes) -> Iterator[TaskInput]:
        """Open the splits of a task, or the data of a streamed one; reading raises InputError as opened does.

        The end of the with statement raises it too, for a file that is not what it was when it was opened.
        """
        in_turn = _InTurn(splits, partial(self.opened, data=data))
        with closing(in_turn.each()) as opened:
            lines = SplitBlocks(opened)
            place_of = _nowhere if splits[0].streamed else lines.place_of
            try:
                yield TaskInput(lines.blocks(), in_turn.done, place_of)
            finally:
                # comes before any other error, which may only follow from the change
                in_turn.refuse_if_changed()

    @contextmanager
    def writing(self, part: Output, header: bytes | None) -> Iterator[Callable[[Any], None]]:
        """Return what writes a batch's output to a part, which is whole when the with statement has ended.

        Text begins with the header, where there is one.
        """
        if not self._tables.is_written:
            with compressing(part.write, self._options.part_compression) as write_bytes:
                if header is not None:
                    write_bytes(header + b"\n")

                def write(lines: Sequence[bytes]) -> None:
                    if len(lines):
                        write_bytes(whole_text(lines))

                yield write
            return
        from model_mapreduce_job.formats.table_stamp import written_schema  # noqa: PLC0415 - tables alone need Arrow

        schema = written_schema(self._tables, self._options)
        table = table_format(self._options.output_protocol)
        with writing_rows(part, lambda sink: table.writer(sink, schema)) as write_rows:
            yield write_rows


def _nowhere(_place: Place) -> None:
    """Return no place: it is not known what lines are counted from."""
