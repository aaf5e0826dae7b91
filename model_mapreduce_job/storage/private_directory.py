"""A run's temporary directory: private to its user, and removed by the next run if this one can't."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

_LOCK = ".model-mapreduce-job.lock"
# What mrjob names its runs' directories: job, user, date, time, microseconds.
_RUN = re.compile(r".+\.\d{8}\.\d{6}\.\d{6}")
_OPEN = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_OTHERS = 0o077


class PrivateDirectory:
    """A new directory of this name below parent, or below the system's temporary directory.

    It's locked until this process ends, however it ends. A directory without a lock was abandoned, and is
    removed when the next one is made.
    """

    def __init__(self, parent: str | None, name: str) -> None:
        root = Path(parent or tempfile.gettempdir()).absolute()
        _remove_abandoned(root)
        self.path = root / name
        while not self._make():
            pass

    def _make(self) -> bool:
        """Make and lock the directory; return whether it's still there, since at first it was not locked."""
        self.path.mkdir(mode=0o700, parents=True)
        try:
            self.lock = os.open(self.path / _LOCK, _OPEN | os.O_CREAT | os.O_EXCL, 0o600)
        except FileNotFoundError:
            return False  # another run has removed it as abandoned
        except OSError:
            self.path.rmdir()  # needs no descriptor, of which there may be none left
            raise
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        if os.fstat(self.lock).st_nlink:
            return True
        os.close(self.lock)
        return False

    def release(self, *, stays: bool = True) -> None:
        """Unlock the directory; if it stays, no later run removes it, else the next one does."""
        if stays:
            (self.path / _LOCK).unlink(missing_ok=True)
        os.close(self.lock)


def _remove_abandoned(root: Path) -> None:
    """Remove abandoned directories of this user's runs, and nothing that others could have put there."""
    with suppress(OSError):
        for path in root.iterdir():
            with suppress(OSError):
                if _is_own(path):
                    _remove_unless_locked(path)


def _is_own(path: Path) -> bool:
    """Return whether a path is a private directory of this user, where nobody else could make a lock."""
    info = path.lstat()
    return stat.S_ISDIR(info.st_mode) and info.st_uid == os.geteuid() and not info.st_mode & _OTHERS


def _remove_unless_locked(path: Path) -> None:
    try:
        descriptor = os.open(path / _LOCK, _OPEN)
    except FileNotFoundError:
        # a run that was killed just after it made the directory; one that's alive makes another
        if _RUN.fullmatch(path.name):
            path.rmdir()
        return
    try:
        info = os.fstat(descriptor)
        if stat.S_ISREG(info.st_mode) and info.st_uid == os.geteuid() and info.st_nlink == 1:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)  # follows no links
    finally:
        os.close(descriptor)
