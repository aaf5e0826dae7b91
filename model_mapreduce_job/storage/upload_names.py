"""Names for files that a run uploads to a cluster, and back from those to the person's own names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mrjob.setup import UploadDirManager

if TYPE_CHECKING:
    from collections.abc import Mapping

# By a name's last ending Hadoop knows how a file is compressed, and Python whether it can import it
_ENDING: Final = re.compile(r"\.[A-Za-z0-9]{1,16}$")
_ODD: Final = re.compile(r"[^\w.-]", re.ASCII)
_PATTERN: Final = re.compile(r"([][{}*?\\])")


def upload_name(number: int, path: str) -> str:
    """Return a name that no program takes for a pattern, a URI or an option, such as `in-000001.gz`."""
    ending = _ENDING.search(Path(path).name)
    return f"in-{number:06}{ending[0] if ending else ''}"


def escape_pattern(path: str) -> str:
    """Return a pattern that Hadoop's commands and jobs match with this path alone."""
    return _PATTERN.sub(r"\\\1", path)


def plain_key(key: str) -> str:
    """Return the name of a run, which becomes part of paths, without characters that have a meaning there."""
    return _ODD.sub("_", key)


class UploadNames(UploadDirManager):
    """mrjob's directory of uploads with generated names, since a person's file names may hold any character.

    `shown` maps paths to the names that a person knows them by, where those differ.
    """

    _path_to_name: dict[str, str]  # mrjob's own

    def __init__(self, prefix: str) -> None:
        super().__init__(prefix)
        self.shown: Mapping[str, str] = {}

    def add(self, path: str) -> str:
        """Return the URI that a local path is uploaded to; a URI is returned as it is."""
        if "://" not in path:
            self._path_to_name.setdefault(path, upload_name(len(self._path_to_name) + 1, path))
        return self.uri(path)

    def uri(self, path: str) -> str:
        """Return the URI of a path that was added; a URI is returned as it is."""
        return path if "://" in path else f"{self.prefix.rstrip('/')}/{self._path_to_name[path]}"

    def restore(self, text: str) -> str:
        """Return a message of the cluster with the person's own names in place of uploaded ones."""
        place = re.escape(re.sub(r"^\w+:(//[^/]*)?", "", self.prefix).rstrip("/"))
        paths: dict[str, str] = {name: path for path, name in self._path_to_name.items()}

        def given(found: re.Match[str]) -> str:
            path = paths.get(found["name"])
            return self.shown.get(path, path) if path else found[0]

        return re.sub(rf"(?:\w+:(?://[^/\s]*)?)?{place}/(?P<name>in-\d+(?:\.[A-Za-z0-9]+)?)", given, text)
