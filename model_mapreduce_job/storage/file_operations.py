"""The calls by which output reaches a disk, in one place, so that a test can make any of them fail."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

# Taken before a model is loaded, whose code may replace them.
_write, _fsync = os.write, os.fsync


def why_no_directory(path: Path) -> str:
    """Return why this user can't make a directory at a path, in the system's words; "" where he can."""
    above = next(filter(os.path.exists, path.parents))
    if above.is_dir() and os.access(above, os.W_OK | os.X_OK):
        return ""
    return f"{os.strerror(errno.EACCES if above.is_dir() else errno.ENOTDIR)}: {above}"


class FileOperations(Protocol):
    """The calls that write output; each raises OSError when the disk is full or broken."""

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        """Write some of the data, and return how many bytes."""
        ...

    def sync(self, descriptor: int) -> None:
        """Sync a file or directory to the disk."""
        ...

    def rename(self, directory: int, old: str, new: str) -> None:
        """Rename a file or directory within an open directory."""
        ...


class OsFiles:
    """The operating system's own calls."""

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        """Write some of the data, and return how many bytes."""
        return _write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        """Sync a file or directory to the disk."""
        _fsync(descriptor)

    def rename(self, directory: int, old: str, new: str) -> None:
        """Rename a file or directory within an open directory."""
        os.rename(old, new, src_dir_fd=directory, dst_dir_fd=directory)


OS_FILES = OsFiles()


def write_all(files: FileOperations, descriptor: int, data: bytes) -> None:
    """Write all of the data."""
    view = memoryview(data)
    while view:
        written = files.write(descriptor, view)
        if written <= 0:
            raise OSError(errno.EIO, "Nothing was written")
        view = view[written:]
