"""The files in a model's entry: verifies that the model loads the same file that was checked."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from model_mapreduce_job.config import FILE_MODEL
from model_mapreduce_job.exceptions import ConfigurationError

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec

    from model_mapreduce_job.config import ModelEntry


class VerifiedFile(msgspec.Struct, frozen=True):
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
    """Return the arguments of a model's __init__: its entry's parameters, and the verified files.

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
    """Raise ConfigurationError when a file has changed since it was verified."""
    for file in files:
        if _state(file.path, place) != file.state:
            raise ConfigurationError(
                f"{place}: {file.path} was changed while the model was loaded. Run again when it is in place."
            )


def path_digest(path: Path) -> str:
    """Return the sha256 of a file's content, in hexadecimal; of a directory, that of its files.

    A directory's is the sha256 of a line for each file below it, in the order of their names: its sha256, two
    blanks and its name from the directory, as sha256sum writes them. Raises OSError.
    """
    if not path.is_dir():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    files = sorted((file.relative_to(path).as_posix(), file) for file in path.rglob("*") if file.is_file())
    lines = "".join(f"{path_digest(file)}  {name}\n" for name, file in files)
    return hashlib.sha256(lines.encode(errors="surrogateescape")).hexdigest()


def _base(entry: ModelEntry, directory: Path, place: str) -> Path:
    """Return where relative names are looked up: in the model's package, or beside the configuration."""
    if entry.module_name == FILE_MODEL:
        return directory
    package = entry.module_name.partition(".")[0]
    spec = spec_of(package)
    if spec is None:
        raise ConfigurationError(
            f"{place}: {package!r}, which has the model, is not installed here, nor beside the "
            "configuration. Install it, or add its directory to PYTHONPATH."
        )
    return Path(next(iter(spec.submodule_search_locations or []), directory)).absolute()


def spec_of(name: str) -> ModuleSpec | None:
    """Return the spec of a top-level module, without running any of its code; None if it is not found."""
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None


def _verified(name: str, path: Path, digest: str, place: str) -> VerifiedFile:
    try:
        before = _state_of(path)
        found = path_digest(path)
        state = _state_of(path)
    except OSError as error:
        raise ConfigurationError(
            f"{place}: {path} can't be read: {error.strerror}. Check its name."
        ) from error
    if state != before:
        raise ConfigurationError(
            f"{place}: {path} was changed while it was read. Run again when it is in place."
        )
    if found != digest.lower():
        raise ConfigurationError(
            f"{place}: {name} has the sha256 {found}, the entry says {digest}. "
            "Restore the file that was meant, or write its sha256 into the configuration."
        )
    return VerifiedFile(name, path, state)


def _state(path: Path, place: str) -> tuple[int, ...]:
    try:
        return _state_of(path)
    except OSError as error:
        raise ConfigurationError(
            f"{place}: {path} was removed while the model was loaded: {error.strerror}. Run again when it is "
            "in place."
        ) from error


def _state_of(path: Path) -> tuple[int, ...]:
    """Return what is another after each change of a file, or of one in a directory."""
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    return tuple(number for file in files for number in _file_state(file.stat()))


def _file_state(info: os.stat_result) -> tuple[int, ...]:
    # who writes to the file can set its modification time, but not its change time
    return info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns


def _takes_files(model_class: Any) -> bool:
    try:
        parameter = inspect.signature(model_class).parameters.get("files")
    except (TypeError, ValueError):
        return False
    return parameter is not None and parameter.kind is not parameter.VAR_KEYWORD
