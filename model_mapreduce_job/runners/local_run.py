"""What a run on one machine does, whichever of mrjob's two local runners it is."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.runners.inputs import STDIN, local_path
from model_mapreduce_job.runners.local_engine import LocalEngine
from model_mapreduce_job.runners.map_task import MapTask
from model_mapreduce_job.runners.output_directory import OutputDirectory
from model_mapreduce_job.runners.parts import Parts
from model_mapreduce_job.runners.progress import make_progress
from model_mapreduce_job.runners.streams import as_source, chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from model_mapreduce_job.runners.splits import Split
    from model_mapreduce_job.runners.worker_process import WorkerProcess
    from model_mapreduce_job.tally import Tally

_LOCK = ".model-mapreduce-job.lock"
PACKAGE_PARENT = str(Path(__file__).resolve().parent.parent.parent)


@dataclass(frozen=True)
class RunPlan:
    """What the job tells its runner: which steps' mappers predict, and the options that are the driver's.

    identity says what the output depends on, beside the input.
    """

    predicted_steps: frozenset[int] = frozenset()
    identity: dict[str, Any] = field(default_factory=dict)
    max_record_bytes: int = 0
    resume: bool = False
    quiet: bool = False


@dataclass
class LocalRun:
    """The state of one run: its splits, its output and what its tasks counted."""

    plan: RunPlan = field(default_factory=RunPlan)
    examples: dict[str, str] = field(default_factory=dict)
    output: OutputDirectory | None = None
    published: bool = False
    _logs: Iterator[int] = field(default_factory=count)

    def prepare(self, output_dir: str | None, paths: list[str]) -> str | None:
        """Make ready to write aside and return where; the output appears as output_dir when it's published."""
        if output_dir is None:
            if self.plan.resume:
                raise InputError("--resume goes on with the parts of an --output-dir. Name the one of the stopped run.")
            return None
        if self.plan.resume and STDIN in paths:
            raise InputError("--resume can't go on with standard input. Give the input as files.")
        final = Path(local_path(output_dir)).absolute()
        self.output = OutputDirectory(final, {**self.plan.identity, "input": list(map(_file_identity, paths))})
        self.output.prepare(resume=self.plan.resume)
        return str(self.output.staging)

    def publish(self) -> str | None:
        """Make the output appear under its name and return that; None when there's none to appear."""
        self.published = True
        return str(self.output.publish()) if self.output else None

    def abandon(self, *, keep_parts: bool) -> int:
        """Remove what was written aside, but for finished parts if asked; return how many are kept."""
        return self.output.abandon(keep_parts=keep_parts) if self.output and not self.published else 0

    def run_mappers(
        self,
        splits: list[Split],
        stdin: Any,
        part_path: Callable[[int], Path],
        start_worker: Callable[[list[WorkerProcess]], WorkerProcess],
        environment: Callable[[MapTask, int], dict[str, str]],
        workers: int,
    ) -> tuple[Tally, int]:
        """Run the map tasks of splits; return what they counted and how many there were."""
        total = sum(split.length for split in splits)
        engine = LocalEngine(
            start_worker=start_worker,
            environment=environment,
            parts=Parts(part_path, durable=self.output is not None),
            progress=make_progress(sys.__stderr__ or sys.stderr, total, quiet=self.plan.quiet),
            workers=workers,
        )
        tasks = engine.run(self._tasks(splits, stdin))
        self.examples = engine.tally.examples
        return engine.tally, tasks

    def _tasks(self, splits: Iterable[Split], stdin: Any) -> Iterator[MapTask]:
        numbers = count()
        for split in splits:
            if not split.streamed:
                yield MapTask(next(numbers), split)
                continue
            with _open_stream(split.path, stdin) as stream:
                for data in chunks(stream, self.plan.max_record_bytes):
                    yield MapTask(next(numbers), split, data)


def make_private_directory(parent: str | None, name: str) -> Path:
    """Make a temporary directory that only this user sees, after removing those that killed runs left."""
    root = Path(parent or tempfile.gettempdir())
    _remove_abandoned(root)
    path = root / name
    path.mkdir(mode=0o700, parents=True)
    descriptor = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)  # held until this process ends, however it ends
    return path


def absolute_paths(paths: Iterable[str]) -> list[str]:
    """Return import paths that hold in any working directory, with this package's own first."""
    return list(dict.fromkeys([PACKAGE_PARENT, *map(os.path.abspath, paths)]))


def _remove_abandoned(root: Path) -> None:
    for lock in root.glob(f"*/{_LOCK}"):
        with suppress(OSError):
            if lock.stat().st_uid != os.getuid():
                continue
            descriptor = os.open(lock, os.O_RDWR)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent, ignore_errors=True)
            finally:
                os.close(descriptor)


def _open_stream(path: str, stdin: Any) -> Any:
    if path == STDIN:
        return _Unclosed(as_source(stdin))
    return open(path, "rb")  # noqa: PTH123, SIM115 - the caller closes it; paths are mrjob's, text


class _Unclosed:
    """Standard input in a with statement: it isn't this run's to close."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __enter__(self) -> Any:
        return self._stream

    def __exit__(self, *_: object) -> None:
        pass


def _file_identity(path: str) -> list[Any]:
    if path == STDIN:
        return [path]
    info = os.stat(path)  # noqa: PTH116 - paths are mrjob's, text
    return [path, info.st_size, info.st_mtime_ns]
