"""Whether rows of csv and tsv have the columns that a run needs, found before any task starts."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.models.schemas import record_schema
from model_mapreduce_job.task.delimited_rows import check_fields, delimited_reader
from model_mapreduce_job.task.run_model import about_model, configuration_of, load_manager

if TYPE_CHECKING:
    from model_mapreduce_job.task.task_options import TaskOptions


def check_columns(options: TaskOptions, configuration: str | None = None) -> None:
    """Raise InputError where the tasks of a run with these options would, for the columns of its rows.

    A model's class says what it needs. The model is loaded only where its class says nothing, or what the
    columns lack: then the model itself has to say so. Without columns the classes are imported, and no more.
    """
    manager = load_manager(configuration_of(options, configuration))
    for place, alone in enumerate(options.alone()):
        own = alone if place == 0 else replace(alone, key=None)  # which are the first one's to give
        name = str(own.model_qualified_name)
        with about_model(options, name):
            model_class = manager.get_class(name)
            if own.columns and not _class_fits(model_class, own):
                _check(manager.get_model(name), own)


def _class_fits(model_class: Any, options: TaskOptions) -> bool:
    """Return whether a model's class says what it needs, and the columns have that."""
    if isinstance(inspect.getattr_static(model_class, "input_schema", _Unknown()), (property, _Unknown)):
        return False
    try:
        _check(model_class, options)
    except InputError:
        return False
    return True


class _Unknown:
    """Stands for what a class doesn't have."""


def _check(model: Any, options: TaskOptions) -> None:
    delimited_reader(record_schema(model.input_schema), options)
    check_fields(model, options)
