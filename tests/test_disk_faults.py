"""A disk that fails at any one write, sync or rename: whole output or none, and a whole one next time."""

from __future__ import annotations

import errno
import os
import shutil
from dataclasses import dataclass, field
from itertools import count
from multiprocessing import Value
from typing import TYPE_CHECKING, Any

import pytest
from engine_runs import EngineRun
from local_jobs import numbered, output_of, write_records
from msgspec import structs

from model_mapreduce_job.exceptions import ModelMapReduceError
from model_mapreduce_job.storage.file_operations import OsFiles
from model_mapreduce_job.storage.splits import Split, split_files

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class FailingDisk:
    """Fails at one call of a kind, counted over all processes of a run; written bytes count as they come."""

    kind: str
    number: int
    error: int
    calls: Any = field(default_factory=lambda: Value("i", 0))

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        self._count("write")
        return OsFiles().write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        self._count("sync")
        OsFiles().sync(descriptor)

    def rename(self, directory: int, old: str, new: str) -> None:
        self._count("rename")
        OsFiles().rename(directory, old, new)

    @property
    def has_failed(self) -> bool:
        return bool(self.calls.value >= self.number)

    def _count(self, kind: str) -> None:
        if kind == self.kind:
            with self.calls:
                self.calls.value += 1
                if self.calls.value == self.number:
                    raise OSError(self.error, os.strerror(self.error))


@pytest.fixture
def splits(tmp_path: Path) -> list[Split]:
    path = write_records(tmp_path / "in", numbered(30))
    return split_files([str(path)], 1, 100)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO], ids=["ENOSPC", "EIO"])
@pytest.mark.parametrize("kind", ["write", "sync", "rename"])
def test_every_fault_of_a_small_run(tmp_path: Path, splits: list[Split], kind: str, error: int) -> None:
    """For every N, the Nth call of a kind fails; a run in which none does ends the series.

    Nothing that a failed run leaves has the output's name, and what it had finished is never made again.
    """
    files = {path.name for path in tmp_path.iterdir()} | {"log", ".out.unfinished"}
    wanted = [b'{"n": %d}\t{"n": %d}' % (n, n) for n in range(30)]
    for number in count(1):
        disk = FailingDisk(kind, number, error)
        run = EngineRun(tmp_path, workers=2, files=disk)
        try:
            run.run(splits)
        except (ModelMapReduceError, OSError) as failure:
            assert os.strerror(error) in str(failure)  # noqa: PT017 - a run without a fault is no failure
            assert {path.name for path in tmp_path.iterdir()} <= files
            before = inodes(tmp_path / ".out.unfinished")
            again = EngineRun(
                tmp_path,
                workers=2,
                spec=structs.replace(run.spec, options=structs.replace(run.spec.options, resume=True)),
            )
            again.run(splits)
            assert output_of(again.out).splitlines() == wanted
            assert before.items() <= inodes(again.out).items()
            shutil.rmtree(again.out)
        else:
            break
    assert not disk.has_failed
    assert number > len(splits)
    assert output_of(run.out).splitlines() == wanted


def inodes(directory: Path) -> dict[str, int]:
    """Return the files that parts are in."""
    return {path.name: path.stat().st_ino for path in directory.glob("part-*")}


def test_half_a_write_is_carried_on(tmp_path: Path, splits: list[Split]) -> None:
    """A disk may take less than it's given."""

    class TakesLittle(OsFiles):
        def write(self, descriptor: int, data: bytes | memoryview) -> int:
            return super().write(descriptor, data[:7])

    run = EngineRun(tmp_path, files=TakesLittle())
    run.run(splits)
    assert output_of(run.out).count(b"\n") == 30
