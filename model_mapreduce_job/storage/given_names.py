"""The names under which a cluster is given a run's files, and the person's own names for them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mrjob.setup import UploadDirManager

if TYPE_CHECKING:
    from collections.abc import Mapping

# A name's last ending says to Hadoop how a file is compressed, and to Python what it may import
_ENDING: Final = re.compile(r"\.[A-Za-z0-9]{1,16}$")
_ODD: Final = re.compile(r"[^\w.-]", re.ASCII)
_PATTERN: Final = re.compile(r"([][{}*?\\])")


def given_name(number: int, path: str) -> str:
    """Return a name for a file that is a pattern, a URI or an option to no program: `in-000001.gz`."""
    ending = _ENDING.search(Path(path).name)
    return f"in-{number:06}{ending[0] if ending else ''}"


def escape_pattern(path: str) -> str:
    """Return a pattern that Hadoop's commands and jobs match with this path alone."""
    return _PATTERN.sub(r"\\\1", path)


def plain_key(key: str) -> str:
    """Return a run's name, which directories are named by, with nothing in it that may be a pattern."""
    return _ODD.sub("_", key)


class GivenNames(UploadDirManager):
    """mrjob's directory of uploads, with names that the driver makes: what files are called is data.

    `shown` has the person's names for paths, where they are others.
    """

    _path_to_name: dict[str, str]  # mrjob's own

    def __init__(self, prefix: str, shown: Mapping[str, str] | None = None) -> None:
        super().__init__(prefix)
        self.shown = dict(shown or {})

    def add(self, path: str) -> str:
        """Return the URI that a path of this machine is given; a URI is its own."""
        if "://" not in path:
            self._path_to_name.setdefault(path, given_name(len(self._path_to_name) + 1, path))
        return self.uri(path)

    def uri(self, path: str) -> str:
        """Return the URI of a path that was added; a URI is its own."""
        return path if "://" in path else f"{self.prefix.rstrip('/')}/{self._path_to_name[path]}"

    def restore(self, text: str) -> str:
        """Return a cluster's words with the person's names in them."""
        place = re.escape(re.sub(r"^\w+:(//[^/]*)?", "", self.prefix).rstrip("/"))
        paths: dict[str, str] = {name: path for path, name in self._path_to_name.items()}

        def given(found: re.Match[str]) -> str:
            path: Any = paths.get(found["name"])
            return self.shown.get(path, path) if path else found[0]

        return re.sub(rf"(?:\w+:(?://[^/\s]*)?)?{place}/(?P<name>in-\d+(?:\.[A-Za-z0-9]+)?)", given, text)
