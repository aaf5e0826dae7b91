"""The parts of an output: half-written ones never bear a part's name, finished ones have a record."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

from model_mapreduce_job.exceptions import IncompleteRunError, InputError
from model_mapreduce_job.storage.files import DISK, write_all
from model_mapreduce_job.storage.own_directory import OwnDirectory, own_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from model_mapreduce_job.storage.files import Files
    from model_mapreduce_job.storage.map_task import MapTask
    from model_mapreduce_job.storage.splits import Split

_BLOCK_BYTES: Final = 1 << 20
PART_NAME: Final = re.compile(r"part-\d+")
# Of a file's state, the device is another after some restarts of a machine, though the file is the same.
_AFTER_DEVICE: Final = slice(1, None)


@dataclass(frozen=True)
class PartRecord:
    """What a finished part holds: its bytes' number and sha256, its task's counts, and which bytes were read.

    read is a split's path, start and length, and its file's state.
    """

    size: int
    digest: str
    tally: dict[str, Any] = field(default_factory=dict)
    read: tuple[Any, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the record as JSON can hold it."""
        return asdict(self)

    def is_of(self, split: Split) -> bool:
        """Return whether the part was made of these very bytes."""
        return json.dumps(self.read) == json.dumps(_read(split))


class PartWriter:
    """Writes an attempt's output to a new file, and knows its size and digest; used in a with statement.

    A durable one is synced when it's whole. Raises InputError for what the disk refuses, and where
    the directory isn't this user's own.
    """

    def __init__(self, path: Path, files: Files, *, durable: bool) -> None:
        self._path = path
        self._files = files
        self._durable = durable
        self._size = 0
        self._digest = hashlib.sha256()

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
        self._digest.update(data)
        self._size += len(data)

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            # a full disk or a missing permission is no better at the next try
            raise InputError(
                f"The output can't be written: {error.strerror or error}: {self._path}."
            ) from error

    def record(self, split: Split, tally: dict[str, Any]) -> PartRecord:
        """Return what was written, and of what."""
        return PartRecord(self._size, self._digest.hexdigest(), tally, _read(split))


class Parts:
    """Where tasks write. path gives a finished part's place by its task's number.

    A durable part outlives the machine's power: it's synced; and beside it stands its record, so that a later
    run can go on from it. report is given a line for each part that can't be gone on from.
    """

    def __init__(
        self,
        path: Callable[[int], Path],
        *,
        durable: bool,
        files: Files = DISK,
        report: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._path = path
        self._files = files
        self._report = report
        self._open: dict[Path, OwnDirectory] = {}
        self._finished: dict[Path, tuple[PartRecord, tuple[int, ...]]] = {}
        self.durable = durable
        # a worker that has outlived its killed driver must not write where a worker of this run does
        self._run = secrets.token_hex(4)

    def attempt_path(self, task: MapTask, attempt: int) -> Path:
        """Return where an attempt writes."""
        part = self._path(task.number)
        self._directory(part)
        return part.with_name(f".{part.name}.attempt-{attempt}-{self._run}")

    def finish(self, task: MapTask, attempt: int, record: PartRecord) -> None:
        """Give an attempt's output its part's name."""
        part = self._path(task.number)
        directory = self._directory(part)
        if self.durable:
            # not synced: a damaged one is noticed, and only means that the part is made again
            directory.write(record_name(part.name), _sealed(record), synced=False)
        directory.rename(self.attempt_path(task, attempt).name, part.name)
        self._remember(part, record, file_mark(directory, part.name))

    def discard(self, task: MapTask, attempt: int) -> None:
        """Remove what an attempt has written."""
        path = self.attempt_path(task, attempt)
        self._directory(path).remove(path.name)

    def finished(self, task: MapTask) -> PartRecord | None:
        """Return the record of a part that an earlier run has finished; None if it has not."""
        part = self._path(task.number)
        if not self.durable or not self._directory(part).has(part.name):
            return None
        directory = self._directory(part)
        mark = file_mark(directory, part.name)
        record = read_record(directory, part.name)
        if record is None or not record.is_of(task.split):
            return None
        if not holds(directory, part.name, record):
            self._report(f"{part.name} is not as it was written, and is made again.")
            return None
        self._remember(part, record, mark)
        return record

    def verify(self) -> None:
        """Raise IncompleteRunError for a part that is not there, not as it was written, or not this run's."""
        self._refuse_others()
        for part, (record, mark) in self._finished.items():
            directory = self._directory(part)
            # a file that nobody wrote to since holds what it held
            if file_mark(directory, part.name) != mark and not holds(directory, part.name, record):
                raise IncompleteRunError(
                    f"{part.name} is not as its task has written it: something has removed or changed it in "
                    f"{part.parent}. Nothing was published. Run again."
                )

    def _refuse_others(self) -> None:
        # a place that isn't durable may hold the parts of other steps
        for path, directory in self._open.items() if self.durable else ():
            for name in filter(PART_NAME.fullmatch, directory.names()):
                if path / name not in self._finished:
                    raise IncompleteRunError(
                        f"{path / name} is no part of this run: something else has put it there. "
                        "Nothing was published. Remove it, then run again."
                    )

    def _remember(self, part: Path, record: PartRecord, mark: tuple[int, ...]) -> None:
        # without the counts: there may be very many parts
        self._finished[part] = PartRecord(record.size, record.digest), mark

    def close(self) -> None:
        """Close the directories that parts are in."""
        for directory in self._open.values():
            directory.close()
        self._open.clear()

    def _directory(self, part: Path) -> OwnDirectory:
        found = self._open.get(part.parent)
        if found is None:
            part.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = self._open[part.parent] = OwnDirectory(part.parent, self._files)
        return found


def in_order(parts: Iterable[Path]) -> list[Path]:
    """Return the parts of one directory in the order of their tasks: part-100000 comes behind part-99999."""
    return sorted(parts, key=lambda part: (len(part.name), part.name))


def record_name(part: str) -> str:
    """Return the name of the file that holds a durable part's record."""
    return f".{part}.tally"


def read_record(directory: OwnDirectory, part: str) -> PartRecord | None:
    """Return the record beside a part; None when it's missing or not as it was written."""
    with suppress(OSError):
        text, _, digest = directory.read(record_name(part)).rpartition(b"\n")
        if hashlib.sha256(text).hexdigest().encode() == digest:
            return PartRecord(**json.loads(text))
    return None


def _sealed(record: PartRecord) -> bytes:
    """Return the text of a record's file; its second line is the first one's digest."""
    text = json.dumps(record.as_dict()).encode()
    return text + b"\n" + hashlib.sha256(text).hexdigest().encode()


def holds(directory: OwnDirectory, part: str, record: PartRecord) -> bool:
    """Return whether a part holds what its record says."""
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


def file_mark(directory: OwnDirectory, name: str) -> tuple[int, ...]:
    """Return what is another after each change of a file: inode, size, times of data and inode."""
    with suppress(OSError):
        info = os.stat(name, dir_fd=directory.descriptor, follow_symlinks=False)
        return info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns
    return ()


def _read(split: Split) -> tuple[Any, ...]:
    return split.path, split.start, split.length, *split.state[_AFTER_DEVICE]
