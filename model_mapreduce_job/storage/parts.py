"""The parts of an output: each gets its name when it is complete, and a record of its size and digest."""

from __future__ import annotations

import hashlib
import json
import os
import re
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

from model_mapreduce_job.exceptions import IncompleteRunError, InputError
from model_mapreduce_job.pipeline.counters import Counters
from model_mapreduce_job.pipeline.task_report import TaskReport
from model_mapreduce_job.storage.file_operations import OS_FILES, write_all
from model_mapreduce_job.storage.own_directory import OwnDirectory, own_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from model_mapreduce_job.storage.file_operations import FileOperations
    from model_mapreduce_job.storage.splits import MapTask, Split

_BLOCK_BYTES: Final = 1 << 20
NO_REPORT: Final = TaskReport(Counters())
PART_NAME: Final = re.compile(r"part-\d+(\.\w+)?")
# The device number of a file may change when a machine restarts, though the file is the same.
_AFTER_DEVICE: Final = slice(1, None)


class PartRecord(msgspec.Struct, frozen=True):
    """The record of a finished part: its size in bytes, its sha256, its task's report, and what was read.

    A part that is not durable has no sha256: no later run reads it again. read has of each split its path,
    start and length, its file's state, and its rows of a row group that is shared.
    """

    size: int
    digest: str
    report: TaskReport = NO_REPORT
    read: tuple[tuple[Any, ...], ...] = ()

    def is_of(self, splits: Iterable[Split]) -> bool:
        """Return whether the part was made from these splits of unchanged files."""
        return json.dumps(self.read) == json.dumps(_read(splits))


class PartWriter:
    """Writes an attempt's output to a new file; used in a with statement.

    A durable part has a digest, and is synced when it's complete. Raises InputError when the disk refuses,
    and when the directory isn't this user's own.
    """

    def __init__(self, path: Path, files: FileOperations, *, durable: bool) -> None:
        self._path = path
        self._files = files
        self._durable = durable
        self._size = 0
        self._digest = hashlib.sha256() if durable else None

    def __enter__(self) -> Self:
        with self._refusals(), own_directory(self._path.parent) as directory:
            self._descriptor = directory.create(self._path.name)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if self._durable and kind is None:
                with self._refusals():
                    self._files.sync(self._descriptor)
        finally:
            os.close(self._descriptor)

    def write(self, data: bytes) -> None:
        """Write all of the data."""
        with self._refusals():
            write_all(self._files, self._descriptor, data)
        if self._digest:
            self._digest.update(data)
        self._size += len(data)

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            # trying again doesn't help against a full disk or a missing permission
            raise InputError(
                f"The output can't be written: {error.strerror or error}: {self._path}."
            ) from error

    def record(self, splits: Iterable[Split], report: TaskReport) -> PartRecord:
        """Return the record of what was written."""
        digest = self._digest.hexdigest() if self._digest else ""
        return PartRecord(self._size, digest, report, _read(splits))


