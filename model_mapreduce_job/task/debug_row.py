"""Which row of a table --debug_record predicts, and that row as the record that the model gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.table_format import TableRun  # noqa: TC001 - msgspec looks at it
from model_mapreduce_job.storage.splits import Split  # noqa: TC001 - msgspec looks at it
from model_mapreduce_job.storage.table_files import split_tables
from model_mapreduce_job.task.messages import Begin, Surveyed
from model_mapreduce_job.task.task_files import TaskFiles

if TYPE_CHECKING:
    from model_mapreduce_job.models.contract import MLModel
    from model_mapreduce_job.task.lanes import Lane
    from model_mapreduce_job.task.task_options import TaskOptions


class DebugRow(msgspec.Struct, frozen=True):
    """A row: the split that has it, its place there from 0, and the columns of the run's tables."""

    split: Split
    place: int
    tables: TableRun


def find_row(surveyed: Surveyed, number: int) -> bytes:
    """Return the input's row of this number, from 1, as row_record takes it; raises InputError for none."""
    before = 0
    for split in split_tables(surveyed.files, 1):
        rows = split.table.rows if split.table else 0
        if before + rows >= number:
            return msgspec.json.encode(DebugRow(split, number - before - 1, surveyed.tables))
        before += rows
    raise InputError(f"--debug_record {number:,} is no row of the input, which has {before:,}.")


def row_record(row: bytes, model: MLModel, options: TaskOptions, lane: Lane) -> Any:
    """Return the record of a row that find_row found; raises what reading it raises."""
    from model_mapreduce_job.formats.table_schemas import table_reader, tables_for_one  # noqa: PLC0415 - tables alone need Arrow

    wanted = msgspec.json.decode(row, type=DebugRow)
    tables = tables_for_one(model, wanted.tables, comes_back=False) if options.several else wanted.tables
    reader = table_reader(model, lane.schema, tables, lane.to_columns)
    left = wanted.place
    with TaskFiles(Begin(options, tables=wanted.tables)).opened(wanted.split, b"") as source:
        for block in source.blocks:
            if left < len(block):
                return reader.record(block.slice(left, 1))
            left -= len(block)
    raise InputError(f"{wanted.split.path} has fewer rows than it says.")
