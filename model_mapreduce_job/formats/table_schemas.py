"""The columns of a run's tables: which are read, which come back, and what the model gets of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec
import pyarrow as pa

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.prediction_columns import SINGLE
from model_mapreduce_job.formats.several_writing import columns_of_model
from model_mapreduce_job.formats.table_fit import ColumnFit
from model_mapreduce_job.formats.table_format import UNHELD, TableRun
from model_mapreduce_job.formats.table_reader import TableColumns, TableReader
from model_mapreduce_job.formats.table_writer import OutputShape
from model_mapreduce_job.models.schemas import record_schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model_mapreduce_job.models.column_maker import ColumnMaker
    from model_mapreduce_job.models.contract import MLModel
    from model_mapreduce_job.models.schemas import RecordSchema


class TableOptions(Protocol):
    """What of a run's options its tables depend on."""

    @property
    def names(self) -> tuple[str, ...]:
        """The models' names."""
        ...

    @property
    def key(self) -> tuple[str, ...] | None:
        """The fields that come back; None for all."""
        ...

    @property
    def stamp(self) -> bool:
        """Whether each row has a stamp."""
        ...

    @property
    def on_error(self) -> str:
        """What stands for a failed record."""
        ...

    @property
    def is_replay(self) -> bool:
        """Whether the input is an earlier output."""
        ...


def read_schema(data: bytes) -> pa.Schema:
    """Return the columns that were written with write_schema."""
    return pa.ipc.read_schema(pa.py_buffer(data))


def write_schema(schema: pa.Schema) -> bytes:
    """Return columns as bytes."""
    return bytes(schema.serialize())


def output_shape(tables: TableRun, options: TableOptions) -> OutputShape:
    """Return the columns of a run's output; raises InputError where two would have one name."""
    return output_shapes(tables, options)[-1]


def output_shapes(tables: TableRun, options: TableOptions) -> list[OutputShape]:
    """Return the columns of a run's output with the predictions of the first model, the first two, of all."""
    returned, prediction = read_schema(tables.returned), read_schema(tables.prediction)
    explain = options.on_error == "explain"
    if len(options.names) == 1:
        return [OutputShape.of(returned, prediction, options.names[0], explain=explain)]
    shapes: list[OutputShape] = []
    for field in prediction:
        own = pa.schema(list(field.type))
        fields = () if own.names == [SINGLE] else own.names
        names = columns_of_model(field.name, fields, returned.names, explain=explain)
        shapes.append(OutputShape(returned, own, (*returned.names, *names), explain))
        returned = shapes[-1].schema
    return shapes


def schema_of_several(predictions: Mapping[str, pa.Schema]) -> pa.Schema:
    """Return the prediction columns of several models as one schema, a struct for each, as tasks get them."""
    return pa.schema([(name, pa.struct(list(schema))) for name, schema in predictions.items()])


def tables_for_one(model: MLModel, tables: TableRun, *, comes_back: bool) -> TableRun:
    """Return a run's tables with the columns that one of several models gets; comes_back is for the first."""
    returned = tables.returned if comes_back else write_schema(pa.schema([]))
    return msgspec.structs.replace(tables, model=tuple(_used(model, tables.model)), returned=returned)


def table_reader(
    model: MLModel, schema: RecordSchema, tables: TableRun, to_columns: ColumnMaker | None
) -> TableReader:
    """Return what reads the rows of a run's tables for a model, whose records have this schema."""
    columns = TableColumns(tables.model, tuple(read_schema(tables.returned).names))
    fit = ColumnFit.of(model.input_schema, to_columns.schema) if to_columns else None
    return TableReader(schema, columns, to_columns, fit, as_texts=not tables.is_written)


def columns_to_read(models: Sequence[MLModel], found: pa.Schema, options: TableOptions) -> TableRun:
    """Return which columns of a table are read, and what for.

    Those of the models' fields, all where a schema names none; and those that come back. Raises InputError
    for a --key that is no column, and for a field that a model can't do without.
    """
    names = tuple(found.names)  # a new list each time
    keys = options.key or names
    there = frozenset(names)
    if unknown := [key for key in keys if key not in there]:
        raise InputError(
            f"--key {unknown[0]} is no column of the input, which has {', '.join(names)}. Name one of these."
        )
    needed = {name for model in models for name in _used(model, names)}
    used = [name for name in names if name in needed]
    wanted = {*keys, *used}
    read = [name for name in names if name in wanted]
    _refuse_unheld(found, read)
    return TableRun(
        read=write_schema(pa.schema([found.field(name) for name in read])),
        model=tuple(used),
        returned=write_schema(pa.schema([found.field(name) for name in keys])),
    )


def _refuse_unheld(found: pa.Schema, read: Sequence[str]) -> None:
    for name in read:
        if reason := (found.field(name).metadata or {}).get(UNHELD):
            raise InputError(
                f"{reason.decode()} Name the columns that come back without it, with --key, where the model "
                "does without it too."
            )


def _used(model: MLModel, names: Sequence[str]) -> list[str]:
    fields = record_schema(model.input_schema).fields
    there = {*names}
    if missing := [field.name for field in fields if field.required and there.isdisjoint(field.names)]:
        raise InputError(
            f"The model needs {', '.join(missing)}, and the input's columns are {', '.join(names)}. "
            "Give an input that has them."
        )
    wanted = {name for field in fields for name in field.names}
    return [name for name in names if name in wanted] if fields else list(names)
