"""An output directory that appears whole or not at all: made aside, synced, and renamed when complete."""

from __future__ import annotations

import json
import os
import stat
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.printable import counted
from model_mapreduce_job.storage.file_operations import OS_FILES, why_no_directory
from model_mapreduce_job.storage.inputs import local_path
from model_mapreduce_job.storage.own_directory import own_directory
from model_mapreduce_job.storage.parts import PART_NAME, record_name
from model_mapreduce_job.storage.staging_directory import IDENTITY, SUCCESS, StagingDirectory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from model_mapreduce_job.storage.file_operations import FileOperations

_RESTRICTED_DELETION: Final = stat.S_ISVTX


def write_to_stderr(line: str) -> None:
    """Write a line to standard error, if there is one."""
    if sys.__stderr__ is not None:
        sys.__stderr__.write(f"{line}\n")
        sys.__stderr__.flush()


def output_path(output_dir: str) -> Path:
    """Return where an output is to appear; a ~ that the shell has left is the home directory."""
    try:
        return Path(local_path(output_dir)).expanduser().resolve()
    except RuntimeError as error:
        raise InputError(f"The output {output_dir} can't be made: {error} Write the path in full.") from error


def identity_of_stopped(output_dir: str) -> dict[str, str]:
    """Return the identity of the stopped run that left an unfinished output there; empty for none."""
    with suppress(OSError, ValueError), own_directory(_staging(output_path(output_dir))) as directory:
        return {str(name): str(value) for name, value in dict(json.loads(directory.read(IDENTITY))).items()}
    return {}


class OutputDirectory:
    """A run's output directory. Until it is published, it is made in a hidden directory beside it.

    identity says what the run's output depends on: a later run with the same one may resume with its parts.
    Only a run that starts over removes finished parts; report is called with a line about that.
    """

    def __init__(
        self,
        final: Path,
        identity: Mapping[str, str],
        files: FileOperations = OS_FILES,
        report: Callable[[str], None] = write_to_stderr,
    ) -> None:
        self._final = final
        self._identity = dict(identity)
        self._files = files
        self._report = report
        self.staging = _staging(final)
        self._staged: StagingDirectory | None = None
        self._parent: int | None = None
        self.published: Path | None = None

    def check(self, *, resume: bool) -> None:
        """Raise InputError when the output exists or can't be made; makes nothing."""
        self._refuse_if_there(resume=resume)
        if reason := why_no_directory(self._final):
            raise InputError(f"The output {self._final} can't be made: {reason}.")

    def prepare(self, *, resume: bool) -> None:
        """Make the staging directory; a stopped run's parts are only kept to resume with.

        Raises InputError when the output exists or can't be made, when another run is making it, when the
        staging directory is not this program's, and when resuming with parts of a run with another identity.
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

    def publish(self) -> Path:
        """Make the output appear under its name, with _SUCCESS in it, and return that.

        Raises InputError; all that was finished is kept then, and a later run can go on from it.
        """
        staged, parent = self._opened
        with self._as_input_error():
            staged.refuse_foreign()
            umask = _umask()
            mode = self._mode_of_final(0o777 & ~umask)
            for part in filter(PART_NAME.fullmatch, staged.directory.names()):
                self._open_to_others(part, 0o666 & ~umask)
            staged.directory.write(SUCCESS, b"")
            self._open_to_others(SUCCESS, 0o666 & ~umask)
            staged.directory.sync()
            if not staged.is_in(parent):
                raise InputError(f"{self.staging} was moved or replaced while the run went on. Run again.")
            self._files.rename(parent, self.staging.name, self._final.name)
            self._sync_or_take_back(parent)
        self.published = self._final
        # from here on the output stands, and nothing makes the run fail
        with suppress(OSError):
            os.fchmod(staged.directory.descriptor, mode)
            staged.remove_notes()
        self._release()
        return self._final

    def abandon(self) -> int:
        """Remove unfinished files, and all if no part is finished; return how many parts are kept.

        Nothing is removed from an output that was published, which a signal may follow at once.
        """
        kept = 0
        staged, parent = self._staged, self._parent
        if staged is not None and parent is not None and staged.lock is not None and staged.is_in(parent):
            with suppress(OSError):
                kept = len(staged.remove_unfinished())
                if not kept:
                    staged.remove(parent)
        self._release()
        return kept

    @property
    def _opened(self) -> tuple[StagingDirectory, int]:
        assert self._staged is not None  # noqa: S101 - a run prepares its output first
        assert self._parent is not None  # noqa: S101
        return self._staged, self._parent

    def _prepare(self, *, resume: bool) -> None:
        self._refuse_if_there(resume=resume)
        self._final.parent.mkdir(parents=True, exist_ok=True)
        self._parent = os.open(self._final.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._staged = StagingDirectory(self.staging, self._final, self._identity, self._files, self._report)
        self._staged.acquire()
        self._staged.refuse_foreign()
        self._staged.adopt(resume=resume)

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

    def _mode_of_final(self, otherwise: int) -> int:
        """Return the mode of a directory that was made beforehand, which the output keeps."""
        with suppress(OSError):
            return stat.S_IMODE(self._final.stat().st_mode)
        return otherwise

    def _open_to_others(self, name: str, mode: int) -> None:
        directory = self._opened[0].directory
        descriptor = directory.open(name)
        try:
            os.fchmod(descriptor, mode)
            if not directory.has(record_name(name)):  # with a record, it's synced already
                self._files.sync(descriptor)
        finally:
            os.close(descriptor)

    def _sync_or_take_back(self, parent: int) -> None:
        try:
            self._files.sync(parent)
        except OSError:
            self._files.rename(parent, self._final.name, self.staging.name)
            raise

    @contextmanager
    def _as_input_error(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(
                f"The output {self._final} can't be published: {error.strerror}. "
                "Look at what is there, and move it away."
            ) from error

    def _release(self) -> None:
        if self._staged is not None:
            self._staged.close()
        if self._parent is not None:
            os.close(self._parent)
        self._staged = self._parent = None


def _staging(final: Path) -> Path:
    return final.parent / f".{final.name}.unfinished"  # with_name knows no root


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask


def _kept(parts: int) -> str:
    return f" Kept: {counted(parts, 'finished part')} of a stopped run." if parts else ""
