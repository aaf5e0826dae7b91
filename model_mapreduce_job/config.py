"""Configurations: the models that a run may use. APP_SETTINGS names the class of one."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from pathlib import PurePath
from typing import Any, ClassVar, TypeVar

import msgspec

from model_mapreduce_job.exceptions import ConfigurationError

DEFAULT_CONFIGURATION = "ProdConfig"
# The environment variable that chooses a configuration
SETTING = "APP_SETTINGS"
# What serves model files, which are no part of its own package
FILE_MODEL = "model_mapreduce_job.models.adapters.file_model"


@dataclass(frozen=True)
class ModelEntry:
    """One entry of a configuration's `models`.

    module_name and class_name say which class to import. With qualified_name, the class is imported only
    when that model is asked for. parameters go to its __init__. files maps a path to the sha256 that its
    content must have, in hexadecimal; a relative one is looked up in the package that module_name is in, or,
    for a module of its own, beside the configuration.
    """

    module_name: str
    class_name: str
    qualified_name: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FileEntry:
    """An entry that names a model file in the place of a class: docs/models.md says which there are.

    model_file is looked up beside the configuration, sha256 is what its content must have (of a directory,
    what docs/models.md says). trusted says that a file of a kind that can run code may be loaded,
    trusted_types which types a skops file may have. The others are those of the command line's options.
    """

    model_file: str
    sha256: str
    qualified_name: str | None = None
    model_type: str | None = None
    features: tuple[str, ...] | None = None
    outputs: tuple[str, ...] = ()
    trusted: bool = False
    trusted_digest: str | None = None
    trusted_types: tuple[str, ...] = ()

    def model_entry(self) -> ModelEntry:
        """Return the entry of the class that serves model files."""
        name = self.qualified_name or PurePath(self.model_file).stem
        parameters: dict[str, Any] = {
            "model_file": self.model_file,
            "qualified_name": name,
            "model_type": self.model_type,
            "features": self.features,
            "outputs": self.outputs,
            "trusted_digest": self.sha256 if self.trusted else self.trusted_digest,
            "trusted_types": self.trusted_types,
        }
        return ModelEntry(FILE_MODEL, "FileModel", name, parameters, {self.model_file: self.sha256})


_Entry = TypeVar("_Entry", ModelEntry, FileEntry)


class Config:
    """The base of all configurations; subclass it in a module of your own to run your own models.

    source is how messages name one that no module has, sources how they name entries that come from
    elsewhere, by their number.
    """

    source: ClassVar[str | None] = None
    sources: ClassVar[Mapping[int, str]] = {}
    models: ClassVar[Sequence[Mapping[str, Any]]] = (
        {
            "qualified_name": "iris_model",
            "module_name": "iris_model.iris_predict",
            "class_name": "IrisModel",
            "files": {
                "model_files/iris.onnx": "10f1cb29b1774ea0cb2aa0ccf8791bd841d6dbc876b64f75a66f9e5bafb8a4a6",
            },
        },
    )


class ProdConfig(Config):
    """The models for production."""


class BetaConfig(Config):
    """The models that will be ProdConfig's next."""


class TestConfig(Config):
    """The models for tests."""

    __test__ = False  # its name is fixed by the contract; pytest must not collect it


class DevConfig(Config):
    """The models in development."""


def chosen_configuration() -> str:
    """Return the name that APP_SETTINGS gives, a class's or a dotted path; nothing else reads it."""
    return os.environ.get(SETTING) or DEFAULT_CONFIGURATION


def load_configuration(name: str | None = None) -> type[Config]:
    """Return the Config subclass of this name: a name in this module, or a dotted path to another's.

    None means ProdConfig. Raises ConfigurationError when there is no such class.
    """
    module_name, _, class_name = (name or DEFAULT_CONFIGURATION).rpartition(".")
    module = _import(module_name, name) if module_name else sys.modules[__name__]
    found = getattr(module, class_name, None)
    if not (inspect.isclass(found) and issubclass(found, Config)):
        raise ConfigurationError(
            f"APP_SETTINGS={name!r} names no configuration: {module.__name__} has "
            f"{', '.join(_configurations(module)) or 'no subclass of Config'}. Set APP_SETTINGS to one of "
            "these, or to the dotted path of a subclass of model_mapreduce_job.config.Config."
        )
    return found


@cache
def file_configuration(*files: FileEntry) -> type[Config]:
    """Return a configuration that has model files alone, the same one each time."""
    members = {"models": tuple(map(asdict, files)), "source": "--model_file"}
    return type("ModelFile", (Config,), members)


@cache
def with_files(configuration: Any, files: tuple[FileEntry, ...]) -> type[Config]:
    """Return a configuration that has another's models, and model files after them; the same each time.

    Raises ConfigurationError where the other's models are no list.
    """
    own = len(entries(configuration))
    members = {
        "models": (*configuration.models, *map(asdict, files)),
        "sources": dict.fromkeys(range(own + 1, own + 1 + len(files)), "--model_file"),
        # relative paths are looked up beside it
        "__module__": configuration.__module__,
    }
    return type(configuration.__name__, (configuration,), members)


def entries(configuration: type[Config]) -> tuple[ModelEntry, ...]:
    """Return the configuration's models as entries; raises ConfigurationError for one that is malformed."""
    if not isinstance(configuration.models, list | tuple):
        raise ConfigurationError(
            f"{configuration.__name__}.models is a {type(configuration.models).__name__}: "
            "it must be a list with an entry for each model."
        )
    return tuple(_entry(configuration, number, given) for number, given in enumerate(configuration.models, 1))


def describe(configuration: type[Config], number: int) -> str:
    """Return an entry's name in messages: the configuration's class and the entry's place, from 1."""
    from_elsewhere = configuration.source or configuration.sources.get(number)
    return from_elsewhere or f"entry {number} of {configuration.__name__}.models"


def _entry(configuration: type[Config], number: int, given: Any) -> ModelEntry:
    try:
        return _checked(given)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(
            f"{describe(configuration, number)} can't be used: {error}. An entry has module_name "
            "and class_name, and may have qualified_name, parameters and files; or it has model_file and "
            "sha256, and may have qualified_name, model_type, features, outputs, trusted and trusted_types."
        ) from error


def _checked(given: Any) -> ModelEntry:
    if not isinstance(given, Mapping):
        raise TypeError(f"It is no dict, but a {type(given).__name__}")
    if "model_file" in given:
        return _converted(given, FileEntry).model_entry()
    return _converted(given, ModelEntry)


def _converted(given: Mapping[str, Any], kind: type[_Entry]) -> _Entry:
    if unknown := given.keys() - {each.name for each in fields(kind)}:
        raise TypeError(f"It has {', '.join(map(repr, sorted(unknown)))}")
    return msgspec.convert(given, kind)


def _import(module_name: str, setting: str | None) -> Any:
    try:
        return importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        raise ConfigurationError(
            f"APP_SETTINGS={setting!r} can't be imported: {type(error).__name__}: {error}. "
            "Check the dotted path, and that its directory is in PYTHONPATH."
        ) from error


def _configurations(module: Any) -> list[str]:
    classes = inspect.getmembers(module, inspect.isclass)
    return [name for name, member in classes if issubclass(member, Config) and member is not Config]
