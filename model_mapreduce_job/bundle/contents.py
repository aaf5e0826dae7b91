"""What belongs into a bundle: the job, the configuration, its models, and what these import or ask for."""

from __future__ import annotations

import hashlib
import sys
import sysconfig
from dataclasses import dataclass, field
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from model_mapreduce_job.bundle.distributions import (
    closure,
    digest,
    distribution_of,
    is_editable,
    is_of_registry,
    normalized,
)
from model_mapreduce_job.bundle.imports import Imports
from model_mapreduce_job.config import DEFAULT_CONFIGURATION, entries, load_configuration
from model_mapreduce_job.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.metadata import Distribution

JOB: Final = "model_mapreduce_job"


@dataclass(frozen=True)
class Package:
    """A top-level package that is used from a source tree, and so is copied with its files.

    Hidden files are left out, but for those named: .env and .git are nobody else's to read.
    """

    name: str
    hidden: frozenset[str] = frozenset()

    @property
    def distribution(self) -> Distribution | None:
        """The distribution that has the package."""
        return distribution_of(self.name)

    @property
    def is_source(self) -> bool:
        """Whether it's used from a source tree; else it's copied as its distribution was installed."""
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
    """The packages of a configuration, named as APP_SETTINGS names it, and the distributions they need."""

    settings: str
    packages: tuple[Package, ...]
    distributions: Mapping[str, Distribution] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: str | None, hidden: frozenset[str] = frozenset()) -> Contents:
        """Return what a configuration needs; raises ConfigurationError."""
        settings = settings or DEFAULT_CONFIGURATION
        modules = [entry.module_name for entry in entries(load_configuration(settings))]
        if "." in settings:
            modules.append(settings.rpartition(".")[0])
        named = [JOB, *(module.partition(".")[0] for module in modules)]
        imports = Imports.of([f"{JOB}.shipped_script", *modules])
        needed = closure(imports.distributions)
        names = [*named, *imports.plain, *_editable_packages(needed)]
        packages = tuple(Package(name, hidden) for name in dict.fromkeys(names))
        sources = tuple(package for package in packages if package.is_source)
        copied = {
            normalized(package.distribution.name) for package in sources if package.distribution is not None
        }
        return cls(settings, sources, {name: one for name, one in needed.items() if name not in copied})

    def requirements(self) -> list[str]:
        """Return the distributions in it with their versions."""
        return [f"{name}=={found.version}" for name, found in self.distributions.items()]

    def manifest(self) -> dict[str, object]:
        """Return what tells one bundle from another; not the job, which goes along with each run anyway."""
        sources = {package.name: package.digest() for package in self.packages if package.name != JOB}
        # a version says nothing of what came from a file
        files = {name: digest(one) for name, one in self.distributions.items() if not is_of_registry(one)}
        return {
            "settings": self.settings,
            "python": "{}.{}".format(*sys.version_info[:2]),
            "requirements": self.requirements(),
            "sources": {**sources, **files},
        }


def _editable_packages(needed: Mapping[str, Distribution]) -> Iterator[str]:
    editable = {one.name for one in needed.values() if is_editable(one)}
    for package, names in packages_distributions().items():
        if editable & {*names} and not package.startswith("__editable__") and find_spec(package):
            yield package


def _check_link(path: Path, place: Path) -> None:
    target = path.resolve()
    if not (target.is_file() and target.is_relative_to(place.resolve())):
        raise ConfigurationError(
            f"{path} is a link to {target}, which is no file of the package. Put a copy in its place."
        )
