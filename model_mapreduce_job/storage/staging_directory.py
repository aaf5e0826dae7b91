"""The hidden directory that an output is made in: locked by one run, with its identity and its parts."""

from __future__ import annotations

import fcntl
import json
import os
import re
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.models.content_digest import INCOMPARABLE
from model_mapreduce_job.printable import counted
from model_mapreduce_job.storage.own_directory import OwnDirectory
from model_mapreduce_job.storage.parts import PART_NAME, read_record, record_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from model_mapreduce_job.storage.file_operations import FileOperations

SUCCESS: Final = "_SUCCESS"
IDENTITY: Final = ".run.json"
_LOCK: Final = ".lock"
# What this program makes in a staging directory, beside the parts, and what NFS and FUSE make in any.
_MADE_HERE: Final = re.compile(r"_SUCCESS|\.lock|\.run\.json|\.part-\d+\..+|.*\.half|\.nfs.*|\.fuse_hidden.*")
_LONGEST_SHOWN: Final = 100


class StagingDirectory:
    """An open staging directory; final is the output that it is to become.

    identity says what the run's output depends on: a later run with the same one may resume with its parts.
    report is called with a line about parts that are discarded, or that no later run can resume with.
    """

    def __init__(
        self,
        path: Path,
        final: Path,
        identity: Mapping[str, str],
        files: FileOperations,
        report: Callable[[str], None],
    ) -> None:
        """Open the directory, and make it first where there is none."""
        self.directory = OwnDirectory.made(path, files)
        self.lock: int | None = None
        self._path = path
        self._final = final
        self._identity = dict(identity)
        self._report = report

    def acquire(self) -> None:
        """Lock the directory; raises InputError when another run has it."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        self.lock = os.open(_LOCK, flags, 0o600, dir_fd=self.directory.descriptor)
        locked = True
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            locked = False
        # a lock without a name is that of a run which has just ended
        if not locked or os.fstat(self.lock).st_nlink == 0:
            raise InputError(f"Another run is making {self._final}. Wait for it, or name another output.")

    def refuse_foreign(self) -> None:
        """Raise InputError for a file that this program did not make: it would be in the output."""
        for name in self.directory.names():
            kind = os.stat(name, dir_fd=self.directory.descriptor, follow_symlinks=False).st_mode
            if not (PART_NAME.fullmatch(name) or _MADE_HERE.fullmatch(name)) or not stat.S_ISREG(kind):
                raise InputError(
                    f"{self._path / name} is not of this program's making, and would be in the output "
                    f"{self._final}. Remove it, then run the same command again."
                )

    def adopt(self, *, resume: bool) -> None:
        """Keep a stopped run's parts to resume with, or remove them, and write this run's identity.

        Raises InputError when parts are to be kept and the run that made them had another identity.
        """
        if resume and self.directory.has(IDENTITY):
            self._check_identity()
            self.remove_unfinished()
        else:
            self._start_over()
        for name, value in self._identity.items():
            if value.startswith(INCOMPARABLE):
                self._report(f"{name} {value}. If this run is stopped, --resume can't go on with its parts.")
        self.directory.write(IDENTITY, json.dumps(self._identity).encode())

    def remove_unfinished(self) -> set[str]:
        """Remove what this program made, except finished parts and their records; return those parts."""
        kept = self._finished()
        wanted = kept | set(map(record_name, kept)) | {_LOCK, IDENTITY}
        for name in set(self.directory.names()) - wanted:
            if PART_NAME.fullmatch(name) or _MADE_HERE.fullmatch(name):
                self.directory.remove(name)
        return kept

    def remove_notes(self) -> None:
        """Remove the files that are no output; the lock last, so that no other run comes in between."""
        for name in filter(_MADE_HERE.fullmatch, self.directory.names()):
            if name not in {SUCCESS, _LOCK}:
                self.directory.remove(name)
        self.directory.remove(_LOCK)

    def remove(self, parent: int) -> None:
        """Remove the directory, which holds no part any more, from its open parent."""
        for name in (IDENTITY, _LOCK):
            self.directory.remove(name)
        os.rmdir(self._path.name, dir_fd=parent)

    def is_in(self, parent: int) -> bool:
        """Return whether the directory still has its name in its open parent."""
        with suppress(FileNotFoundError):
            named = os.stat(self._path.name, dir_fd=parent, follow_symlinks=False)
            return os.path.samestat(named, os.fstat(self.directory.descriptor))
        return False

    def close(self) -> None:
        """Close the directory and let other runs have it."""
        self.directory.close()
        if self.lock is not None:
            os.close(self.lock)

    def _start_over(self) -> None:
        if finished := self._finished():
            parts = counted(len(finished), "finished part")
            self._report(
                f"Starting over, and discarding {parts} of a stopped run into {self._final} "
                "(--resume would go on from there)."
            )
        for name in self.directory.names():
            if name != _LOCK:
                self.directory.remove(name)

    def _finished(self) -> set[str]:
        """Return the parts that have a record."""
        return {
            name
            for name in self.directory.names()
            if PART_NAME.fullmatch(name) and read_record(self.directory, name) is not None
        }

    def _check_identity(self) -> None:
        before = self._identity_before()
        for name in dict.fromkeys([*self._identity, *before]):
            then, now = before.get(name), self._identity.get(name)
            if str(now).startswith(INCOMPARABLE):
                raise InputError(f"Can't resume {self._final}: {name} {now}. Start over without --resume.")
            if then != now:
                raise InputError(
                    f"Can't resume {self._final}: {name} is not the same{_shown(then, now)}. "
                    "Give the same again, or start over without --resume."
                )

    def _identity_before(self) -> dict[str, Any]:
        """Return the identity of the run that left the directory, an empty one if its file is damaged."""
        try:
            identity = json.loads(self.directory.read(IDENTITY))
        except (ValueError, RecursionError):
            return {}
        return identity if isinstance(identity, dict) else {}


def _shown(before: str | None, now: str | None) -> str:
    """Return what has changed, in words, nothing where that is too long to read."""
    words = f" (it was {before or 'not there'}, now it is {now or 'not there'})"
    return words if len(words) <= _LONGEST_SHOWN else ""
