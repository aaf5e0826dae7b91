"""What reads and writes the rows of csv and tsv, as the options of a run and its model want them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.delimited import DelimitedReader
from model_mapreduce_job.formats.delimited_keys import JsonKeys, RowKeys
from model_mapreduce_job.formats.delimited_writer import DelimitedWriter, RowShape, RowStyle
from model_mapreduce_job.formats.registry import TABLES
from model_mapreduce_job.formats.rows import trimmed_names
from model_mapreduce_job.models.schemas import field_names, record_schema, required_names
from model_mapreduce_job.task.delimited_options import DELIMITERS, columns, dialect_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_mapreduce_job.models.contract import MLModel
    from model_mapreduce_job.models.fields import Field
    from model_mapreduce_job.models.plain_fields import PlainColumns
    from model_mapreduce_job.models.schemas import RecordSchema
    from model_mapreduce_job.task.task_options import TaskOptions


def delimited_reader(
    schema: RecordSchema, options: TaskOptions, wanted: PlainColumns | None = None
) -> DelimitedReader:
    """Return what reads rows: they come back as rows where rows are written, else as JSON objects.

    A table's columns of them are texts, so there each cell is one.
    """
    chosen = tuple(options.key or ())
    dialect = dialect_of(options.input_protocol, options)
    keys: RowKeys | JsonKeys = JsonKeys(chosen, as_texts=options.output_protocol in TABLES)
    if options.output_protocol in DELIMITERS:
        keys = RowKeys(dialect.delimiter, dialect_of(options.output_protocol, options), chosen)
    return DelimitedReader(schema, columns(options), dialect, keys, wanted)


def delimited_writer(model: MLModel, options: TaskOptions, others: Sequence[MLModel] = ()) -> DelimitedWriter:
    """Return what writes rows: the input's columns, then the prediction's; others may predict beside it."""
    style = RowStyle(
        dialect_of(options.output_protocol, options),
        explain=options.explains,
        keys_are_rows=options.input_protocol in DELIMITERS,
        header=options.header,
    )
    return DelimitedWriter(row_shape(model, options, others), style, model.qualified_name)


def row_shape(model: MLModel, options: TaskOptions, others: Sequence[MLModel] = ()) -> RowShape:
    """Return the columns of a csv or tsv output: the input's, then a model's; others may predict as well."""
    known: dict[str, Field] = {}
    for each in (model, *others):
        for field in record_schema(each.input_schema).fields:
            known.setdefault(field.name, field)
    fields = list(known.values())
    named = list(options.key or ()) or (trimmed_names(columns(options), fields) if options.columns else [])
    output = model.output_schema
    return RowShape(
        named or [field.name for field in fields], field_names(output), frozenset(required_names(output))
    )


def check_fields(model: MLModel, options: TaskOptions) -> None:
    """Raise InputError where the input's columns lack a field that the model needs."""
    fields = record_schema(model.input_schema).fields
    names = trimmed_names(columns(options), fields)
    other = _other_delimiter(names, options)
    there = {*names}
    missing = [field.name for field in fields if field.required and there.isdisjoint(field.names)]
    if missing:
        raise InputError(
            f"The model needs {', '.join(missing)}, and the input's columns are {', '.join(names)}. "
            f"{_advice(names, other)}"
        )


def _advice(names: list[str], other: str | None) -> str:
    if other:
        return f"Cells that {other!r} separates are read with --delimiter {other!r}."
    if names[0].startswith("{"):
        return "Lines of JSON are read with --input_protocol ldjson."
    return (
        "Name the columns with --columns, as the model calls them; a header line that doesn't name them so "
        "has to go, or it would be a record."
    )


def _other_delimiter(names: list[str], options: TaskOptions) -> str | None:
    """Return what seems to separate names that are one column by what the options say."""
    if len(names) > 1 or options.input_protocol != "csv":
        return None
    return next((each for each in (";", "\t", "|", ",") if each in names[0]), None)
