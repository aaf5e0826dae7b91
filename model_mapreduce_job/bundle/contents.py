"""The contents of a bundle: the job, the configuration, its models, and everything that these need."""

from __future__ import annotations

import hashlib
import sys
import sysconfig
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from model_mapreduce_job.bundle.distributions import (
    closure,
    digest,
    distribution_of,
    installed,
    is_editable,
    is_of_registry,
    names_by_package,
    normalized,
)
from model_mapreduce_job.bundle.imports import Imports
from model_mapreduce_job.bundle.model_files import libraries as of_entries
from model_mapreduce_job.bundle.model_files import model_files
from model_mapreduce_job.config import DEFAULT_CONFIGURATION, entries, load_configuration
from model_mapreduce_job.exceptions import ConfigurationError
from model_mapreduce_job.models.files import path_digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from importlib.metadata import Distribution

JOB: Final = "model_mapreduce_job"


@dataclass(frozen=True)
class Package:
    """A top-level package that is used from a source tree, and so is copied file by file.

    Hidden files are left out, except those in hidden: .env and .git may hold secrets.
    """

    name: str
    hidden: frozenset[str] = frozenset()

    @property
    def distribution(self) -> Distribution | None:
        """The distribution that has the package."""
        return distribution_of(self.name)

    @property
    def is_source(self) -> bool:
        """Whether it's used from a source tree; else its distribution's installed files are copied."""
        installed = {Path(sysconfig.get_path(kind)).resolve() for kind in ("purelib", "platlib")}
        return installed.isdisjoint(self.place.resolve().parents)

    @property
    def place(self) -> Path:
        """Return its directory, or its file; raises ConfigurationError when it can't be imported."""
        spec = find_spec(self.name)
        if spec is not None and spec.origin is not None:
            return Path(spec.origin).parent if spec.submodule_search_locations else Path(spec.origin)
        places = list(spec.submodule_search_locations or ()) if spec else []
        if len(places) == 1:
            return Path(places[0])
        raise ConfigurationError(
            f"The package {self.name} can't be found. Install it, or put it on PYTHONPATH."
        )

    def files(self) -> Iterator[Path]:
        """Yield its files in a fixed order; raises ConfigurationError for a link that leads out of it."""
        place = self.place
        if place.is_file():
            yield place
            return
        for path in sorted(place.rglob("*")):
            parts = path.relative_to(place).parts
            is_hidden = any(part.startswith(".") and part not in self.hidden for part in parts)
            if is_hidden or "__pycache__" in parts:
                continue
            if path.is_symlink():
                _check_link(path, place)
            if path.is_file():
                yield path

    def digest(self) -> str:
        """Return a digest of its files' names and content."""
        digest = hashlib.sha256()
        for path in self.files():
            digest.update(f"{path.relative_to(self.place.parent)}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()


@dataclass(frozen=True)
class Contents:
    """The packages of a configuration, named as APP_SETTINGS names it, and the distributions they need.

    files has the model files that its entries name, by their path from the configuration's package or module.
    libraries are the distributions that were asked for beside these: those that runs need for --model_file.
    """

    settings: str
    packages: tuple[Package, ...]
    distributions: Mapping[str, Distribution] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    libraries: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, settings: str | None, hidden: frozenset[str] = frozenset(), libraries: Iterable[str] = ()
    ) -> Contents:
        """Return what a configuration needs, and these libraries; raises ConfigurationError."""
        settings = settings or DEFAULT_CONFIGURATION
        configuration = load_configuration(settings)
        models = entries(configuration)
        modules = [entry.module_name for entry in models]
        if "." in settings:
            modules.append(settings.rpartition(".")[0])
        named = [JOB, *(module.partition(".")[0] for module in modules)]
        imports = Imports.of([f"{JOB}.shipped_script", *modules])
        asked_for = tuple(sorted({*map(_installed, libraries)}))
        needed = closure([*imports.distributions, *of_entries(configuration, models), *asked_for])
        names = [*named, *imports.plain, *_editable_packages(needed)]
        packages = tuple(Package(name, hidden) for name in dict.fromkeys(names))
        sources = tuple(package for package in packages if package.is_source)
        copied = {
            normalized(package.distribution.name) for package in sources if package.distribution is not None
        }
        distributions = {name: one for name, one in needed.items() if name not in copied}
        below = settings.split(".")[:-2]  # of a module in a package
        files = model_files(configuration, models)
        return cls(
            settings,
            sources,
            distributions,
            {"/".join([*below, name]): path for name, path in files.items()},
            asked_for,
        )

    def requirements(self) -> list[str]:
        """Return the bundle's distributions with their versions."""
        return [f"{name}=={found.version}" for name, found in self.distributions.items()]

    def manifest(self) -> dict[str, object]:
        """Return what distinguishes bundles; without the job, which is shipped with each run anyway."""
        sources = {package.name: package.digest() for package in self.packages if package.name != JOB}
        # what was installed from a file may differ with the same version
        files = {name: digest(one) for name, one in self.distributions.items() if not is_of_registry(one)}
        return {
            "settings": self.settings,
            "python": "{}.{}".format(*sys.version_info[:2]),
            "libraries": list(self.libraries),
            "requirements": self.requirements(),
            "sources": {**sources, **files, **{name: path_digest(path) for name, path in self.files.items()}},
        }


def _installed(library: str) -> str:
    name = normalized(library)
    if name not in installed():
        raise ConfigurationError(f"{library} is not installed here. Install it: pip install {library}")
    return name


def _editable_packages(needed: Mapping[str, Distribution]) -> Iterator[str]:
    editable = {one.name for one in needed.values() if is_editable(one)}
    for package, names in names_by_package().items():
        if editable & {*names} and not package.startswith("__editable__") and find_spec(package):
            yield package


def _check_link(path: Path, place: Path) -> None:
    target = path.resolve()
    if not (target.is_file() and target.is_relative_to(place.resolve())):
        raise ConfigurationError(
            f"{path} is a link to {target}, which is not a file of the package. Put a copy in its place."
        )
