"""What reads and writes lines of text, as a run's options and its model want them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_mapreduce_job.formats.protocols import (
    JsonLineReader,
    JsonObjectWriter,
    JsonPairWriter,
    KeyFieldReader,
    NanLineReader,
)
from model_mapreduce_job.models.plain_fields import plain_columns
from model_mapreduce_job.task.delimited_options import DELIMITERS

if TYPE_CHECKING:
    from model_mapreduce_job.formats.protocols import InputProtocol, OutputProtocol
    from model_mapreduce_job.models.contract import MLModel
    from model_mapreduce_job.task.lanes import Lane
    from model_mapreduce_job.task.task_options import TaskOptions


def reader_for(model: MLModel, options: TaskOptions, lane: Lane) -> InputProtocol:
    """Return what reads lines as a model's records; raises InputError for rows that lack a field of it."""
    if options.input_protocol in DELIMITERS:
        from model_mapreduce_job.task.delimited_rows import check_fields, delimited_reader  # noqa: PLC0415 - rows alone need it

        to_columns = lane.to_columns
        wanted = plain_columns(model.input_schema, to_columns.schema) if to_columns else None
        rows = delimited_reader(lane.schema, options, wanted)
        check_fields(model, options)
        return rows
    reader = NanLineReader(lane.schema) if options.allow_nan else JsonLineReader(lane.schema)
    return KeyFieldReader(reader, options.key) if options.key else reader


def writer_for(model: MLModel, options: TaskOptions) -> OutputProtocol:
    """Return what writes a model's predictions as lines; raises InputError for rows that can't be written."""
    if options.output_protocol in DELIMITERS:
        from model_mapreduce_job.task.delimited_rows import delimited_writer  # noqa: PLC0415 - rows alone need it

        return delimited_writer(model, options)
    if options.output_protocol == "json":
        return JsonPairWriter(explain=options.explains)
    return JsonObjectWriter(explain=options.explains)
