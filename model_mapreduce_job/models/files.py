"""The files that a model's entry names: the file that was checked is the file that the model loads."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_mapreduce_job.config import ModelEntry


@dataclass(frozen=True)
class VerifiedFile:
    """A file whose content has the sha256 that its entry gives; state changes whenever the file does."""

    name: str
    path: Path
    state: tuple[int, ...]


def verify_files(entry: ModelEntry, directory: Path, place: str) -> list[VerifiedFile]:
    """Return an entry's files, each with the content that it must have; raises ConfigurationError.

    directory is the configuration's own; place is how messages name the entry.
    """
    if not entry.files:
        return []
    base = _base(entry, directory, place)
    return [_verified(name, base / name, digest, place) for name, digest in entry.files.items()]


def parameters_with(files: Sequence[VerifiedFile], entry: ModelEntry, model_class: Any) -> dict[str, Any]:
    """Return what a model's __init__ is called with: its entry's parameters, and the verified files.

    A parameter that is a file's name becomes the file's absolute path. An __init__ with a parameter `files`
    gets all of them, a dict of names and paths.
    """
    paths = {file.name: str(file.path) for file in files}
    given = {
        name: paths.get(value, value) if isinstance(value, str) else value
        for name, value in entry.parameters.items()
    }
    return {"files": paths, **given} if paths and _takes_files(model_class) else given


def check_unchanged(files: Sequence[VerifiedFile], place: str) -> None:
    """Raise ConfigurationError when a file is not what it was when it was verified."""
    for file in files:
        if _state(file.path, place) != file.state:
            raise ConfigurationError(
                f"{place}: {file.path} was changed while the model was loaded. Run again when it is in place."
            )


def _base(entry: ModelEntry, directory: Path, place: str) -> Path:
    """Return where relative names are looked up: in the model's package, or beside the configuration."""
    package = entry.module_name.partition(".")[0]
    # find_spec of a top package finds its directory without running any of its code
    spec = importlib.util.find_spec(package)
    if spec is None:
        raise ConfigurationError(
            f"{place}: {package}, which has the model, is not installed here, nor beside the configuration. "
            f"Install it, or add its directory to PYTHONPATH."
        )
    return Path(next(iter(spec.submodule_search_locations or []), directory)).absolute()


def _verified(name: str, path: Path, digest: str, place: str) -> VerifiedFile:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
            state = _state_of(os.fstat(file.fileno()))
    except OSError as error:
        raise ConfigurationError(
            f"{place}: {path} can't be read: {error.strerror}. Check `files`."
        ) from error
    if found != digest.lower():
        raise ConfigurationError(
            f"{place}: {name} has the sha256 {found}, the entry says {digest}. "
            "Restore the file that was meant, or write its sha256 into the configuration."
        )
    return VerifiedFile(name, path, state)


def _state(path: Path, place: str) -> tuple[int, ...]:
    try:
        return _state_of(path.stat())
    except OSError as error:
        raise ConfigurationError(
            f"{place}: {path} was removed while the model was loaded: {error.strerror}."
        ) from error


def _state_of(info: os.stat_result) -> tuple[int, ...]:
    # the time of its last change can't be set by whoever writes to it
    return info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns


def _takes_files(model_class: Any) -> bool:
    try:
        parameter = inspect.signature(model_class).parameters.get("files")
    except (TypeError, ValueError):
        return False
    return parameter is not None and parameter.kind is not parameter.VAR_KEYWORD
