"""A task of several models: what reads for all of them, what predicts with each, what writes it together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from model_mapreduce_job.formats.rows import join_row
from model_mapreduce_job.formats.several_reading import SeveralReader
from model_mapreduce_job.formats.several_writing import (
    ChainedWriter,
    NamedObjectWriter,
    NamedPairWriter,
    columns_of_model,
)
from model_mapreduce_job.formats.text_format import TextWriter
from model_mapreduce_job.models.arrow_types import is_arrow_schema
from model_mapreduce_job.pipeline.predictors import predictor_for
from model_mapreduce_job.pipeline.several import SeveralPredictor
from model_mapreduce_job.task.delimited_options import DELIMITERS, dialect_of
from model_mapreduce_job.task.delimited_rows import delimited_writer, row_shape
from model_mapreduce_job.task.lanes import lane_of, lists_are_quicker
from model_mapreduce_job.task.run_model import about_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from model_mapreduce_job.formats.batch_formats import Reader, Writer
    from model_mapreduce_job.formats.protocols import OutputProtocol
    from model_mapreduce_job.formats.table_format import TableRun
    from model_mapreduce_job.models.contract import MLModel
    from model_mapreduce_job.pipeline.batch_sizing import BatchSizer
    from model_mapreduce_job.task.lanes import Lane
    from model_mapreduce_job.task.task_options import TaskOptions

_OBJECTS: Final[dict[str, Callable[..., OutputProtocol]]] = {
    "json": NamedPairWriter,
    "ldjson": NamedObjectWriter,
}


@dataclass(frozen=True)
class Member:
    """One of several models, its lane, and the options and tables that a run of it alone would have."""

    name: str
    model: MLModel
    lane: Lane
    options: TaskOptions
    tables: TableRun


def members_of(models: Sequence[MLModel], options: TaskOptions, tables: TableRun) -> list[Member]:
    """Return the models of a run; what comes back of the input is for the first one's reader to give."""
    members = []
    for place, (model, alone) in enumerate(zip(models, options.alone(), strict=True)):
        lane = lane_of(model, lists=lists_are_quicker(model, options.input_protocol))
        own = alone if place == 0 else _without_keys(alone)
        read = _tables_of(model, tables, comes_back=place == 0) if tables.is_read else tables
        members.append(Member(str(alone.model_qualified_name), model, lane, own, read))
    return members


def reader_of(members: Sequence[Member], options: TaskOptions, read: Callable[[Member], Reader]) -> Reader:
    """Return what reads for several models; read makes what reads for one. Raises InputError."""
    readers: list[Reader] = []
    kinds: dict[Any, int] = {}
    for member in members:
        if _kind(member) not in kinds:
            kinds[_kind(member)] = len(readers)
            with about_model(options, member.name):
                readers.append(read(member))
    return SeveralReader(readers, [kinds[_kind(member)] for member in members])


def predictor_of(members: Sequence[Member], sizer: BatchSizer, begin: Callable[[], None]) -> SeveralPredictor:
    """Return what predicts with several models; begin begins the time limit of each."""
    predictors = {
        member.name: predictor_for(member.model, sizer, columns=member.lane.to_columns is not None)
        for member in members
    }
    return SeveralPredictor(predictors, begin)


def writer_of(members: Sequence[Member], options: TaskOptions, tables: TableRun) -> Writer:
    """Return what writes the predictions of several models; raises InputError for columns of one name."""
    names = [member.name for member in members]
    if tables.is_written:
        return ChainedWriter(names, list(_table_writers(tables, options)))
    if options.output_protocol in DELIMITERS:
        return _row_writer(members, options, names)
    return TextWriter(_OBJECTS[options.output_protocol](names, explain=options.explains))


def _kind(member: Member) -> tuple[Any, bool]:
    """Return what models have in common that can be given the same records."""
    schema = member.model.input_schema
    return schema if is_arrow_schema(schema) else id(schema), member.lane.to_columns is not None


def _without_keys(options: TaskOptions) -> TaskOptions:
    """Return options by which a reader makes no more of what comes back than it has to."""
    as_it_is = options.input_protocol if options.input_protocol in DELIMITERS else options.output_protocol
    return replace(options, key=None, output_protocol=as_it_is)


def _tables_of(model: MLModel, tables: TableRun, *, comes_back: bool) -> TableRun:
    from model_mapreduce_job.formats.table_schemas import tables_for_one  # noqa: PLC0415 - tables alone need Arrow

    return tables_for_one(model, tables, comes_back=comes_back)


def _table_writers(tables: TableRun, options: TaskOptions) -> Iterator[Writer]:
    from model_mapreduce_job.formats.table_schemas import output_shapes  # noqa: PLC0415 - tables alone need Arrow
    from model_mapreduce_job.formats.table_writer import TableWriter  # noqa: PLC0415 - same

    yield from map(TableWriter, output_shapes(tables, options))


def _row_writer(members: Sequence[Member], options: TaskOptions, names: Sequence[str]) -> Writer:
    models = [member.model for member in members]
    own = replace(options, header=False)
    first = delimited_writer(models[0], own, models[1:])
    # the rows that the first has written come before what each other one adds
    behind = replace(own, input_protocol=options.output_protocol)
    writers = [first, *(delimited_writer(model, behind) for model in models[1:])]
    columns: list[str] = []
    shape = row_shape(models[0], options, models[1:])
    if options.header:
        columns += shape.input_columns or ["input"]
    for name, model in zip(names, models, strict=True):
        fields = row_shape(model, options).prediction_columns
        columns += columns_of_model(name, fields, columns, explain=options.explains)
    header = _header(columns, options) if options.header else None
    return ChainedWriter(names, list(map(TextWriter, writers)), header)


def _header(columns: Sequence[str], options: TaskOptions) -> bytes:
    from model_mapreduce_job.formats.delimited_writer import safe_cell  # noqa: PLC0415 - headers alone need it

    dialect = dialect_of(options.output_protocol, options)
    return join_row([safe_cell(column, dialect) for column in columns], dialect.delimiter)
