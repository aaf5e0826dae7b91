"""An output directory that appears whole or not at all: made aside, synced, and renamed when all is there."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.runners.files import DISK, sync, write_whole
from model_mapreduce_job.runners.parts import tally_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from model_mapreduce_job.runners.files import Files

_IDENTITY = ".run.json"
_LOCK = ".lock"
_PARTS = "part-*"
SUCCESS = "_SUCCESS"
_LONGEST_SHOWN = 100


class OutputDirectory:
    """A run's output directory. Until it is published, it is made in a hidden directory beside it.

    identity says what the run's output depends on: a later run with the same one may go on with its parts.
    """

    def __init__(self, final: Path, identity: dict[str, Any], files: Files = DISK) -> None:
        self._final = final
        self._identity = json.dumps(identity, default=str)
        self._files = files
        self.staging = final.with_name(f".{final.name}.unfinished")
        self._lock: int | None = None

    def prepare(self, *, resume: bool) -> None:
        """Make the staging directory, of which a stopped run's parts are only kept to resume from.

        Raises InputError when the output is there already, can't be made, or another run is making it, and
        when a run with another identity left the parts that this one is to go on with.
        """
        try:
            self._refuse_if_there()
            self._final.parent.mkdir(parents=True, exist_ok=True)
            self.staging.mkdir(mode=0o700, exist_ok=True)
            self._acquire()
            self._make_room()
            self._clear(resume=resume)
            write_whole(self._files, self.staging / _IDENTITY, self._identity.encode())
        except OSError as error:
            self.abandon(keep_parts=resume)
            raise InputError(
                f"The output {self._final} can't be made: {error.strerror}: {error.filename or self.staging}."
            ) from error

    @property
    def locks(self) -> list[int]:
        """Return the descriptors that keep other runs out, which copies of this process must not hold."""
        return [] if self._lock is None else [self._lock]

    def publish(self) -> Path:
        """Make the output appear under its name, with _SUCCESS in it, and return that; raises OSError."""
        umask = os.umask(0)
        os.umask(umask)
        for part in self.staging.glob(_PARTS):
            part.chmod(0o666 & ~umask)
            if not tally_path(part).exists():  # with a tally, it's synced already
                sync(self._files, part)
        for path in self._notes():
            path.unlink()
        write_whole(self._files, self.staging / SUCCESS, b"")
        (self.staging / SUCCESS).chmod(0o666 & ~umask)
        sync(self._files, self.staging)
        self.staging.chmod(0o777 & ~umask)
        self._files.rename(self.staging, self._final)
        try:
            sync(self._files, self._final.parent)
            # only now: without it, another run would have taken the staging directory for an abandoned one
            (self._final / _LOCK).unlink()
        except OSError:
            shutil.rmtree(self._final, ignore_errors=True)
            raise
        self._release()
        return self._final

    def abandon(self, *, keep_parts: bool) -> int:
        """Remove what was made; with keep_parts, only what is not finished. Return how many parts stay."""
        if self._lock is None:
            return 0
        kept = self._remove_unfinished() if keep_parts else 0
        if not kept:
            shutil.rmtree(self.staging, ignore_errors=True)
        self._release()
        return kept

    def _refuse_if_there(self) -> None:
        if self._final.exists() and not (self._final.is_dir() and not any(self._final.iterdir())):
            raise InputError(f"The output {self._final} is there already. Name another, or remove it first.")

    def _make_room(self) -> None:
        # to be told now, and not at the end, of a directory that can't be replaced, such as a mounted one
        if self._final.exists():
            self._final.rmdir()

    def _acquire(self) -> None:
        self._lock = os.open(self.staging / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._release()
        # a lock without a name is that of a run which has just ended
        if self._lock is None or os.fstat(self._lock).st_nlink == 0:
            self._release()
            raise InputError(f"Another run is making {self._final}. Wait for it, or name another output.")

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _clear(self, *, resume: bool) -> None:
        if resume and (self.staging / _IDENTITY).exists():
            self._check_identity()
            self._remove_unfinished()
            return
        for path in self.staging.iterdir():
            if path.name != _LOCK:
                path.unlink()

    def _remove_unfinished(self) -> int:
        """Remove all but the parts whose tasks' counts are known; return how many parts are left."""
        kept = {part for part in self.staging.glob(_PARTS) if tally_path(part).exists()}
        wanted = kept | set(map(tally_path, kept)) | {self.staging / _LOCK, self.staging / _IDENTITY}
        for path in set(self.staging.glob("*")) - wanted:
            path.unlink()
        return len(kept)

    def _notes(self) -> Iterator[Path]:
        """Yield the files that are no output, but for the lock."""
        return (path for path in self.staging.glob(".*") if path.name != _LOCK)

    def _check_identity(self) -> None:
        before: dict[str, Any] = {}
        with suppress(ValueError):
            before = json.loads((self.staging / _IDENTITY).read_bytes())
        for name, value in json.loads(self._identity).items():
            if before.get(name) != value:
                # the lock of a run that can go on stays; only this one gives up
                self._release()
                raise InputError(
                    f"Can't resume {self._final}: {name} is not the same{_shown(before.get(name), value)}. "
                    "Give the same again, or start over without --resume."
                )


def _shown(before: Any, now: Any) -> str:
    """Return what has changed, where that is short enough to be read."""
    words = f" (it was {before!r}, now it is {now!r})"
    return words if len(words) <= _LONGEST_SHOWN else ""
