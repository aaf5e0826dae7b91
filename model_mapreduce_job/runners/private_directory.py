"""A run's temporary directory: its user's alone, and removed by the next run if this one can't."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

_LOCK = ".model-mapreduce-job.lock"


class PrivateDirectory:
    """A new directory of this name below parent, or below the system's temporary directory.

    It's locked until this process ends, however it ends; one that is not locked any more was abandoned, and
    is removed when the next one is made.
    """

    def __init__(self, parent: str | None, name: str) -> None:
        root = Path(parent or tempfile.gettempdir()).absolute()
        _remove_abandoned(root)
        self.path = root / name
        while not self._make():
            pass

    def _make(self) -> bool:
        """Make and lock the directory; return whether it's still there, for it was unlocked for a moment."""
        self.path.mkdir(mode=0o700, parents=True)
        try:
            self.lock = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self.lock, fcntl.LOCK_EX)
        except OSError:
            shutil.rmtree(self.path, ignore_errors=True)
            raise
        if os.fstat(self.lock).st_nlink:
            return True
        os.close(self.lock)
        return False

    def release(self) -> None:
        """Let go of the directory; if it's still there it's meant to stay, and no later run removes it."""
        (self.path / _LOCK).unlink(missing_ok=True)
        os.close(self.lock)


def _remove_abandoned(root: Path) -> None:
    for lock in root.glob(f"*/{_LOCK}"):
        with suppress(OSError):
            if lock.parent.lstat().st_uid == os.getuid():
                _remove_unless_locked(lock)


def _remove_unless_locked(lock: Path) -> None:
    descriptor = os.open(lock, os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(lock.parent, ignore_errors=True)
    finally:
        os.close(descriptor)
