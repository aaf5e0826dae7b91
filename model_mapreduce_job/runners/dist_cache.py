"""The files and archives that mrjob gives to tasks, laid out as Hadoop's distributed cache does it."""

from __future__ import annotations

import os
import shutil
import stat
from typing import TYPE_CHECKING, Any

from mrjob.util import unarchive

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_READ_AND_RUN = stat.S_IRUSR | stat.S_IXUSR


def fill_dist_cache(manager: Any, directory: Path) -> None:
    """Copy a working directory manager's files into a directory, and unpack its archives there.

    What a link in an archive points to is left as it is: mrjob's own would change its mode.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for name, path in manager.name_to_path("file").items():
        shutil.copy(path.removeprefix("file://"), directory / name)
        (directory / name).chmod(_READ_AND_RUN)
    for name, path in manager.name_to_path("archive").items():
        unarchive(path.removeprefix("file://"), str(directory / name))
        for file in _files_below(directory / name):
            file.chmod(_READ_AND_RUN)


def _files_below(directory: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(directory):
        for path in (directory.__class__(parent, name) for name in names):
            if not path.is_symlink():
                yield path
