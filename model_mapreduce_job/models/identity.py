"""The identity of a run: what its output depends on beside its input. --resume needs the same one."""

from __future__ import annotations

import ast
import os
import platform
import sys
import sysconfig
from contextlib import suppress
from functools import cache, partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.config import FILE_MODEL, entries
from model_mapreduce_job.exceptions import ConfigurationError
from model_mapreduce_job.models.adapters.model_types import model_type_of
from model_mapreduce_job.models.content_digest import (
    INCOMPARABLE,
    comparable,
    digest_of_files,
    file_digest,
    files_below,
    or_reason,
)
from model_mapreduce_job.models.files import path_digest, spec_of
from model_mapreduce_job.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from importlib.machinery import ModuleSpec

    from model_mapreduce_job.config import Config, ModelEntry

# This package and Python, which are compared by their versions
_COMPARED = frozenset({"model_mapreduce_job", *sys.stdlib_module_names})
# Libraries of model files whose modules have another name than their kind.
_MODULES = {"onnx": "onnxruntime"}


def run_identity(configuration: type[Config], options: Mapping[str, Any]) -> dict[str, str]:
    """Return what the output depends on, by name; loads no model. options are those of the tasks."""
    names = {model.name for model in options.get("several", ())} or {options["model_qualified_name"]}
    chosen = [entry for entry in entries(configuration) if entry.qualified_name in {None, *names}]
    return identity_of(chosen, configuration.__module__, options)


def identity_of(
    chosen: Iterable[ModelEntry], configuration_module: str, options: Mapping[str, Any]
) -> dict[str, str]:
    """Return what the output depends on, by name, as texts that are the same in each process.

    The text of a value that can't be compared begins with INCOMPARABLE. Imports none of the model's code.
    """
    identity = {name: str(value) for name, value in options.items()}
    identity["the version of model_mapreduce_job"] = __version__
    identity["the version of Python"] = platform.python_version()
    identity["the configuration's file"] = or_reason(lambda: _module_digest(configuration_module))
    for entry in chosen:
        identity |= _entry_identity(entry, configuration_module)
    return identity


def _entry_identity(entry: ModelEntry, configuration_module: str) -> dict[str, str]:
    name = entry.qualified_name or f"{entry.module_name}.{entry.class_name}"
    code = cache(partial(_code_of, entry.module_name))
    places = _places(entry, configuration_module)
    return {
        f"the class of {name}": f"{entry.module_name}.{entry.class_name}",
        f"the code of {name}": or_reason(lambda: digest_of_files(code()[0])),
        f"what the code of {name} imports": or_reason(
            lambda: _versions_of(code()[1] | _libraries(entry, places))
        ),
        **{f"the parameter {key!r} of {name}": comparable(value) for key, value in entry.parameters.items()},
        **{f"the file {file} of {name}": or_reason(partial(_file_at, places, file)) for file in entry.files},
    }


def _libraries(entry: ModelEntry, places: Iterable[Path]) -> set[str]:
    """Return the top module of the library that reads a model file; none for a class."""
    if entry.module_name != FILE_MODEL:
        return set()
    given = entry.parameters
    with suppress(ConfigurationError):  # which loading it shows
        kind = model_type_of(_found(places, given["model_file"]), given["model_type"])
        return {_MODULES.get(kind.name, kind.name)}
    return set()


def _module_digest(name: str) -> str:
    origin = _origin(name)
    return file_digest(origin) if origin else f"{INCOMPARABLE}there is no file of {name}"


def _places(entry: ModelEntry, configuration_module: str) -> list[Path]:
    """Return the directories that an entry's files may be relative to."""
    origin = _origin(configuration_module)
    package = spec_of(entry.module_name.partition(".")[0])
    locations = list((package and package.submodule_search_locations) or [])
    return [*map(Path, locations[:1]), *([origin.parent] if origin else []), Path()]


def _found(places: Iterable[Path], name: str) -> Path:
    return next((place / name for place in places if (place / name).exists()), Path(name))


def _file_at(places: Iterable[Path], name: str) -> str:
    path = _found(places, name)
    return path_digest(path) if path.is_dir() else file_digest(path)


def _code_of(module: str) -> tuple[list[Path], set[str]]:
    """Return the files of a module's package and of those beside it that it imports, and the installed ones.

    Raises IncomparableError where there are too many, OSError where one can't be read.
    """
    files: dict[str, list[Path]] = {}
    installed: set[str] = set()
    ahead = [module.partition(".")[0]]
    while ahead:
        name = ahead.pop()
        spec = None if name in files or name in installed | _COMPARED else spec_of(name)
        if spec is None:
            continue
        if any(map(_is_installed, _origins(spec))):
            installed.add(name)
            if files:
                continue
        files[name] = list(_files_of(spec))
        ahead += {found for file in files[name] if file.suffix == ".py" for found in _imports(file)}
    return [file for name in sorted(files) for file in files[name]], installed


def _versions_of(modules: set[str]) -> str:
    """Return the installed distributions that have these modules and that those need, with versions."""
    wanted = _distributions_of(modules)
    found: dict[str, str] = {}
    while wanted:
        name = wanted.pop().lower().replace("_", "-").replace(".", "-")
        if name in found:
            continue
        with suppress(metadata.PackageNotFoundError):
            distribution = metadata.distribution(name)
            found[name] = distribution.version
            wanted += _needed(distribution)
    return ", ".join(f"{name} {version}" for name, version in sorted(found.items()))


def _origins(spec: ModuleSpec) -> list[str]:
    return [*(spec.submodule_search_locations or ()), *([spec.origin] if spec.origin else [])]


def _distributions_of(modules: set[str]) -> list[str]:
    """Return the installed distributions that have these top modules."""
    return [
        distribution.metadata["Name"]
        for distribution in metadata.distributions()
        if modules & _top_modules(distribution)
    ]


def _top_modules(distribution: metadata.Distribution) -> set[str]:
    # importlib's own function would make an object for each installed file
    if names := distribution.read_text("top_level.txt"):
        return set(names.split())
    lines = (distribution.read_text("RECORD") or "").splitlines()
    return {line.partition(",")[0].partition("/")[0].removesuffix(".py") for line in lines}


def _files_of(spec: ModuleSpec) -> Iterator[Path]:
    if spec.submodule_search_locations:
        for directory in spec.submodule_search_locations:
            yield from files_below(Path(directory))
    elif spec.origin and Path(spec.origin).is_file():
        yield Path(spec.origin)


def _imports(path: Path) -> Iterator[str]:
    """Yield the top-level names that a file imports, anywhere in it."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _needed(distribution: metadata.Distribution) -> Iterator[str]:
    for requirement in distribution.requires or ():
        name, _, marker = requirement.partition(";")
        if "extra" not in marker:
            letters = (letter if letter.isalnum() or letter in "._-" else " " for letter in name)
            yield "".join(letters).split()[0]


def _is_installed(path: str) -> bool:
    places = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    return any(path.startswith(f"{place}{os.sep}") for place in places)


def _origin(module: str) -> Path | None:
    loaded = sys.modules.get(module)
    origin = getattr(loaded, "__file__", None) if loaded else getattr(spec_of(module), "origin", None)
    return Path(origin) if origin and Path(origin).is_file() else None
