"""What a run on one machine does, whichever of mrjob's two local runners it is."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from model_mapreduce_job.driver.run_spec import RunSpec
from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.models.content_digest import digest_of
from model_mapreduce_job.plan.tasks import ExpectedTasks, InputSize
from model_mapreduce_job.printable import counted
from model_mapreduce_job.runners.local.engine import LocalEngine
from model_mapreduce_job.runners.local.progress import make_progress
from model_mapreduce_job.storage.compression import decompressed, is_compressed, whole_or_error
from model_mapreduce_job.storage.file_operations import OS_FILES
from model_mapreduce_job.storage.inputs import STDIN
from model_mapreduce_job.storage.output_directory import OutputDirectory, output_path, write_to_stderr
from model_mapreduce_job.storage.parts import Parts
from model_mapreduce_job.storage.sources import CHUNK_BYTES, as_source, chunks
from model_mapreduce_job.storage.splits import MapTask, together
from model_mapreduce_job.task.delimited_options import text_reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from model_mapreduce_job.formats.lines import Source
    from model_mapreduce_job.pipeline.task_report import TaskReport
    from model_mapreduce_job.plan.tasks import Piece
    from model_mapreduce_job.storage.file_operations import FileOperations
    from model_mapreduce_job.storage.splits import Split
    from model_mapreduce_job.task.messages import ModelFacts
    from model_mapreduce_job.task.model_process import ModelProcess


class MapStep(msgspec.Struct, frozen=True):
    """How a runner runs the map tasks of a step, on at most this many workers.

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


