"""The distributions of this environment: what each asks for, and its files as they were installed."""

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
    from collections.abc import Iterable, Iterator

_REQUIREMENT: Final = re.compile(
    r"\s*(?P<name>[A-Za-z0-9][\w.-]*)\s*(?:\[(?P<extras>[^]]*)\])?[^;]*;?(?P<marker>.*)"
)
_EXTRA: Final = re.compile(r"""\bextra\s*==\s*['"]([^'"]+)['"]""")
_PYTHON: Final = re.compile(r"""\bpython_version\s*(>=|>|<=|<)\s*['"](\d+)\.(\d+)['"]""")
# These say where a distribution came from here: a path or an address that is nobody else's to know
_LEFT_OUT: Final = frozenset({"INSTALLER", "REQUESTED", "direct_url.json"})


@dataclass(frozen=True)
class Wanted:
    """A distribution that something asks for, by its normalized name, with some of its extras."""

    name: str
    extras: frozenset[str] = frozenset()


def normalized(name: str) -> str:
    """Return a name as PEP 503 compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def installed() -> dict[str, Distribution]:
    """Return this environment's distributions by normalized name.

    Of several with one name it's the first on sys.path: setuptools puts older copies of some at its end.
    """
    found: dict[str, Distribution] = {}
    for one in distributions():
        found.setdefault(normalized(one.name), one)
    return found


def distribution_of(package: str) -> Distribution | None:
    """Return the distribution that a top-level package belongs to, None when it belongs to none."""
    names = packages_distributions().get(package)
    return installed().get(normalized(names[0])) if names else None


def closure(names: Iterable[str]) -> dict[str, Distribution]:
    """Return distributions and all that they ask for, by normalized name, as far as they are installed."""
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
    """Return whether a distribution came by its name, not from a file or an address."""
    return not _origin(found)


def digest(found: Distribution) -> str:
    """Return a digest of the files that a distribution was installed with."""
    return hashlib.sha256((found.read_text("RECORD") or "").encode()).hexdigest()


def installed_files(found: Distribution) -> Iterator[tuple[str, bytes, int]]:
    """Yield each file of a distribution as its RECORD names it: its path, content and mode.

    Raises ConfigurationError for one that is not as it was installed.
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
    """Return whether a marker's conditions on Python's version hold; others show in what is installed."""
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
        f"{file} of {found.name} {found.version} is not as it was installed. Install that package again."
    )
