"""A worker: the process that runs map tasks for the local engine, one after the other."""

from __future__ import annotations

import os
from time import monotonic
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.lines import read_blocks
from model_mapreduce_job.runners.files import DISK, write_all
from model_mapreduce_job.runners.sources import open_source
from model_mapreduce_job.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable

    from model_mapreduce_job.messages import Run
    from model_mapreduce_job.runners.files import Files
    from model_mapreduce_job.runners.sources import RangeSource, StreamSource
    from model_mapreduce_job.task import Prediction

_REPORT_SECONDS = 0.2


class Worker:
    """Runs map tasks. make_task makes the prediction for an attempt's number; one is kept for first attempts.

    report is given, a few times a second, how many of the task's bytes were read and what was counted.
    """

    def __init__(
        self,
        make_task: Callable[[int], Prediction],
        max_record_bytes: int,
        report: Callable[[int, Tally], None],
        files: Files = DISK,
    ) -> None:
        self._make_task = make_task
        self._max_record_bytes = max_record_bytes
        self._report = report
        self._files = files
        self._kept: Prediction | None = None

    def run(self, request: Run, data: bytes) -> dict[str, Any]:
        """Run one attempt and return its tally as a dict; its output is whole, and synced if asked for.

        Raises ModelMapReduceError, and whatever else the attempt raises.
        """
        os.environ.update(request.environment)
        prediction = self._prediction(request.attempt)
        with open_source(request.split, data) as source:
            self._write(prediction, source, request.output, durable=request.durable)
        return prediction.tally.as_dict()

    def load(self) -> None:
        """Load the model, which the first attempts will be predicted with."""
        if self._kept is None:
            self._kept = self._make_task(0)

    def _prediction(self, attempt: int) -> Prediction:
        if attempt:
            return self._make_task(attempt)
        if self._kept is None:
            self.load()
            assert self._kept is not None  # noqa: S101 - it was just loaded
        else:
            # what loading took was counted by the first task
            self._kept.tally = Tally(load_ns=0 if self._kept.tally.lines else self._kept.tally.load_ns)
        return self._kept

    def _write(
        self, prediction: Prediction, source: RangeSource | StreamSource, output: str, *, durable: bool
    ) -> None:
        reported = monotonic()
        part = _Part(output, self._files)
        try:
            for lines in prediction.predict_lines(read_blocks(source, self._max_record_bytes)):
                part.write(lines)
                if monotonic() - reported > _REPORT_SECONDS:
                    reported = monotonic()
                    self._report(source.done(), prediction.tally)
            if durable:
                part.sync()
        finally:
            part.close()


class _Part:
    """The file that an attempt writes to. Raises InputError for what the disk refuses."""

    def __init__(self, path: str, files: Files) -> None:
        self._path = path
        self._files = files
        try:
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        except OSError as error:
            raise self._refused(error) from error

    def write(self, lines: list[bytes]) -> None:
        if not lines:
            return
        try:
            write_all(self._files, self._descriptor, b"\n".join(lines) + b"\n")
        except OSError as error:
            raise self._refused(error) from error

    def sync(self) -> None:
        try:
            self._files.sync(self._descriptor)
        except OSError as error:
            raise self._refused(error) from error

    def close(self) -> None:
        os.close(self._descriptor)

    def _refused(self, error: OSError) -> InputError:
        # a full disk or a missing permission is no better at the next try
        return InputError(f"The output can't be written: {error.strerror or error}: {self._path}.")
