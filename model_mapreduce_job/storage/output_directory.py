"""An output directory that appears whole or not at all: made aside, synced, and renamed when all is there."""

from __future__ import annotations

import fcntl
import json
import os
import re
import stat
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.models.content_digest import INCOMPARABLE
from model_mapreduce_job.storage.files import DISK
from model_mapreduce_job.storage.own_directory import OwnDirectory
from model_mapreduce_job.storage.parts import PART_NAME, read_record, record_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from model_mapreduce_job.storage.files import Files

_IDENTITY: Final = ".run.json"
_LOCK: Final = ".lock"
# What this program makes in a staging directory, beside the parts, and what NFS and FUSE make in any.
_MADE_HERE: Final = re.compile(r"_SUCCESS|\.lock|\.run\.json|\.part-\d+\..+|.*\.half|\.nfs.*|\.fuse_hidden.*")
SUCCESS: Final = "_SUCCESS"
_LONGEST_SHOWN: Final = 100
_RESTRICTED_DELETION: Final = stat.S_ISVTX


def write_to_stderr(line: str) -> None:
    """Write a line to standard error, if there is one."""
    if sys.__stderr__ is not None:
        sys.__stderr__.write(f"{line}\n")
        sys.__stderr__.flush()


class OutputDirectory:
    """A run's output directory. Until it is published, it is made in a hidden directory beside it.

    identity says what the run's output depends on: a later run with the same one may go on with its parts.
    What is finished is removed by nothing but a run that starts over; report is given a line about it.
    """

    def __init__(
        self,
        final: Path,
        identity: Mapping[str, str],
        files: Files = DISK,
        report: Callable[[str], None] = write_to_stderr,
    ) -> None:
        self._final = final
        self._identity = dict(identity)
        self._files = files
        self._report = report
        self.staging = final.parent / f".{final.name}.unfinished"  # with_name knows no root
        self._made: OwnDirectory | None = None
        self._parent: int | None = None
        self._lock: int | None = None
        self.published: Path | None = None

    def prepare(self, *, resume: bool) -> None:
        """Make the staging directory, of which a stopped run's parts are only kept to resume from.

        Raises InputError when the output is there already, can't be made, or another run is making it, when
        what stands in its place isn't this program's, and when a run with another identity left the parts
        that this one is to go on with.
        """
        try:
            self._prepare(resume=resume)
        except OSError as error:
            kept = self.abandon()
            raise InputError(
                f"The output {self._final} can't be made: {error.strerror}: {error.filename or self.staging}."
                f"{_kept(kept)}"
            ) from error
        except InputError:
            self._release()
            raise

    @property
    def locks(self) -> list[int]:
        """Return the descriptors that keep other runs out, which copies of this process must not hold."""
        return [] if self._lock is None else [self._lock]

    def publish(self) -> Path:
        """Make the output appear under its name, with _SUCCESS in it, and return that.

        Raises InputError; all that was finished is kept then, and a later run can go on from it.
        """
        directory, parent = self._opened
        with self._as_input_error():
            self._refuse_foreign(directory)
            umask = _umask()
            mode = self._mode_of_final(0o777 & ~umask)
            for part in filter(PART_NAME.fullmatch, directory.names()):
                self._open_to_others(part, 0o666 & ~umask)
            directory.write(SUCCESS, b"")
            self._open_to_others(SUCCESS, 0o666 & ~umask)
            directory.sync()
            if not self._is_staged():
                raise InputError(f"{self.staging} was moved or replaced while the run went on. Run again.")
            self._files.rename(parent, self.staging.name, self._final.name)
            self._sync_or_take_back(parent)
        self.published = self._final
        # from here on the output stands, and nothing makes the run fail
        with suppress(OSError):
            os.fchmod(directory.descriptor, mode)
            self._remove_notes(directory)
        self._release()
        return self._final

    def abandon(self) -> int:
        """Remove what isn't finished, and all if nothing is; return how many parts are kept.

        Nothing is removed from an output that was published, which a signal may follow at once.
        """
        kept = 0
        if self._made is None or self._lock is None or not self._is_staged():
            self._release()
            return kept
        with suppress(OSError):
            kept = len(self._remove_unfinished(self._made))
            if not kept:
                self._remove_staging(self._made)
        self._release()
        return kept

    @property
    def _opened(self) -> tuple[OwnDirectory, int]:
        assert self._made is not None  # noqa: S101 - a run prepares its output first
        assert self._parent is not None  # noqa: S101
        return self._made, self._parent

    def _prepare(self, *, resume: bool) -> None:
        self._refuse_if_there(resume=resume)
        self._final.parent.mkdir(parents=True, exist_ok=True)
        self._parent = os.open(self._final.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._made = OwnDirectory.made(self.staging, self._files)
        self._acquire(self._made)
        self._refuse_foreign(self._made)
        if resume and self._made.has(_IDENTITY):
            self._check_identity(self._made)
            self._remove_unfinished(self._made)
        else:
            self._start_over(self._made)
        self._warn_of_incomparable()
        self._made.write(_IDENTITY, json.dumps(self._identity).encode())

    def _refuse_if_there(self, *, resume: bool) -> None:
        final = self._final
        if final == Path.cwd():
            raise InputError(f"The output {final} is the current directory. Name a new directory in it.")
        if not os.path.lexists(final):
            return
        if resume and (final / SUCCESS).exists():
            raise InputError(
                f"{final} is finished: its {SUCCESS} is there, and nothing is left to resume. "
                "To run again, name another output or remove it first."
            )
        if not final.is_dir() or any(final.iterdir()):
            raise InputError(f"The output {final} is there already. Name another, or remove it first.")
        self._refuse_unless_replaceable(final)

    @staticmethod
    def _refuse_unless_replaceable(final: Path) -> None:
        """Raise InputError for an empty directory that no other can be renamed over."""
        parent, info = final.parent.stat(), final.stat()
        restricted = parent.st_mode & _RESTRICTED_DELETION and os.geteuid() not in {
            0,
            parent.st_uid,
            info.st_uid,
        }
        if final.is_mount() or restricted:
            kind = "is where a filesystem is mounted" if final.is_mount() else "is another user's directory"
            raise InputError(f"The output {final} {kind}. Name a new directory in it.")

    def _acquire(self, directory: OwnDirectory) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        self._lock = os.open(_LOCK, flags, 0o600, dir_fd=directory.descriptor)
        locked = True
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            locked = False
        # a lock without a name is that of a run which has just ended
        if not locked or os.fstat(self._lock).st_nlink == 0:
            raise InputError(f"Another run is making {self._final}. Wait for it, or name another output.")

    def _refuse_foreign(self, directory: OwnDirectory) -> None:
        for name in directory.names():
            kind = os.stat(name, dir_fd=directory.descriptor, follow_symlinks=False).st_mode
            if not (PART_NAME.fullmatch(name) or _MADE_HERE.fullmatch(name)) or not stat.S_ISREG(kind):
                raise InputError(
                    f"{self.staging / name} is not of this program's making, and would be in the output "
                    f"{self._final}. Remove it, then run the same command again."
                )

    def _start_over(self, directory: OwnDirectory) -> None:
        if finished := _finished(directory):
            self._report(
                f"Starting over: {len(finished):,} finished parts of a stopped run into {self._final} are "
                "discarded (--resume would go on from them)."
            )
        for name in directory.names():
            if name != _LOCK:
                directory.remove(name)

    def _remove_unfinished(self, directory: OwnDirectory) -> set[str]:
        """Remove all of this program's but the parts that have a record; return those."""
        kept = _finished(directory)
        wanted = kept | set(map(record_name, kept)) | {_LOCK, _IDENTITY}
        for name in set(directory.names()) - wanted:
            if PART_NAME.fullmatch(name) or _MADE_HERE.fullmatch(name):
                directory.remove(name)
        return kept

    def _remove_staging(self, directory: OwnDirectory) -> None:
        for name in (_IDENTITY, _LOCK):
            directory.remove(name)
        os.rmdir(self.staging.name, dir_fd=self._parent)

    def _check_identity(self, directory: OwnDirectory) -> None:
        before = _identity_in(directory)
        for name in dict.fromkeys([*self._identity, *before]):
            then, now = before.get(name), self._identity.get(name)
            if str(now).startswith(INCOMPARABLE):
                raise InputError(f"Can't resume {self._final}: {name} {now}. Start over without --resume.")
            if then != now:
                raise InputError(
                    f"Can't resume {self._final}: {name} is not the same{_shown(then, now)}. "
                    "Give the same again, or start over without --resume."
                )

    def _warn_of_incomparable(self) -> None:
        for name, value in self._identity.items():
            if value.startswith(INCOMPARABLE):
                self._report(f"{name} {value}. If this run is stopped, --resume can't go on with its parts.")

    def _mode_of_final(self, otherwise: int) -> int:
        """Return the mode of a directory that was made beforehand, which the output keeps."""
        with suppress(OSError):
            return stat.S_IMODE(self._final.stat().st_mode)
        return otherwise

    def _open_to_others(self, name: str, mode: int) -> None:
        directory, _ = self._opened
        descriptor = directory.open(name)
        try:
            os.fchmod(descriptor, mode)
            if not directory.has(record_name(name)):  # with a record, it's synced already
                self._files.sync(descriptor)
        finally:
            os.close(descriptor)

    def _is_staged(self) -> bool:
        """Return whether the staging directory's name is still that of the one that was opened."""
        directory, parent = self._opened
        with suppress(FileNotFoundError):
            named = os.stat(self.staging.name, dir_fd=parent, follow_symlinks=False)
            return os.path.samestat(named, os.fstat(directory.descriptor))
        return False

    def _sync_or_take_back(self, parent: int) -> None:
        try:
            self._files.sync(parent)
        except OSError:
            self._files.rename(parent, self._final.name, self.staging.name)
            raise

    @staticmethod
    def _remove_notes(directory: OwnDirectory) -> None:
        """Remove the files that are no output; the lock last, so that no other run comes in between."""
        for name in filter(_MADE_HERE.fullmatch, directory.names()):
            if name not in {SUCCESS, _LOCK}:
                directory.remove(name)
        directory.remove(_LOCK)

    @contextmanager
    def _as_input_error(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(
                f"The output {self._final} can't be made to appear: {error.strerror}. "
                "Look at what is there, and move it away."
            ) from error

    def _release(self) -> None:
        if self._made is not None:
            self._made.close()
        for descriptor in (self._lock, self._parent):
            if descriptor is not None:
                os.close(descriptor)
        self._made = self._lock = self._parent = None


def _identity_in(directory: OwnDirectory) -> dict[str, Any]:
    """Return the identity of the run that left a directory; an empty one if its file is damaged."""
    try:
        identity = json.loads(directory.read(_IDENTITY))
    except (ValueError, RecursionError):
        return {}
    return identity if isinstance(identity, dict) else {}


def _finished(directory: OwnDirectory) -> set[str]:
    """Return the parts that have a record."""
    return {
        name
        for name in directory.names()
        if PART_NAME.fullmatch(name) and read_record(directory, name) is not None
    }


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask


def _kept(parts: int) -> str:
    return f" {parts:,} finished parts of a stopped run are kept." if parts else ""


def _shown(before: str | None, now: str | None) -> str:
    """Return what has changed, where that is short enough to be read."""
    words = f" (it was {before or 'not there'}, now it is {now or 'not there'})"
    return words if len(words) <= _LONGEST_SHOWN else ""
