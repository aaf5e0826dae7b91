"""--replay of an output that is a table: which of its columns are the input's, and how a task reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from msgspec.structs import replace

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.earlier_tables import (
    EarlierColumns,
    EarlierTable,
    ModelColumns,
    TableReplayReader,
    plain_type,
)
from model_mapreduce_job.formats.earlier_texts import TextReplayReader
from model_mapreduce_job.formats.prediction_columns import prediction_schema
from model_mapreduce_job.formats.records import ERROR_COLUMNS
from model_mapreduce_job.formats.registry import table_format
from model_mapreduce_job.formats.rows import join_row
from model_mapreduce_job.formats.stamp import STAMP_COLUMNS
from model_mapreduce_job.formats.table_schemas import (
    columns_to_read,
    output_shapes,
    read_schema,
    schema_of_several,
    write_schema,
)
from model_mapreduce_job.formats.table_stamp import new_schema
from model_mapreduce_job.task.delimited_options import DELIMITERS, columns, dialect_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from model_mapreduce_job.formats.batch_formats import Reader, Writer
    from model_mapreduce_job.formats.table_format import TableRun
    from model_mapreduce_job.models.contract import MLModel
    from model_mapreduce_job.task.task_options import TaskOptions

_ADVICE = "Give it with the options of the run that made it."


def replayed_tables(
    found: pa.Schema, options: TaskOptions, load: Callable[[TaskOptions], list[MLModel]]
) -> TableRun:
    """Return the columns of a run whose input is an earlier output with these; load loads its models.

    All of them are read, and written again as they are. Raises InputError for an output that can't be one of
    these models and options.
    """
    # models that take columns by their names are not yet bound to any
    unbound = replace(options, input_protocol=options.output_protocol, input_fields=())
    predictions = _predictions(load(unbound), options)
    schema = schema_of_several(predictions) if options.several else next(iter(predictions.values()))
    returned = _inputs(found, list(predictions.values()), options)
    models = load(_with_inputs(returned, options))
    try:
        tables = columns_to_read(models, returned, options)
    except InputError as error:
        raise InputError(
            f"{error} An output made with --key has not all of it, and can't be replayed."
        ) from error
    tables = replace(tables, prediction=write_schema(schema))
    _check(found, _expected(found, tables, options), options)
    return replace(tables, read=write_schema(found))


def replaying_tables(
    reader: Reader, writer: Writer, tables: TableRun, options: TaskOptions
) -> tuple[Reader, Writer]:
    """Return what reads an earlier output, and what writes it again with what is predicted now."""
    found = read_schema(tables.read)
    models = []
    for shape in output_shapes(tables, options):
        start = len(shape.returned)
        end = start + len(shape.prediction)
        models.append(ModelColumns(range(start, end), range(end, end + len(ERROR_COLUMNS) * shape.explain)))
    earlier = EarlierTable(found, len(read_schema(tables.returned)), tuple(models))
    return _reader(reader, earlier, options), EarlierColumns(writer, found)


def _reader(reader: Reader, earlier: EarlierTable, options: TaskOptions) -> Reader:
    if options.input_protocol not in DELIMITERS:
        return TableReplayReader(reader, earlier)
    delimiter = dialect_of(options.input_protocol, options).delimiter
    return TextReplayReader(reader, earlier, options.names, delimiter)


def _predictions(models: Sequence[MLModel], options: TaskOptions) -> dict[str, pa.Schema]:
    """Return the columns of each model's predictions; raises InputError where a model doesn't say them."""
    found = {}
    for model, name in zip(models, options.names, strict=True):
        known = prediction_schema(model.output_schema)
        if known is None:
            raise InputError(
                f"The model {name} has no output_schema that says which columns its predictions have, so "
                "it isn't known which of --replay are the input's. Give it an output_schema."
            )
        found[name] = known
    return found


def _inputs(found: pa.Schema, predictions: Sequence[pa.Schema], options: TaskOptions) -> pa.Schema:
    """Return the columns of an output that are the input's, which are the first ones."""
    errors = len(ERROR_COLUMNS) * options.explains
    added = sum(len(schema) + errors for schema in predictions) + len(STAMP_COLUMNS) * options.stamp
    if len(found) <= added:
        raise InputError(
            f"The output of --replay has the columns {', '.join(found.names)}, and with these options "
            f"{added} of them are not the input's. {_ADVICE}"
        )
    return pa.schema(list(found)[:-added])


def _with_inputs(returned: pa.Schema, options: TaskOptions) -> TaskOptions:
    """Return options with the input's columns; raises InputError for what no rows of text have given."""
    if options.input_protocol not in DELIMITERS:
        return replace(options, input_fields=tuple(returned.names))
    if other := next((field for field in returned if plain_type(field.type) != pa.string()), None):
        raise InputError(
            f"The output of --replay has the column {other.name} as {other.type}, and of "
            f"{options.input_protocol} all columns are texts. Say with --input_protocol what the run that "
            "made it read."
        )
    if options.columns and [name.strip() for name in columns(options)] != returned.names:
        raise InputError(
            f"--columns {options.columns} are not those of the output of --replay, which has "
            f"{', '.join(returned.names)}. Leave it out."
        )
    return replace(options, columns=join_row(returned.names, ",").decode())


def _expected(found: pa.Schema, tables: TableRun, options: TaskOptions) -> pa.Schema:
    """Return the columns of an output with these options; raises InputError where found can't be one's."""
    try:
        return new_schema(tables, options)
    except InputError as error:  # a name is taken that the predictions' columns would have had
        raise InputError(
            f"The output of --replay has the columns {', '.join(found.names)}, which is none with these "
            f"options. {_ADVICE}"
        ) from error


def _check(found: pa.Schema, expected: pa.Schema, options: TaskOptions) -> None:
    """Raise InputError for columns that are not those which these options give."""
    if found.names != expected.names:
        raise InputError(
            f"The output of --replay has the columns {', '.join(found.names)}, and with these options they "
            f"would be {', '.join(expected.names)}. {_ADVICE}"
        )
    for field, other in zip(found, _as_written(expected, options.output_protocol), strict=True):
        if plain_type(field.type) != plain_type(other.type):
            raise InputError(
                f"The output of --replay has the column {field.name} as {field.type}, and with this model "
                f"it would be {other.type}. Replay it with one whose predictions have the same columns."
            )


def _as_written(schema: pa.Schema, name: str) -> pa.Schema:
    """Return columns with the types that a file of this format has them in."""
    table, sink = table_format(name), pa.BufferOutputStream()
    table.writer(sink, schema).close()
    return table.columns(pa.BufferReader(sink.getvalue()))
