"""The models of a run: from the configuration that APP_SETTINGS names, or from a model file."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.config import (
    Config,
    FileEntry,
    chosen_configuration,
    file_configuration,
    load_configuration,
    with_files,
)
from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.rows import split_row
from model_mapreduce_job.ml_model_manager import ModelManager
from model_mapreduce_job.models.contract import version_of
from model_mapreduce_job.task.delimited_options import DELIMITERS, columns
from model_mapreduce_job.task.messages import ModelFacts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_mapreduce_job.models.contract import MLModel
    from model_mapreduce_job.task.task_options import TaskOptions

# What keeps libraries from reporting to their makers that they are used, and in what way: ONNX Runtime from
# 1.32 on (which writes below the home directory, too), MLflow from 3.2 on, and those that know the third.
_UNREPORTED = {"ORT_DISABLE_TELEMETRY": "1", "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "1"}


def load_model(qualified_name: str | None, configuration: type[Config] | None = None) -> MLModel:
    """Return the model of this name from a configuration, else from the one that APP_SETTINGS names.

    Raises ConfigurationError, ModelContractError or ModelNotFoundError.
    """
    return load_manager(configuration).get_model(str(qualified_name))


def load_manager(configuration: type[Config] | None = None) -> ModelManager:
    """Return the ModelManager, serving a configuration, else the one that APP_SETTINGS names."""
    manager = ModelManager()
    manager.serve(configuration or load_configuration(chosen_configuration()))
    return manager


def for_input(model: MLModel, options: TaskOptions) -> MLModel:
    """Return a model bound to the columns of a run's input, if it takes them by name. Raises InputError."""
    if not hasattr(model, "for_columns"):
        return model
    names = columns(options) if options.input_protocol in DELIMITERS else options.input_fields
    bound: MLModel = model.for_columns(names) if names else model
    return bound


def bound_models(options: TaskOptions, configuration: str | None = None) -> tuple[TaskOptions, list[MLModel]]:
    """Return a run's options and its models; of a replay only these say which columns are the input's."""
    models = load_run_models(options, configuration)
    if options.earlier_header is None:
        return options, models
    from model_mapreduce_job.task.replays import with_input_columns  # noqa: PLC0415 - replays alone need it

    options = with_input_columns(models, options)
    return options, load_run_models(options, configuration)


def load_run_models(options: TaskOptions, configuration: str | None = None) -> list[MLModel]:
    """Return the models of a run, in their order, for the columns of its input; raises as load_model does.

    configuration names the one that they are in, None the one that APP_SETTINGS names. Raises InputError for
    columns that are not those that a model file takes.
    """
    manager = load_manager(configuration_of(options, configuration))
    found = []
    for alone in options.alone():
        model = manager.get_model(str(alone.model_qualified_name))
        with about_model(options, str(alone.model_qualified_name)):
            found.append(for_input(model, alone))
    return found


def facts_of(options: TaskOptions) -> dict[str, ModelFacts]:
    """Return the facts of a run's models by name; nothing where this process has not loaded them."""
    manager, found = ModelManager(), {}
    for alone in options.alone():
        name = str(alone.model_qualified_name)
        if (model := manager.loaded(name)) is None:
            return {}
        found[name] = ModelFacts(
            version_of(model),
            manager.get_model_files(name),
            getattr(model, "kind", ""),
            getattr(for_input(model, alone), "columns_of_features", {}),
        )
    return found


@contextmanager
def about_model(options: TaskOptions, name: str) -> Iterator[None]:
    """Say of an InputError which of several models it is about."""
    try:
        yield
    except InputError as error:
        if not options.several:
            raise
        raise InputError(f"{name}: {error}") from error


def configuration_of(options: TaskOptions, name: str | None = None) -> type[Config]:
    """Return the configuration that has a run's models: its model files', or the one of this name.

    Without a name, the one that APP_SETTINGS names; of several models it has all. From here on no library
    of theirs reports to its maker, unless the environment says otherwise. Raises ConfigurationError.
    """
    for variable, value in _UNREPORTED.items():
        os.environ.setdefault(variable, value)
    files = tuple(map(_file_entry, filter(lambda each: each.model_file is not None, options.alone())))
    if len(files) == len(options.alone()):
        return file_configuration(*files)
    configuration: Any = load_configuration(name or chosen_configuration())
    return with_files(configuration, files) if files else configuration


def _file_entry(options: TaskOptions) -> FileEntry:
    digests = options.trust_model_file or (None,)
    return FileEntry(
        str(Path(str(options.model_file)).absolute()),
        str(options.model_digest),
        options.model_qualified_name,
        options.model_type,
        features=tuple(split_row(options.features, ",")) if options.features else None,
        outputs=options.model_output or (),
        trusted_digest=digests[0],
        trusted_types=tuple((options.trust_types or "").split(",")) if options.trust_types else (),
    )
