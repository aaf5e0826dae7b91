"""What the engine asks of a disk, in one place: a test can then make any one of it fail."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path


class Files(Protocol):
    """The calls that bring output to a disk; each raises OSError when the disk is full or broken."""

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        """Write some of the data, and return how many bytes."""
        ...

    def sync(self, descriptor: int) -> None:
        """Return when what was written is on the disk."""
        ...

    def rename(self, old: Path, new: Path) -> None:
        """Give a file or directory another name."""
        ...


class Disk:
    """The machine's own disk."""

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        """Write some of the data, and return how many bytes."""
        return os.write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        """Return when what was written is on the disk."""
        os.fsync(descriptor)

    def rename(self, old: Path, new: Path) -> None:
        """Give a file or directory another name."""
        old.rename(new)


DISK = Disk()


def write_all(files: Files, descriptor: int, data: bytes) -> None:
    """Write all of the data."""
    view = memoryview(data)
    while view:
        view = view[files.write(descriptor, view) :]


def write_whole(files: Files, path: Path, data: bytes, *, synced: bool = True) -> None:
    """Write a file, private, so that it's there whole or not at all; if synced, even after a power cut."""
    half = path.with_name(f"{path.name}.half")
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        write_all(files, descriptor, data)
        if synced:
            files.sync(descriptor)
    finally:
        os.close(descriptor)
    files.rename(half, path)


def sync(files: Files, path: Path) -> None:
    """Bring a file, or the names in a directory, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        files.sync(descriptor)
    finally:
        os.close(descriptor)
