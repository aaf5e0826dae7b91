"""An output directory that appears whole or not at all: made aside, synced, and renamed when all is there."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.runners.parts import sync_directory, write_synced

_IDENTITY = ".run.json"
_LOCK = ".lock"
SUCCESS = "_SUCCESS"


class OutputDirectory:
    """A run's output directory. Until it is published, it is made in a hidden directory beside it.

    identity says what the run's output depends on: a later run with the same one may go on with its parts.
    """

    def __init__(self, final: Path, identity: dict[str, Any]) -> None:
        self._final = final
        self._identity = identity
        self.staging = final.with_name(f".{final.name}.unfinished")
        self._lock: int | None = None

    def prepare(self, *, resume: bool) -> None:
        """Make the staging directory, of which a stopped run's parts are only kept to resume from.

        Raises InputError when the output is there already, can't be made, or another run is making it, and
        when a run with another identity left the parts that this one is to go on with.
        """
        if self._final.exists() and not _is_empty_directory(self._final):
            raise InputError(f"The output {self._final} is there already. Name another, or remove it first.")
        try:
            self._final.parent.mkdir(parents=True, exist_ok=True)
            self.staging.mkdir(mode=0o700, exist_ok=True)
            self._acquire()
            self._clear(resume=resume)
            write_synced(self.staging / _IDENTITY, json.dumps(self._identity).encode())
        except OSError as error:
            raise InputError(
                f"The output {self._final} can't be made: {error.strerror}: {error.filename}."
            ) from error

    def publish(self) -> Path:
        """Make the output appear under its name, with _SUCCESS in it, and return that.

        The parts are synced already.
        """
        umask = os.umask(0)
        os.umask(umask)
        for path in self.staging.iterdir():
            if path.name.startswith("."):
                path.unlink()
            else:
                path.chmod(0o666 & ~umask)
        write_synced(self.staging / SUCCESS, b"")
        sync_directory(self.staging)
        self.staging.chmod(0o777 & ~umask)
        self.staging.rename(self._final)
        sync_directory(self._final.parent)
        self._release()
        return self._final

    def abandon(self, *, keep_parts: bool) -> int:
        """Remove what was made; with keep_parts, only what is not finished. Return how many parts are kept."""
        parts = sorted(self.staging.glob("part-*"))
        if not (keep_parts and parts):
            shutil.rmtree(self.staging, ignore_errors=True)
            parts = []
        for half in [*self.staging.glob(".part-*.attempt-*"), *self.staging.glob(".*.half")]:
            half.unlink(missing_ok=True)
        self._release()
        return len(parts)

    def _acquire(self) -> None:
        self._lock = os.open(self.staging / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._release()
            raise InputError(
                f"Another run is making {self._final}. Wait for it, or name another output."
            ) from None

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _clear(self, *, resume: bool) -> None:
        if resume and (self.staging / _IDENTITY).exists():
            self._check_identity()
            return
        for path in self.staging.iterdir():
            if path.name != _LOCK:
                path.unlink()

    def _check_identity(self) -> None:
        before: dict[str, Any] = {}
        with suppress(ValueError):
            before = json.loads((self.staging / _IDENTITY).read_bytes())
        changed = [name for name, value in self._identity.items() if before.get(name) != value]
        if changed:
            name = changed[0]
            raise InputError(
                f"Can't resume {self._final}: {name} is {self._identity[name]!r}, of the stopped run it was "
                f"{before.get(name)!r}. Give the same again, or start over without --resume."
            )


def _is_empty_directory(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())
