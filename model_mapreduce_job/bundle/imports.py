"""The imports of modules that belong to no distribution, read from their source without running it."""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from model_mapreduce_job.bundle.distributions import distribution_of
from model_mapreduce_job.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass
class Imports:
    """What modules import: top-level packages that belong to no distribution, and distributions by name."""

    plain: list[str] = field(default_factory=list)
    distributions: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, modules: Iterable[str]) -> Imports:
        """Return what modules import, directly and through other plain modules.

        Modules of distributions aren't read, since their metadata has their requirements. Imports that can't
        be found are left out, since they may be optional.
        """
        imports = cls()
        left = list(modules)
        seen = set()
        while left:
            module = left.pop(0)
            if module in seen:
                continue
            seen.add(module)
            left += imports._add(module)
        return imports

    def _add(self, module: str) -> Iterator[str]:
        top = module.partition(".")[0]
        if top in sys.stdlib_module_names or find_spec(top) is None:
            return
        if found := distribution_of(top):
            if found.name not in self.distributions:
                self.distributions.append(found.name)
            return
        if top not in self.plain:
            self.plain.append(top)
        if file := module_file(module):
            yield from imported(module, file)


def module_file(module: str) -> Path | None:
    """Return the file of a module, None when there is none; imports no package."""
    top, *below = module.split(".")
    spec = find_spec(top)
    if spec is None:
        return None
    if not below:
        return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
    for place in spec.submodule_search_locations or ():
        path = Path(place, *below)
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.is_file():
                return file
    return None


def imported(module: str, file: Path) -> Iterator[str]:
    """Yield the dotted names that a module may import, anywhere in it, with their parent packages."""
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError) as error:
        raise ConfigurationError(f"{file} can't be read as Python: {error}.") from error
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(filter(None, [_above(package, node.level), node.module]))
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in filter(None, names):
            parts = name.split(".")
            yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))


def _above(package: str, level: int) -> str:
    return ".".join(package.split(".")[: len(package.split(".")) - level + 1]) if level else ""
