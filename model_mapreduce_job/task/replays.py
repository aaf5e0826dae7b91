"""--replay: how a task reads an earlier output of its run's models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.delimited_writer import own_text
from model_mapreduce_job.formats.earlier_answers import Answers
from model_mapreduce_job.formats.earlier_json import EarlierObjects, EarlierPairs, JsonInputs, StampedEarlier
from model_mapreduce_job.formats.earlier_rows import EarlierRows, RowInputs, RowParts
from model_mapreduce_job.formats.replaying import ReplayReader
from model_mapreduce_job.formats.rows import join_row, split_row
from model_mapreduce_job.formats.stamp import STAMP_COLUMNS
from model_mapreduce_job.models.schemas import field_names, record_schema
from model_mapreduce_job.task.delimited_options import DELIMITERS, columns, dialect_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_mapreduce_job.formats.batch_formats import Reader
    from model_mapreduce_job.formats.earlier_output import EarlierOutput
    from model_mapreduce_job.models.contract import MLModel
    from model_mapreduce_job.task.task_options import TaskOptions


def with_input_columns(models: Sequence[MLModel], options: TaskOptions) -> TaskOptions:
    """Return options with the columns of the first input, where the header of an earlier output has them.

    Raises InputError where the header has too few columns.
    """
    if options.earlier_header is None:
        return options
    dialect = dialect_of(options.output_protocol, options)
    names = [own_text(name, dialect) for name in split_row(options.earlier_header, dialect.delimiter)]
    added = _parts(models, options, 0).added + len(STAMP_COLUMNS) * options.stamp
    if len(names) <= added:
        raise InputError(
            f"The output of --replay has the columns {', '.join(names)}, and with these options {added} "
            "of them are not the input's. Give it with the options of the run that made it."
        )
    return replace(options, columns=join_row(names[:-added], ",").decode())


def replaying(
    reader: Reader, models: Sequence[MLModel], options: TaskOptions, header: bytes | None
) -> Reader:
    """Return what reads an earlier output; reader reads the inputs in it that are predicted again.

    header is the one that this run's output begins with. Raises InputError for an output with another.
    """
    given = options.earlier_header
    if given is not None and given.encode() != header:
        raise InputError(
            f"The output of --replay has the columns {given}, and with these options they would be "
            f"{(header or b'').decode()}. Give it with the options of the run that made it."
        )
    return ReplayReader(reader, _earlier(models, options), header)


def _earlier(models: Sequence[MLModel], options: TaskOptions) -> EarlierOutput:
    protocol = options.output_protocol
    if protocol in DELIMITERS:
        parts = _parts(models, options, len(columns(options)))
        read_with = dialect_of(options.input_protocol, options).delimiter
        return EarlierRows(parts, dialect_of(protocol, options), read_with)
    kind = EarlierPairs if protocol == "json" else EarlierObjects
    earlier = kind(_answers(models, options), _inputs(options))
    return StampedEarlier(earlier) if options.stamp else earlier


def _parts(models: Sequence[MLModel], options: TaskOptions, inputs: int) -> RowParts:
    predictions = tuple(len(field_names(model.output_schema)) or 1 for model in models)
    return RowParts(inputs, predictions, options.names, options.explains, options.stamp)


def _answers(models: Sequence[MLModel], options: TaskOptions) -> Answers:
    schemas = [record_schema(model.input_schema) for model in models]
    needed = tuple(field for schema in schemas for field in schema.fields if field.required)
    return Answers(options.names, needed, frozenset(field_names(models[0].output_schema)))


def _inputs(options: TaskOptions) -> JsonInputs | RowInputs:
    if options.input_protocol not in DELIMITERS:
        return JsonInputs()
    return RowInputs(len(columns(options)), dialect_of(options.input_protocol, options))
