"""What a run on one machine does, whichever of mrjob's two local runners it is."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.messages import Begin, ModelFacts
from model_mapreduce_job.runners.compression import whole_or_error
from model_mapreduce_job.runners.files import DISK
from model_mapreduce_job.runners.inputs import STDIN, local_path
from model_mapreduce_job.runners.local_engine import LocalEngine
from model_mapreduce_job.runners.map_task import MapTask
from model_mapreduce_job.runners.output_directory import OutputDirectory
from model_mapreduce_job.runners.parts import Parts
from model_mapreduce_job.runners.progress import make_progress
from model_mapreduce_job.runners.streams import as_source, chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from model_mapreduce_job.first_worker import FirstWorker
    from model_mapreduce_job.lines import Source
    from model_mapreduce_job.model_process import ModelProcess
    from model_mapreduce_job.runners.files import Files
    from model_mapreduce_job.runners.splits import Split
    from model_mapreduce_job.tally import Tally


@dataclass(frozen=True)
class RunPlan:
    """What the job tells its runner: which steps' mappers predict, and the options that are the driver's.

    identity returns what the output depends on, beside the input and mrjob's own options. begin is what a
    worker is sent first; show is called with each line that a model's code writes; first_worker is there
    already, for a runner that starts its workers with nothing else than the driver has.
    """

    predicted_steps: frozenset[int] = frozenset()
    identity: Callable[[], dict[str, Any]] = dict
    max_record_bytes: int = 0
    resume: bool = False
    quiet: bool = False
    begin: Begin = field(default_factory=lambda: Begin({}))
    show: Callable[[bytes], None] | None = None
    first_worker: FirstWorker | None = None


@dataclass(frozen=True)
class MapStep:
    """How a runner runs the map tasks of a step, on at most so many workers.

    part_path gives the place of a task's output, start_worker starts a worker, environment gives an
    attempt's. resumable says whether the output is the run's own, made of its input alone: then a later run
    can go on with finished parts. idle has the workers that are there already.
    """

    part_path: Callable[[int], Path]
    start_worker: Callable[[], ModelProcess]
    environment: Callable[[MapTask, int], dict[str, str]]
    workers: int
    resumable: bool
    idle: Sequence[ModelProcess] = ()


@dataclass
class LocalRun:
    """The state of one run: its plan, its output, and what its tasks counted."""

    plan: RunPlan = field(default_factory=RunPlan)
    examples: dict[str, str] = field(default_factory=dict)
    model: ModelFacts | None = None
    output: OutputDirectory | None = None
    files: Files = DISK

    def prepare(self, output_dir: str | None, paths: list[str], circumstances: dict[str, Any]) -> str | None:
        """Make ready to write aside and return where; the output appears as output_dir when it's published.

        circumstances is what of mrjob's options the output depends on. Raises InputError.
        """
        if output_dir is None:
            if self.plan.resume:
                raise InputError(
                    "--resume goes on with the parts of an --output-dir. Name the one of the stopped run."
                )
            return None
        if self.plan.resume:
            _check_resumable(paths)
        identity = {**self.plan.identity(), **circumstances, "input": list(map(_file_identity, paths))}
        self.output = OutputDirectory(Path(local_path(output_dir)).resolve(), identity, self.files)
        self.output.prepare(resume=self.plan.resume)
        return str(self.output.staging)

    def publish(self) -> str | None:
        """Make the output appear under its name and return that; None when there's none to appear."""
        return str(self.output.publish()) if self.output else None

    def stop(self) -> str:
        """Remove what is not finished, after a signal; return what to tell of it."""
        kept = self.output.abandon(keep_parts=True) if self.output else 0
        return f"{kept:,} finished parts are kept: the same command with --resume goes on." if kept else ""

    def abandon(self) -> None:
        """Remove what was written aside and not published."""
        if self.output:
            self.output.abandon(keep_parts=False)

    def run_mappers(self, step: MapStep, splits: list[Split], stdin: Any) -> tuple[Tally, int]:
        """Run the map tasks of splits; return what they counted and how many there were."""
        total = sum(split.length for split in splits)
        engine = LocalEngine(
            start_worker=step.start_worker,
            environment=step.environment,
            parts=Parts(step.part_path, durable=self.output is not None and step.resumable, files=self.files),
            progress=make_progress(sys.__stderr__ or sys.stderr, total, quiet=self.plan.quiet),
            workers=step.workers,
            idle=list(step.idle),
        )
        tasks = engine.run(self._tasks(splits, stdin))
        self.examples = engine.tally.examples
        self.model = engine.model
        return engine.tally, tasks

    def _tasks(self, splits: Iterable[Split], stdin: Any) -> Iterator[MapTask]:
        numbers = count()
        for split in splits:
            if not split.streamed:
                yield MapTask(next(numbers), split)
                continue
            with whole_or_error(split.path), _open_stream(split.path, stdin) as stream:
                for data in chunks(stream, self.plan.max_record_bytes):
                    yield MapTask(next(numbers), split, data)


def _open_stream(path: str, stdin: Any) -> AbstractContextManager[Source]:
    if path == STDIN:
        return nullcontext(as_source(stdin))  # it isn't this run's to close
    return open(path, "rb")  # noqa: PTH123 - paths are mrjob's, text


def _check_resumable(paths: list[str]) -> None:
    stream = next((path for path in paths if path == STDIN or not Path(path).is_file()), None)
    if stream:
        name = "standard input" if stream == STDIN else f"{stream}, which is no file"
        raise InputError(f"--resume can't go on with {name}. Give the input as files.")


def _file_identity(path: str) -> list[Any]:
    if path == STDIN:
        return [path]
    info = os.stat(path)  # noqa: PTH116 - paths are mrjob's, text
    return [os.path.abspath(path), info.st_size, info.st_mtime_ns]  # noqa: PTH100 - text
