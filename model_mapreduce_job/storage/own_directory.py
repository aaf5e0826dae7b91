"""A directory that only this user can write to, used by its open descriptor, also if it is renamed."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.storage.file_operations import OS_FILES, FileOperations, write_all

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_OTHERS_WRITE: Final = 0o022


class OwnDirectory:
    """An open directory that belongs to this user, that nobody else can write to, and that is no link.

    It's made private (mode 700), where the filesystem has modes.
    """

    def __init__(self, path: Path, files: FileOperations = OS_FILES) -> None:
        """Open the directory; raises InputError if it isn't this user's own, OSError if it's not there."""
        self.path = path
        self.files = files
        self.descriptor = _opened(path)
        try:
            _refuse_unless_own(path, os.fstat(self.descriptor))
            with suppress(OSError):
                os.fchmod(self.descriptor, 0o700)
        except InputError:
            self.close()
            raise

    @classmethod
    def made(cls, path: Path, files: FileOperations = OS_FILES) -> OwnDirectory:
        """Open the directory, and make it first where there is none."""
        with suppress(FileExistsError):
            path.mkdir(mode=0o700)
        return cls(path, files)

    def close(self) -> None:
        """Close the descriptor."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def names(self) -> list[str]:
        """Return the names in the directory."""
        return os.listdir(self.descriptor)  # noqa: PTH208 - pathlib has no descriptors

    def has(self, name: str) -> bool:
        """Return whether something has this name, even a link that leads nowhere."""
        try:
            os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def create(self, name: str) -> int:
        """Return the descriptor of a new file, private and empty; raises FileExistsError."""
        return os.open(name, _NEW, 0o600, dir_fd=self.descriptor)

    def open(self, name: str) -> int:
        """Return a descriptor to read a regular file; raises OSError for another kind of file or a link."""
        descriptor = os.open(name, _READ, dir_fd=self.descriptor)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise FileNotFoundError(2, "It is not a regular file", str(self.path / name))
        return descriptor

    def read(self, name: str) -> bytes:
        """Return a file's content."""
        with os.fdopen(self.open(name), "rb") as file:
            return file.read()

    def write(self, name: str, data: bytes, *, synced: bool = True) -> None:
        """Write a private file that appears whole or not at all; if synced, even after a power cut."""
        half = f"{name}.half"
        self.remove(half)
        descriptor = self.create(half)
        try:
            write_all(self.files, descriptor, data)
            if synced:
                self.files.sync(descriptor)
        finally:
            os.close(descriptor)
        self.rename(half, name)

    def remove(self, name: str) -> None:
        """Remove a file if it exists; of a link, the link itself."""
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self.descriptor)

    def rename(self, old: str, new: str) -> None:
        """Rename a file."""
        self.files.rename(self.descriptor, old, new)

    def sync(self) -> None:
        """Sync the directory's names to the disk."""
        self.files.sync(self.descriptor)


@contextmanager
def own_directory(path: Path) -> Iterator[OwnDirectory]:
    """Open a directory of this user's for the length of a with statement."""
    directory = OwnDirectory(path)
    try:
        yield directory
    finally:
        directory.close()


def _opened(path: Path) -> int:
    try:
        return os.open(path, _DIRECTORY)
    except NotADirectoryError:
        kind = "a link" if path.is_symlink() else "not a directory"
        raise InputError(
            f"{path} is {kind}, and this program made none of that name. "
            "Look at what it is and remove it, or name another output."
        ) from None


def _refuse_unless_own(path: Path, info: os.stat_result) -> None:
    if info.st_uid != os.geteuid():
        raise InputError(
            f"{path} belongs to another user (uid {info.st_uid}). Have it removed, or name another output."
        )
    if info.st_mode & _OTHERS_WRITE:
        raise InputError(
            f"{path} can be written by other users (mode {stat.S_IMODE(info.st_mode):o}), who may have "
            "changed what is in it. Remove it, or name another output."
        )
