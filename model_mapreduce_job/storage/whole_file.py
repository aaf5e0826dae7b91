"""A small file that is written whole or not at all."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write a file; raises OSError, and leaves what was there before, or nothing.

    What can't be replaced by another file is written to as it is: a link, a pipe or a device, a file of
    another user or of several names, and one in a directory where no file can be made.
    """
    if not _is_replaceable(path):
        path.write_bytes(content)
        return
    half = path.with_name(f".{uuid4().hex}.unfinished")
    try:
        _write_new(half, content, _mode_of(path))
        half.replace(path)
    except PermissionError:
        path.write_bytes(content)
    finally:
        half.unlink(missing_ok=True)


def _is_replaceable(path: Path) -> bool:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return True
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and found.st_uid == os.geteuid()


def _mode_of(path: Path) -> int | None:
    with suppress(FileNotFoundError):
        return stat.S_IMODE(path.stat().st_mode)
    return None


def _write_new(path: Path, content: bytes, mode: int | None) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
        if mode is not None:
            os.fchmod(file.fileno(), mode)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
