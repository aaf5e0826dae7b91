"""What belongs into a bundle: the job, the configuration, its models, and what these ask for."""

from __future__ import annotations

import hashlib
import re
import sys
import sysconfig
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import Distribution, distribution, distributions, packages_distributions
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from model_mapreduce_job.config import DEFAULT_CONFIGURATION, entries, load_configuration
from model_mapreduce_job.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

JOB: Final = "model_mapreduce_job"
# A requirement that only an extra asks for: PEP 508
_OF_EXTRA: Final = re.compile(r";.*\bextra\s*==")


@dataclass(frozen=True)
class Package:
    """A top-level package, and the distribution that it's installed by, if it's installed at all."""

    name: str

    @cached_property
    def distribution(self) -> Distribution | None:
        """The distribution that has the package."""
        found = packages_distributions().get(self.name)
        return distribution(found[0]) if found else None

    @property
    def is_source(self) -> bool:
        """Whether it's used from a source tree, and so is copied; else it's asked for by its version."""
        installed = {Path(sysconfig.get_path(kind)).resolve() for kind in ("purelib", "platlib")}
        return installed.isdisjoint(self.place.resolve().parents)

    @property
    def place(self) -> Path:
        """Return its directory, or its file; raises ConfigurationError when it can't be imported."""
        spec = find_spec(self.name)
        if spec is None or spec.origin is None:
            raise ConfigurationError(
                f"The package {self.name} can't be found. Install it, or put it on PYTHONPATH."
            )
        origin = Path(spec.origin)
        return origin.parent if spec.submodule_search_locations else origin

    def requirements(self) -> Iterator[str]:
        """Yield what has to be installed for it."""
        if self.distribution and self.is_source:
            yield from (text for text in self.distribution.requires or () if not _OF_EXTRA.search(text))
        elif self.distribution:
            yield f"{self.distribution.name}=={self.distribution.version}"

    def files(self) -> Iterator[Path]:
        """Yield the files of a package that is copied, in a fixed order."""
        if self.place.is_file():
            yield self.place
            return
        for path in sorted(self.place.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
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
    """The packages of a configuration, named as APP_SETTINGS names it."""

    settings: str
    packages: tuple[Package, ...]

    @classmethod
    def of(cls, settings: str | None) -> Contents:
        """Return what a configuration needs; raises ConfigurationError."""
        settings = settings or DEFAULT_CONFIGURATION
        modules = [entry.module_name for entry in entries(load_configuration(settings))]
        if "." in settings:
            modules.append(settings)
        names = [JOB, *(module.partition(".")[0] for module in modules)]
        return cls(settings, tuple(map(Package, dict.fromkeys(names))))

    def sources(self) -> list[Package]:
        """Return the packages that are copied as they are."""
        return [package for package in self.packages if package.is_source]

    def requirements(self) -> list[str]:
        """Return what has to be installed, each once."""
        return list(dict.fromkeys(text for package in self.packages for text in package.requirements()))

    def manifest(self) -> dict[str, object]:
        """Return what tells one bundle from another; not the job, which goes along with each run anyway."""
        return {
            "settings": self.settings,
            "python": "{}.{}".format(*sys.version_info[:2]),
            "requirements": self.requirements(),
            "sources": _digests(package for package in self.sources() if package.name != JOB),
        }


def installed_versions() -> list[str]:
    """Return the distributions of this environment with their versions, but for those of no registry.

    Of several with one name it's the first on sys.path: setuptools puts older copies of some at its end.
    """
    versions: dict[str, str] = {}
    for found in filter(_is_of_registry, distributions()):
        # names that differ in these are the same: PEP 503
        versions.setdefault(re.sub(r"[-_.]+", "-", found.name).lower(), f"{found.name}=={found.version}")
    return list(versions.values())


def _is_of_registry(found: Distribution) -> bool:
    return bool(found.read_text("INSTALLER")) and not found.read_text("direct_url.json")


def _digests(packages: Iterable[Package]) -> dict[str, str]:
    return {package.name: package.digest() for package in packages}
