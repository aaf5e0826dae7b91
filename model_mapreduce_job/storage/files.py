"""What the engine asks of a disk, in one place: a test can then make any one of it fail."""

from __future__ import annotations

import errno
import os
from typing import Protocol

# As they are before a model is loaded, whose code may put others in their place.
_write, _fsync = os.write, os.fsync


class Files(Protocol):
    """The calls that bring output to a disk; each raises OSError when the disk is full or broken."""

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        """Write some of the data, and return how many bytes."""
        ...

    def sync(self, descriptor: int) -> None:
        """Return when what was written is on the disk."""
        ...

    def rename(self, directory: int, old: str, new: str) -> None:
        """Give what has one name in an open directory another name there."""
        ...


class Disk:
    """The machine's own disk."""

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        """Write some of the data, and return how many bytes."""
        return _write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        """Return when what was written is on the disk."""
        _fsync(descriptor)

    def rename(self, directory: int, old: str, new: str) -> None:
        """Give what has one name in an open directory another name there."""
        os.rename(old, new, src_dir_fd=directory, dst_dir_fd=directory)


DISK = Disk()


def write_all(files: Files, descriptor: int, data: bytes) -> None:
    """Write all of the data."""
    view = memoryview(data)
    while view:
        written = files.write(descriptor, view)
        if written <= 0:
            raise OSError(errno.EIO, "Nothing was written")
        view = view[written:]
