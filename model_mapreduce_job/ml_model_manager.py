"""The ModelManager: loads the models that a configuration names, and holds them."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

import msgspec

from model_mapreduce_job.config import FILE_MODEL, describe, entries
from model_mapreduce_job.exceptions import (
    ConfigurationError,
    ModelContractError,
    ModelMapReduceError,
    ModelNotFoundError,
)
from model_mapreduce_job.models.contract import missing_members, version_of
from model_mapreduce_job.models.files import check_unchanged, parameters_with, verify_files

if TYPE_CHECKING:
    from collections.abc import Collection

    from model_mapreduce_job.config import Config, ModelEntry
    from model_mapreduce_job.models.contract import MLModel


class _LazyModel(msgspec.Struct, frozen=True):
    """A model that is loaded when it is first needed.

    place is its entry's name in messages, directory that of its configuration's file.
    """

    entry: ModelEntry
    place: str
    directory: Path


class ModelManager:
    """Singleton that holds the models of a process by qualified name."""

    _instance: ClassVar[Any] = None
    _lock: ClassVar[Lock] = Lock()

    def __new__(cls) -> Self:
        """Return the process's one manager."""
        with cls._lock:
            if cls._instance is None:
                cls._instance = super().__new__(cls)
        return cast("Self", cls._instance)

    def __init__(self) -> None:
        """Start without models, the first time."""
        if not vars(self):
            self._models: dict[str, MLModel | _LazyModel] = {}
            self._entries: dict[str, ModelEntry] = {}
            self._configuration: type[Config] | None = None

    def load_models(self, configuration: type[Config]) -> None:
        """Replace this process's models by those of a configuration.

        An entry with a qualified_name is imported only when that model is needed. Raises ConfigurationError
        or ModelContractError, and then keeps the previous models.
        """
        models: dict[str, MLModel | _LazyModel] = {}
        by_name: dict[str, ModelEntry] = {}
        directory = _directory_of(configuration)
        for number, entry in enumerate(entries(configuration), 1):
            lazy = _LazyModel(entry, describe(configuration, number), directory)
            model = lazy if entry.qualified_name else _load(lazy)
            name = entry.qualified_name or str(getattr(model, "qualified_name", ""))
            if name in models:
                raise ConfigurationError(
                    f"{lazy.place} is a second model with the name {name!r}. "
                    "Give each model a name of its own."
                )
            models[name], by_name[name] = model, entry
        self._models, self._entries, self._configuration = models, by_name, configuration

    def serve(self, configuration: type[Config]) -> None:
        """Load a configuration's models, unless this process has them already."""
        if configuration is not self._configuration:
            self.load_models(configuration)

    def get_models(self) -> list[dict[str, Any]]:
        """Return the metadata of every model, in the order of the configuration; loads none."""
        return [_metadata(name, model) for name, model in self._models.items()]

    def get_model_metadata(self, qualified_name: str) -> dict[str, Any]:
        """Return a model's names, description, version and schemas; loads it. Raises ModelNotFoundError."""
        return _metadata(qualified_name, self.get_model(qualified_name))

    def get_model(self, qualified_name: str) -> MLModel:
        """Return the model of this name, and load it first if need be.

        Raises ModelNotFoundError, with the models' names; ConfigurationError or ModelContractError when its
        class can't be loaded.
        """
        self.check_name(qualified_name)
        model = self._models[qualified_name]
        if isinstance(model, _LazyModel):
            model = self._models[qualified_name] = _load(model)
        return model

    def get_class(self, qualified_name: str) -> Any:
        """Return the class of the model of this name, which is not loaded; raises as get_model() does."""
        self.check_name(qualified_name)
        model = self._models[qualified_name]
        return _import_class(model) if isinstance(model, _LazyModel) else type(model)

    def loaded(self, qualified_name: str) -> MLModel | None:
        """Return the model of this name if it is loaded already, None otherwise."""
        model = self._models.get(qualified_name)
        return None if isinstance(model, _LazyModel) else model

    def get_model_files(self, qualified_name: str) -> dict[str, str]:
        """Return the files that the model's entry names, with their sha256. Raises ModelNotFoundError."""
        self.check_name(qualified_name)
        return dict(self._entries[qualified_name].files)

    def check_name(self, qualified_name: str) -> None:
        """Raise ModelNotFoundError unless there is a model of this name; imports nothing."""
        check_name(qualified_name, self._models)


def check_name(qualified_name: str, names: Collection[str]) -> None:
    """Raise ModelNotFoundError unless a name is one of the models' names."""
    if qualified_name not in names:
        there = ", ".join(names) or "none at all: its configuration names no model"
        raise ModelNotFoundError(
            f"There is no model {qualified_name!r}. There is: {there}. "
            "Choose one of these, or add yours to the configuration that APP_SETTINGS names."
        )


def _metadata(name: str, model: MLModel | _LazyModel) -> dict[str, Any]:
    if isinstance(model, _LazyModel):
        return {"qualified_name": name}
    return {
        "display_name": model.display_name,
        "qualified_name": model.qualified_name,
        "description": model.description,
        "version": version_of(model),
        "input_schema": model.input_schema,
        "output_schema": model.output_schema,
    }


def _load(lazy: _LazyModel) -> MLModel:
    files = verify_files(lazy.entry, lazy.directory, lazy.place)
    model_class = _import_class(lazy)
    try:
        model: MLModel = model_class(**parameters_with(files, lazy.entry, model_class))
    except (Exception, SystemExit) as error:
        if lazy.entry.module_name == FILE_MODEL and isinstance(error, ModelMapReduceError):
            raise ConfigurationError(f"{lazy.place}: {error}") from error
        raise ConfigurationError(
            f"{lazy.place}: {lazy.entry.class_name}({_names(lazy.entry.parameters)}) raised "
            f"{type(error).__name__}: {error}. Check its parameters and its model file."
        ) from error
    check_unchanged(files, lazy.place)
    _check_contract(lazy, model)
    return model


def _directory_of(configuration: type[Config]) -> Path:
    """Return the directory of a configuration's file."""
    file = getattr(sys.modules.get(configuration.__module__), "__file__", None)
    return Path(file).absolute().parent if file else Path.cwd()


def _names(parameters: dict[str, Any]) -> str:
    """Return the names of parameters without their values, which may be secrets."""
    return ", ".join(f"{name}=..." for name in parameters)


def _import_class(lazy: _LazyModel) -> Any:
    module_name, class_name = lazy.entry.module_name, lazy.entry.class_name
    try:
        return getattr(importlib.import_module(module_name), class_name)
    except (Exception, SystemExit) as error:
        raise ConfigurationError(
            f"{lazy.place}: {class_name} can't be imported from {module_name}: "
            f"{type(error).__name__}: {error}. Check the names, and that the model's package is installed."
        ) from error


def _check_contract(lazy: _LazyModel, model: Any) -> None:
    class_name = lazy.entry.class_name
    if missing := missing_members(model):
        raise ModelContractError(
            f"{lazy.place}: {class_name} lacks {', '.join(missing)}. "
            "See the model contract in docs/models.md."
        )
    expected = lazy.entry.qualified_name
    if expected and model.qualified_name != expected:
        raise ModelContractError(
            f"{lazy.place}: {class_name} calls itself {model.qualified_name!r}, the entry says {expected!r}. "
            "Give both the same qualified_name."
        )
