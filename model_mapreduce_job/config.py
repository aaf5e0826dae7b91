"""Configurations: which models a run may use. APP_SETTINGS chooses one by its class's name."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import msgspec

from model_mapreduce_job.exceptions import ConfigurationError

DEFAULT_CONFIGURATION = "ProdConfig"


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


class Config:
    """What every environment shares; subclass it in a module of your own to run your own models."""

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
    """The models that results are made with."""


class BetaConfig(Config):
    """The models that are to become ProdConfig's."""


class TestConfig(Config):
    """The models that tests run against."""

    __test__ = False  # its name is fixed by the contract; pytest must not collect it


class DevConfig(Config):
    """The models that are being worked on."""


def load_configuration(name: str | None = None) -> type[Config]:
    """Return the Config subclass of this name: a bare name from this module, or a dotted path to another's.

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


def entries(configuration: type[Config]) -> tuple[ModelEntry, ...]:
    """Return the configuration's models as entries; raises ConfigurationError for one that is malformed."""
    if not isinstance(configuration.models, list | tuple):
        raise ConfigurationError(
            f"{configuration.__name__}.models is a {type(configuration.models).__name__}: "
            "it must be a list with an entry for each model."
        )
    return tuple(_entry(configuration, number, given) for number, given in enumerate(configuration.models, 1))


def describe(configuration: type[Config], number: int) -> str:
    """Return how messages name an entry: the configuration's class and the entry's place, from 1."""
    return f"entry {number} of {configuration.__name__}.models"


def _entry(configuration: type[Config], number: int, given: Any) -> ModelEntry:
    try:
        return _checked(given)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(
            f"{describe(configuration, number)} can't be used: {error}. An entry has module_name "
            "and class_name, and may have qualified_name, parameters and files."
        ) from error


def _checked(given: Any) -> ModelEntry:
    if not isinstance(given, Mapping):
        raise TypeError(f"It is no dict, but a {type(given).__name__}")
    if unknown := given.keys() - ModelEntry.__dataclass_fields__.keys():
        raise TypeError(f"It has {', '.join(map(repr, sorted(unknown)))}")
    return msgspec.convert(given, ModelEntry)


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