class Parts:
    """The parts that a run's tasks write. path returns a finished part's path from its task's number.

    A durable part is synced, and its record is kept beside it, so that a later run can resume with it. report
    is called with a line for each part that a run can't resume with.
    """

    def __init__(
        self,
        path: Callable[[int], Path],
        *,
        durable: bool,
        files: FileOperations = OS_FILES,
        report: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._path = path
        self._files = files
        self._report = report
        self._open: dict[Path, OwnDirectory] = {}
        self._finished: dict[Path, tuple[PartRecord, tuple[int, ...]]] = {}
        self.durable = durable
        # a worker that outlives its killed driver must not write to the same file as a worker of this run
        self._run = os.urandom(4).hex()

    def attempt_path(self, task: MapTask, attempt: int) -> Path:
        """Return the path that an attempt writes to."""
        part = self._path(task.number)
        self._directory(part)
        return part.with_name(f".{part.name}.attempt-{attempt}-{self._run}")

    def finish(self, task: MapTask, attempt: int, record: PartRecord) -> None:
        """Rename an attempt's output to its part's name, and write its record."""
        part = self._path(task.number)
        directory = self._directory(part)
        if self.durable:
            # not synced: a damaged record is noticed, and only means that the part is made again
            directory.write(record_name(part.name), _sealed(record), synced=False)
        directory.rename(self.attempt_path(task, attempt).name, part.name)
        self._remember(part, record, file_signature(directory, part.name))

    def discard(self, task: MapTask, attempt: int) -> None:
        """Remove the output of an attempt."""
        path = self.attempt_path(task, attempt)
        self._directory(path).remove(path.name)

    def finished(self, task: MapTask) -> PartRecord | None:
        """Return the record of a part that an earlier run has finished; None if it has not."""
        part = self._path(task.number)
        if not self.durable or not self._directory(part).has(part.name):
            return None
        directory = self._directory(part)
        signature = file_signature(directory, part.name)
        record = read_record(directory, part.name)
        if record is None or not record.is_of(task.splits):
            return None
        if not is_intact(directory, part.name, record):
            self._report(f"{part.name} has changed since it was written, and is made again.")
            return None
        self._remember(part, record, signature)
        return record

    def verify(self) -> None:
        """Raise IncompleteRunError for a part that is missing, was changed, or is not of this run."""
        self._refuse_others()
        for part, (record, signature) in self._finished.items():
            directory = self._directory(part)
            # an unchanged signature means unchanged content, so most parts need not be read again
            if file_signature(directory, part.name) != signature and not is_intact(
                directory, part.name, record
            ):
                raise IncompleteRunError(
                    f"{part.name} is not as its task wrote it: something removed or changed it in "
                    f"{part.parent}. Nothing was published. Run again."
                )

    def _refuse_others(self) -> None:
        # a directory that isn't durable may also have the parts of other steps
        for path, directory in self._open.items() if self.durable else ():
            for name in filter(PART_NAME.fullmatch, directory.names()):
                if path / name not in self._finished:
                    raise IncompleteRunError(
                        f"{path / name} is not a part of this run: something else put it there. "
                        "Nothing was published. Remove it, then run again."
                    )

    def _remember(self, part: Path, record: PartRecord, signature: tuple[int, ...]) -> None:
        # without the counts: there may be very many parts
        self._finished[part] = PartRecord(record.size, record.digest), signature

    def close(self) -> None:
        """Close the parts' directories."""
        for directory in self._open.values():
            directory.close()
        self._open.clear()

    def _directory(self, part: Path) -> OwnDirectory:
        found = self._open.get(part.parent)
        if found is None:
            part.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = self._open[part.parent] = OwnDirectory(part.parent, self._files)
        return found


def sorted_parts(parts: Iterable[Path]) -> list[Path]:
    """Return the parts of one directory in the order of their tasks: part-100000 after part-99999."""
    return sorted(parts, key=lambda part: (len(part.name), part.name))


def record_name(part: str) -> str:
    """Return the name of the file that holds a durable part's record."""
    return f".{part}.record"


def read_record(directory: OwnDirectory, part: str) -> PartRecord | None:
    """Return the record beside a part; None when it's missing or damaged, or of another version."""
    with suppress(OSError, msgspec.ValidationError):
        text, _, digest = directory.read(record_name(part)).rpartition(b"\n")
        if hashlib.sha256(text).hexdigest().encode() == digest:
            return msgspec.convert(json.loads(text), PartRecord)
    return None


def _sealed(record: PartRecord) -> bytes:
    """Return the text of a record's file; its second line is the first one's digest."""
    text = json.dumps(msgspec.to_builtins(record)).encode()
    return text + b"\n" + hashlib.sha256(text).hexdigest().encode()


def is_intact(directory: OwnDirectory, part: str, record: PartRecord) -> bool:
    """Return whether a part has the size and digest of its record."""
    try:
        descriptor = directory.open(part)
    except OSError:
        return False
    digest = hashlib.sha256()
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        if os.fstat(descriptor).st_size != record.size:
            return False
        while data := file.read(_BLOCK_BYTES):
            digest.update(data)
    return digest.hexdigest() == record.digest


def file_signature(directory: OwnDirectory, name: str) -> tuple[int, ...]:
    """Return a file's inode, size and times, of which any change changes one; empty if it's missing."""
    with suppress(OSError):
        info = os.stat(name, dir_fd=directory.descriptor, follow_symlinks=False)
        return info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns
    return ()


def _read(splits: Iterable[Split]) -> tuple[tuple[Any, ...], ...]:
    return tuple(map(_read_of, splits))


def _read_of(split: Split) -> tuple[Any, ...]:
    shared = (
        () if split.table is None or split.table.taken is None else (split.table.before, split.table.taken)
    )
    return split.path, split.start, split.length, *split.state[_AFTER_DEVICE], *shared
