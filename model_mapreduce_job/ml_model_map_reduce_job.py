"""The job, and the script that people run: wires the core to mrjob."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # Python put this file's own directory first; the package is the directory above it
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import codecs
import json
import logging
import os
from functools import cached_property
from time import monotonic
from typing import TYPE_CHECKING, Any, NoReturn

from mrjob.job import MRJob
from mrjob.protocol import JSONProtocol, JSONValueProtocol
from mrjob.step import StepFailedException

from model_mapreduce_job.exceptions import IncompleteRunError, InputError, ModelMapReduceError
from model_mapreduce_job.lines import blocks_of, read_blocks
from model_mapreduce_job.options import OPTIONS
from model_mapreduce_job.run_summary import RunSummary
from model_mapreduce_job.runners import runner_class
from model_mapreduce_job.runners.local_run import RunPlan
from model_mapreduce_job.runners.signals import signals_as_exit
from model_mapreduce_job.runners.worker import WORKER_VARIABLE, serve
from model_mapreduce_job.task import attempt_number, load_manager, make_task

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from model_mapreduce_job.lines import Block
    from model_mapreduce_job.task import Prediction

log = logging.getLogger(__name__)

PACKAGE_DIRECTORY = Path(__file__).resolve().parent


class MLModelMapReduceJob(MRJob):
    """Predicts every line of its input with a model.

    A subclass that adds a reducer gets (data, prediction) pairs.
    """

    INPUT_PROTOCOL = JSONValueProtocol
    OUTPUT_PROTOCOL = JSONProtocol

    def configure_args(self) -> None:
        """Add the job's options to mrjob's."""
        super().configure_args()
        self.arg_parser.error = _raise_input_error
        for option in OPTIONS:
            add = self.add_passthru_arg if option.passed_on else self.arg_parser.add_argument
            add(*option.spellings, dest=option.name, **option.arguments)

    def mapper(self, _: None, data: Any) -> Iterator[tuple[Any, Any]]:
        """Yield a record and its prediction, None when it fails; map_pairs does the same by the batch."""
        read = JSONProtocol().read
        for lines in self._task.predict_lines([[json.dumps(data).encode()]]):
            yield from map(read, lines)

    def map_pairs(self, pairs: Iterable[tuple[Any, Any]], step_num: int = 0) -> Iterator[tuple[Any, Any]]:
        """Yield an output line, as (None, line), for each input line that holds a record."""
        if not self._predicts(step_num):
            yield from super().map_pairs(pairs, step_num)
            return
        blocks = blocks_of((line for _, line in pairs), self.options.max_record_bytes)
        for lines in self._task.predict_lines(blocks):
            yield from ((None, line) for line in lines)
        self._send_counters()

    def run_mapper(self, step_num: int = 0) -> None:
        """Predict standard input, or the files named, into standard output, by the block."""
        if not self._predicts(step_num):
            super().run_mapper(step_num)
            return
        if WORKER_VARIABLE in os.environ:
            serve(self._make_task, self.options.max_record_bytes)
            return
        for blocks in self._sources():
            for lines in self._task.predict_lines(blocks):
                if lines:
                    self.stdout.write(b"\n".join(lines) + b"\n")
        self.stdout.flush()
        self._send_counters()

    def pick_protocols(self, step_num: int, step_type: str) -> tuple[Any, Any]:
        """Return the functions that read and write a step's lines: where it predicts, lines stay lines."""
        if step_type == "mapper" and self._predicts(step_num):
            return _read_line, _write_line
        return super().pick_protocols(step_num, step_type)

    def load_args(self, args: list[str] | None) -> None:
        """Read the command line; raises InputError when it names no model."""
        super().load_args(args)
        if self.options.model_qualified_name is None and not self.options.help_main:
            names = ", ".join(str(model["qualified_name"]) for model in load_manager().get_models())
            raise InputError(f"Which model? Name it with --model_qualified_name. There is: {names}.")

    def run_job(self) -> None:
        """Run the job on the runner that was chosen, prove that it is complete, and only then give its output.

        Raises ModelMapReduceError.
        """
        load_manager().check_name(self.options.model_qualified_name)
        self._set_up_logs()
        started = monotonic()
        with signals_as_exit(), self.make_runner() as runner:
            try:
                runner.run()
            except StepFailedException as error:
                raise IncompleteRunError(f"The run failed: {error}") from error
            self._finish(runner, monotonic() - started)

    def make_runner(self) -> Any:
        """Return the runner that was chosen, and tell it what it needs to know of this job."""
        runner = super().make_runner()
        if hasattr(runner, "local_run"):
            runner.local_run.plan = self._plan()
        return runner

    def _runner_class(self) -> Any:
        return runner_class(self.options.runner or "inline")

    def _plan(self) -> RunPlan:
        names = [option.name for option in OPTIONS if option.passed_on]
        return RunPlan(
            predicted_steps=frozenset(filter(self._predicts, range(len(self.steps())))),
            identity={name: getattr(self.options, name) for name in names},
            max_record_bytes=self.options.max_record_bytes,
            resume=self.options.resume,
            quiet=bool(self.options.quiet),
        )

    def _finish(self, runner: Any, seconds: float) -> None:
        """Tell what the run amounts to; publish and print its output only when that is proven whole."""
        examples = runner.local_run.examples if hasattr(runner, "local_run") else {}
        summary = RunSummary.of((runner.counters() or [{}])[0], seconds, examples)
        self._tell(summary)
        summary.check(self.options.max_error_rate)
        if hasattr(runner, "publish"):
            runner.publish()
        if self._should_cat_output():
            for chunk in runner.cat_output():
                self.stdout.write(chunk)
            self.stdout.flush()

    @classmethod
    def mr_job_script(cls) -> str | None:
        """Return the script that tasks run: this job's own, or the file that a subclass is in."""
        script = super().mr_job_script()
        if script and Path(script).resolve() == Path(__file__).resolve():
            return str(PACKAGE_DIRECTORY / "shipped_script.py")
        return str(script) if script else None

    def dirs(self) -> list[str]:
        """Return the directories that go to the tasks: this package."""
        if self.options.runner in {None, "inline", "local"}:
            return list(super().dirs())  # tasks on this machine find it where it is
        return [*super().dirs(), f"{PACKAGE_DIRECTORY}#model_mapreduce_job"]

    @classmethod
    def run(cls) -> None:
        """Run what the command line asks for; a mistake ends with one line, --verbose gives its traceback."""
        try:
            super().run()
        except ModelMapReduceError as error:
            if "--verbose" in sys.argv or "-v" in sys.argv:
                raise
            sys.stderr.write(f"{error}\n")
            sys.exit(error.exit_code)

    @cached_property
    def _task(self) -> Prediction:
        return self._make_task(attempt_number())

    def _make_task(self, attempt: int) -> Prediction:
        last_step = len(self.steps()) == 1 and "reducer" not in self.steps()[0].description(0)
        return make_task(self.options, None if last_step else "json", attempt)

    def _predicts(self, step_num: int) -> bool:
        """Return whether a step's mapper is the one that predicts."""
        mapper = self.steps()[step_num]["mapper"]
        return getattr(mapper, "__func__", None) is MLModelMapReduceJob.mapper

    def _sources(self) -> Iterator[Iterator[Block]]:
        limit = self.options.max_record_bytes
        if not self.options.args:
            yield read_blocks(self.stdin, limit)
        for path in self.options.args:
            with open(path, "rb") as file:
                yield read_blocks(file, limit)

    def _send_counters(self) -> None:
        tally = self._task.tally
        for group, name, amount in tally.counters():
            self.increment_counter(group, name, amount)
        if self.options.fingerprint:
            for group, name, amount in tally.fingerprint_counters():
                self.increment_counter(group, name, amount)

    def _set_up_logs(self) -> None:
        stream = codecs.getwriter("utf_8")(self.stderr)
        self.set_up_logging(quiet=self.options.quiet, verbose=self.options.verbose, stream=stream)

    def _tell(self, summary: RunSummary) -> None:
        if not self.options.quiet:
            self.stderr.write(f"{summary.table()}\n".encode())
        if self.options.summary_file:
            Path(self.options.summary_file).write_text(json.dumps(summary.as_json(), indent=2) + "\n")


def _read_line(line: bytes) -> tuple[None, bytes]:
    return None, line


def _write_line(_key: None, line: bytes) -> bytes:
    return line


def _raise_input_error(message: str) -> NoReturn:
    raise InputError(f"{message}. --help lists the options.")


if __name__ == "__main__":
    from model_mapreduce_job.__main__ import main

    main()