class LocalRun(msgspec.Struct):
    """The state of one run: its specification, its output, and its parts."""

    spec: RunSpec = msgspec.field(default_factory=RunSpec)
    models: dict[str, ModelFacts] = msgspec.field(default_factory=dict)
    output: OutputDirectory | None = None
    parts: Parts | None = None
    files: FileOperations = OS_FILES
    paths: list[str] = msgspec.field(default_factory=list)
    input_digest: str = ""
    engine: LocalEngine | None = None

    def prepare(self, output_dir: str | None, paths: list[str], mrjob_identity: dict[str, str]) -> str | None:
        """Make ready to write aside and return where; the output appears as output_dir when it's published.

        mrjob_identity has mrjob's options that the output depends on. Raises InputError.
        """
        if output_dir is None:
            self._refuse_to_resume_nothing()
            return None
        if self.spec.options.resume:
            _check_resumable(paths)
        self.paths, self.input_digest = paths, _input_digest(paths)
        identity = {**self.spec.identity(), **mrjob_identity, "input": self.input_digest}
        self.output = OutputDirectory(output_path(output_dir), identity, self.files)
        self.output.prepare(resume=self.spec.options.resume)
        return str(self.output.staging)

    def _refuse_to_resume_nothing(self) -> None:
        if self.spec.options.resume:
            raise InputError(
                "--resume goes on with the parts of an --output-dir. Name the one of the stopped run."
            )

    def check_output(self, output_dir: str | None) -> None:
        """Raise InputError for an output that a run could not make; makes nothing."""
        if output_dir is None:
            self._refuse_to_resume_nothing()
            return
        OutputDirectory(output_path(output_dir), {}, self.files).check(resume=self.spec.options.resume)

    def expected_tasks(
        self, splits: Sequence[Split], files: Sequence[InputSize], workers: int
    ) -> ExpectedTasks:
        """Return the tasks of splits of files on workers, each of which keeps its model."""
        known = {os.path.abspath(file.path): file for file in files}  # noqa: PTH100 - text
        whole = not text_reading(self.spec.options.task).splits_at_lines
        tasks = [
            [_piece(split, known, whole=whole) for split in of_task] for of_task in together(splits, workers)
        ]
        isolated = self.spec.options.task.isolate == "always"
        return ExpectedTasks(tasks, len(tasks) if isolated else min(workers, len(tasks)))

    def publish(self) -> str | None:
        """Make the output appear under its name and return that; None when there's none to appear.

        Raises IncompleteRunError for a part that is not as it was written.
        """
        self.verify()
        return str(self.output.publish()) if self.output else None

    def verify(self) -> None:
        """Raise IncompleteRunError for a part that is not there any more, or not as it was written."""
        if self.parts:
            self.parts.verify()

    def stop(self) -> str:
        """Remove what is not finished, when a run ends before its time; return what to report of it."""
        kept = self.output.abandon() if self.output else 0
        if self.output and self.output.published:
            return f"The output {self.output.published} is complete."
        if not kept:
            return ""
        parts = f"Kept: {counted(kept, 'finished part')}"
        if self._input_has_changed():
            return f"{parts}, of the input as it was. Start over without --resume."
        return f"{parts}. The same command with --resume goes on."

    def _input_has_changed(self) -> bool:
        try:
            return _input_digest(self.paths) != self.input_digest
        except OSError:
            return True

    def abandon(self) -> None:
        """Let go of the output directory and the workers; what is finished and not published stays."""
        if self.output:
            self.output.abandon()
        if self.parts:
            self.parts.close()
        if self.engine:
            self.engine.end()

    def run_mappers(self, step: MapStep, splits: list[Split], stdin: Any) -> tuple[TaskReport, int]:
        """Run the map tasks of splits; return what they report and how many there were."""
        total = sum(split.length for split in splits)
        self.parts = Parts(
            step.part_path,
            durable=self.output is not None and step.resumable,
            files=self.files,
            report=write_to_stderr,
        )
        self.engine = engine = LocalEngine(
            start_worker=step.start_worker,
            environment=step.environment,
            parts=self.parts,
            progress=make_progress(sys.__stderr__ or sys.stderr, total, quiet=self.spec.options.quiet),
            workers=step.workers,
            fail_fast=not self.spec.options.task.no_fail_fast,
            idle=list(step.idle),
        )
        tasks = engine.run(self._tasks(together(splits, step.workers), stdin))
        self.verify()
        self.models = engine.models
        return engine.report.built(), tasks

    def _tasks(self, splits_of_tasks: Iterable[tuple[Split, ...]], stdin: Any) -> Iterator[MapTask]:
        numbers = count()
        for splits in splits_of_tasks:
            if not splits[0].streamed:
                yield MapTask(next(numbers), splits)
                continue
            path = splits[0].path
            with whole_or_error(path), _open_stream(path, stdin) as stream:
                for data in self._chunks(stream, is_utf_8=path == STDIN):
                    yield MapTask(next(numbers), splits, data)

    def _chunks(self, stream: Source, *, is_utf_8: bool) -> Iterator[bytes]:
        """Return a stream's text in UTF-8 in chunks of whole rows; standard input was transcoded before."""
        reading = text_reading(self.spec.options.task)
        source = stream if is_utf_8 else reading.in_utf_8(stream)
        if reading.delimiter_of_long_rows is None:
            return chunks(source, reading.max_record_bytes)
        return reading.chunks(source, CHUNK_BYTES)


def _piece(split: Split, files: Mapping[str, InputSize], *, whole: bool) -> Piece:
    # a file that has no name of its own is known by another
    file = files.get(split.path) or InputSize(split.path, split.length, float(split.length))
    return file.piece(split.length, is_cut=not (whole or is_compressed(split.path)))


@contextmanager
def _open_stream(path: str, stdin: Any) -> Iterator[Source]:
    if path == STDIN:
        yield as_source(stdin)  # it isn't this run's to close
        return
    with open(path, "rb") as file:  # noqa: PTH123 - paths are mrjob's, text
        yield decompressed(path, file)


def _check_resumable(paths: list[str]) -> None:
    stream = next((path for path in paths if path == STDIN or not Path(path).is_file()), None)
    if stream:
        name = "standard input" if stream == STDIN else f"{stream}, which is no file"
        raise InputError(f"--resume can't go on with {name}. Give the input as files.")


def _input_digest(paths: list[str]) -> str:
    return digest_of(list(map(_file_identity, paths)), follow=False)


def _file_identity(path: str) -> list[Any]:
    if path == STDIN:
        return [path]
    info = os.stat(path)  # noqa: PTH116 - paths are mrjob's, text
    # without the device, which is another after some restarts of a machine
    return [os.path.abspath(path), info.st_ino, info.st_size, info.st_mtime_ns]  # noqa: PTH100 - text
