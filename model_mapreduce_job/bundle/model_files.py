"""The model files of a configuration's entries, and the libraries that read them, for a bundle."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from model_mapreduce_job.bundle.distributions import distribution_of, installed, normalized
from model_mapreduce_job.config import FILE_MODEL
from model_mapreduce_job.exceptions import ConfigurationError
from model_mapreduce_job.models.adapters.model_types import model_type_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from model_mapreduce_job.config import Config, ModelEntry

# What is imported for files of a kind, where that is not a module of the kind's own name.
_MODULES: Final = {
    "onnx": ("onnxruntime",),
    "skops": ("skops", "sklearn", "pandas"),
    "sklearn": ("sklearn", "joblib", "pandas"),
    "mlflow": ("mlflow", "pandas"),
    "lightgbm": ("lightgbm", "pandas"),
    "xgboost": ("xgboost", "pandas"),
}
_NAME: Final = re.compile(r"[A-Za-z0-9][\w.-]*")


def model_files(configuration: type[Config], entries: Iterable[ModelEntry]) -> dict[str, Path]:
    """Return the model files that entries name, by their path from the configuration's directory.

    Raises ConfigurationError for one that has no place there: a bundle has only what is beside or below it.
    """
    file = getattr(sys.modules.get(configuration.__module__), "__file__", None)
    directory = Path(file).absolute().parent if file else Path.cwd()
    names = [name for entry in _of_files(entries) for name in entry.files]
    for name in names:
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise ConfigurationError(
                f"The model file {name} can't go into a bundle: only what is beside the configuration does. "
                "Put it there, and write its path from there."
            )
        if not (directory / name).exists():
            raise ConfigurationError(f"There is no model file {directory / name}. Check the configuration.")
    return {name: directory / name for name in names}


def libraries(configuration: type[Config], entries: Iterable[ModelEntry]) -> Iterator[str]:
    """Yield the installed distributions that read the model files of entries; raises ConfigurationError."""
    chosen = list(_of_files(entries))
    places = model_files(configuration, chosen)
    for entry in chosen:
        yield from libraries_of_file(places[entry.parameters["model_file"]], entry.parameters["model_type"])


def libraries_of_file(path: Path, name: str | None = None) -> Iterator[str]:
    """Yield the installed distributions that read a model file, of the kind that it, or the name, says.

    Raises ConfigurationError for a file of no known kind, and where its library is not installed here.
    """
    kind = model_type_of(path, name)
    modules = _MODULES.get(kind.name, (kind.name,))
    if distribution_of(modules[0]) is None:
        raise ConfigurationError(
            f"{path} is a model file of {kind.name}, which is not installed here. "
            f"Install it: pip install {kind.install}"
        )
    found = filter(None, map(distribution_of, modules))
    yield from (normalized(each.name) for each in found)
    yield from _required(path / "requirements.txt")


def _required(path: Path) -> Iterator[str]:
    """Yield those distributions that an MLflow model's requirements name, of those installed here."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else ()
    for found in filter(None, map(_NAME.match, lines)):
        if (name := normalized(found[0])) in installed():
            yield name


def _of_files(entries: Iterable[ModelEntry]) -> Iterator[ModelEntry]:
    return (entry for entry in entries if entry.module_name == FILE_MODEL)
