"""The lane that a model and an input have in common: whether the model is given lists or columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from model_mapreduce_job.exceptions import ConfigurationError, ModelContractError
from model_mapreduce_job.formats.records import kind_of
from model_mapreduce_job.models.contract import BatchModel, ColumnModel
from model_mapreduce_job.models.schemas import record_schema
from model_mapreduce_job.models.struct_records import struct_of
from model_mapreduce_job.pipeline.predictors import takes_lists

if TYPE_CHECKING:
    from model_mapreduce_job.models.column_maker import ColumnMaker
    from model_mapreduce_job.models.contract import MLModel
    from model_mapreduce_job.models.schemas import RecordSchema


class Lane(msgspec.Struct, frozen=True):
    """How records are decoded for a model, and what makes columns of them for one that is given columns."""

    schema: RecordSchema
    to_columns: ColumnMaker | None = None


def lane_of(model: MLModel, *, lists: bool = False) -> Lane:
    """Return the columns' lane for a model that takes columns, whose types are known; else that of lists.

    With lists a model that takes both has the lists' lane.
    Raises ModelContractError for a model that takes nothing else, and whose columns are not known;
    ConfigurationError where pyarrow is not installed for it.
    """
    schema = record_schema(model.input_schema)
    if not isinstance(model, ColumnModel) or (lists and takes_lists(model)):
        return Lane(schema)
    try:
        to_columns = _column_maker(model)
    except (ModelContractError, ConfigurationError):
        if takes_lists(model):
            return Lane(schema)
        raise
    quick = record_schema(struct_of(model.input_schema))
    # a model class may keep values to itself; a model file's features are columns of the input
    shows_values = hasattr(model, "columns_of_features")
    return Lane(replace(quick, fields=schema.fields, shows_values=shows_values), to_columns)


def lists_are_quicker(model: Any, input_protocol: str) -> bool:
    """Return whether a model that takes lists and columns is given lists of an input's records.

    Lines of JSON are records first. Where they are Structs, making columns of them costs more than it saves.
    """
    schema = model.input_schema
    are_structs = isinstance(schema, type) and issubclass(schema, msgspec.Struct)
    return input_protocol == "ldjson" and are_structs and isinstance(model, BatchModel)


def _column_maker(model: Any) -> ColumnMaker:
    try:
        # only runs with columns need Arrow
        from model_mapreduce_job.models.column_maker import ColumnMaker  # noqa: PLC0415
        from model_mapreduce_job.models.columns import column_schema  # noqa: PLC0415
    except ImportError as error:
        raise ConfigurationError(
            f"{kind_of(model)} takes columns, and {error.name or 'pyarrow'} is not installed. "
            "Install it: pip install pyarrow."
        ) from error
    return ColumnMaker(column_schema(model.input_schema, kind_of(model)))
