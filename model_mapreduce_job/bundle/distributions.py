"""The distributions of this environment: their requirements and their installed files."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, distributions, packages_distributions
from pathlib import Path
from typing import TYPE_CHECKING, Final

from model_mapreduce_job.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_REQUIREMENT: Final = re.compile(
    r"\s*(?P<name>[A-Za-z0-9][\w.-]*)\s*(?:\[(?P<extras>[^]]*)\])?[^;]*;?(?P<marker>.*)"
)
_EXTRA: Final = re.compile(r"""\bextra\s*==\s*['"]([^'"]+)['"]""")
_PYTHON: Final = re.compile(r"""\bpython_version\s*(>=|>|<=|<)\s*['"](\d+)\.(\d+)['"]""")
# These say where a distribution was installed from: a path or an address that may be private
_LEFT_OUT: Final = frozenset({"INSTALLER", "REQUESTED", "direct_url.json"})


@dataclass(frozen=True)
class Wanted:
    """A required distribution, by its normalized name, with extras."""

    name: str
    extras: frozenset[str] = frozenset()


def normalized(name: str) -> str:
    """Return a name as PEP 503 normalizes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def installed() -> dict[str, Distribution]:
    """Return this environment's distributions by normalized name.

    Of several with one name the first on sys.path counts: setuptools adds older copies of some at its end.
    """
    found: dict[str, Distribution] = {}
    for one in distributions():
        found.setdefault(normalized(one.name), one)
    return found


@cache
def names_by_package() -> Mapping[str, list[str]]:
    """Return the names of the distributions that have each top-level package; 0.1 s for 200 distributions."""
    return packages_distributions()


def distribution_of(package: str) -> Distribution | None:
    """Return the distribution of a top-level package, None when it has none."""
    names = names_by_package().get(package)
    return installed().get(normalized(names[0])) if names else None


def closure(names: Iterable[str]) -> dict[str, Distribution]:
    """Return distributions with everything that they require, by normalized name, if it's installed."""
    there = installed()
    found: dict[str, Distribution] = {}
    left = [Wanted(normalized(name)) for name in names]
    seen = set()
    while left:
        wanted = left.pop()
        one = there.get(wanted.name)
        if one is None or wanted in seen:
            continue
        seen.add(wanted)
        found[wanted.name] = one
        left += _asked_for(one, wanted.extras)
    return dict(sorted(found.items()))


def is_editable(found: Distribution) -> bool:
    """Return whether a distribution's packages are used from their source tree."""
    return bool(_origin(found).get("dir_info", {}).get("editable"))


def is_of_registry(found: Distribution) -> bool:
    """Return whether a distribution was installed by its name, not from a file or an address."""
    return not _origin(found)


def digest(found: Distribution) -> str:
    """Return a digest of a distribution's installed files, as its RECORD has them."""
    return hashlib.sha256((found.read_text("RECORD") or "").encode()).hexdigest()


def installed_files(found: Distribution) -> Iterator[tuple[str, bytes, int]]:
    """Yield path, content and mode of each file in a distribution's RECORD.

    Raises ConfigurationError for a file that has changed since it was installed.
    """
    if found.files is None:
        raise ConfigurationError(
            f"{found.name} {found.version} has no RECORD of its files. Install it again with pip."
        )
    for file in found.files:
        is_left_out = file.name in _LEFT_OUT and ".dist-info" in str(file)
        if ".." in file.parts or "__pycache__" in file.parts or is_left_out:
            continue
        path = Path(str(file.locate()))
        try:
            content = path.read_bytes()
        except OSError as error:
            raise _changed(found, str(file)) from error
        if file.hash and _sum(file.hash.mode, content) != file.hash.value:
            raise _changed(found, str(file))
        yield str(file), content, path.stat().st_mode & 0o777


def _asked_for(found: Distribution, extras: frozenset[str]) -> Iterator[Wanted]:
    for text in found.requires or ():
        parsed = _REQUIREMENT.match(text)
        if not parsed:
            continue
        of_extras = set(_EXTRA.findall(parsed["marker"]))
        if (of_extras and not of_extras & extras) or not _fits_python(parsed["marker"]):
            continue
        asked = frozenset(filter(None, map(str.strip, (parsed["extras"] or "").split(","))))
        yield Wanted(normalized(parsed["name"]), asked)


def _fits_python(marker: str) -> bool:
    """Return whether a marker's conditions on Python's version hold; others decided what is installed."""
    if " or " in marker:
        return True
    checks = {">=": int.__ge__, ">": int.__gt__, "<=": int.__le__, "<": int.__lt__}
    now = sys.version_info.major * 1000 + sys.version_info.minor
    return all(
        checks[operator](now, int(major) * 1000 + int(minor))
        for operator, major, minor in _PYTHON.findall(marker)
    )


def _origin(found: Distribution) -> dict[str, dict[str, object]]:
    text = found.read_text("direct_url.json")
    return dict(json.loads(text)) if text else {}


def _sum(algorithm: str, content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.new(algorithm, content).digest()).rstrip(b"=").decode()


def _changed(found: Distribution, file: str) -> ConfigurationError:
    return ConfigurationError(
        f"{file} of {found.name} {found.version} has changed since it was installed. Reinstall that package."
    )
