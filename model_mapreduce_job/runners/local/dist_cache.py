"""The files and archives that mrjob gives to tasks, laid out as Hadoop's distributed cache does it."""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.exceptions import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

_READ_AND_RUN = stat.S_IRUSR | stat.S_IXUSR
_MODE_BITS = 16


def fill_dist_cache(manager: Any, directory: Path) -> None:
    """Copy a working directory manager's files into a directory, and unpack its archives there.

    What a link in an archive points to is left as it is: mrjob's own would change its mode. Raises InputError
    for an archive with a member that would be written, or leads, out of its directory.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for name, path in manager.name_to_path("file").items():
        shutil.copy(path.removeprefix("file://"), directory / name)
        (directory / name).chmod(_READ_AND_RUN)
    for name, path in manager.name_to_path("archive").items():
        unpack(path.removeprefix("file://"), directory / name)
        for file in _files_below(directory / name):
            file.chmod(_READ_AND_RUN)


def unpack(archive: str, directory: Path) -> None:
    """Unpack a tar or zip file, compressed or not; raises InputError for one that can't or must not be."""
    directory.mkdir(parents=True, exist_ok=True)
    try:
        if tarfile.is_tarfile(archive):
            with tarfile.open(archive) as tar:
                tar.extractall(directory, filter="data")
        else:
            _unzip(archive, directory)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise InputError(
            f"The archive {archive} can't be unpacked: {error}. Check that it's a whole tar or zip file, and "
            "that nothing in it is to be written, or leads, out of it."
        ) from error


def _unzip(archive: str, directory: Path) -> None:
    with zipfile.ZipFile(archive) as packed:
        for member in packed.infolist():
            place = PurePosixPath(member.filename)
            if place.is_absolute() or ".." in place.parts or stat.S_ISLNK(member.external_attr >> _MODE_BITS):
                raise zipfile.BadZipFile(f"{member.filename!r} leads out of it, or is a link")
        packed.extractall(directory)  # noqa: S202 - all members were checked # nosec B202


def _files_below(directory: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(directory):
        for path in (Path(parent, name) for name in names):
            if not path.is_symlink():
                yield path
