"""What the output of a run depends on, beside its input: only a run of its like goes on with its parts."""

from __future__ import annotations

import hashlib
import importlib.util
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_mapreduce_job import __version__
from model_mapreduce_job.config import entries, load_configuration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from model_mapreduce_job.config import ModelEntry


def run_identity(configuration: str | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the output depends on, by name; loads no model.

    configuration is what APP_SETTINGS says, options are those that tasks are told.
    """
    name = options["model_qualified_name"]
    chosen = [
        entry for entry in entries(load_configuration(configuration)) if entry.qualified_name in {None, name}
    ]
    return {
        **options,
        "the version of model_mapreduce_job": __version__,
        "the model's entry in the configuration": [asdict(entry) for entry in chosen],
        "the model's package": _digest(chosen),
    }


def _digest(chosen: Iterable[ModelEntry]) -> str:
    """Return a digest of the names, sizes and times of the files in the models' packages."""
    packages = {entry.module_name.partition(".")[0] for entry in chosen}
    states = [_state(path) for package in sorted(packages) for path in _files_of(package)]
    return hashlib.sha256(repr(sorted(states)).encode()).hexdigest()[:16]


def _files_of(package: str) -> Iterator[Path]:
    spec = importlib.util.find_spec(package)
    if spec and spec.submodule_search_locations:
        for directory in spec.submodule_search_locations:
            yield from (
                path for path in Path(directory).rglob("*") if path.suffix != ".pyc" and path.is_file()
            )
    elif spec and spec.origin:
        yield Path(spec.origin)


def _state(path: Path) -> tuple[str, int, int]:
    info = path.stat()
    return os.fspath(path), info.st_size, info.st_mtime_ns
