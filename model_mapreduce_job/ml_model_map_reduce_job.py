"""The job, and the script that people run: wires the core to mrjob."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # Python put this file's own directory first, unless it was asked not to; the package is above it
    sys.path[: not sys.flags.safe_path] = [str(Path(__file__).resolve().parent.parent)]
    from model_mapreduce_job.__main__ import main

    main()
    sys.exit()

import json
import os
import warnings
from argparse import SUPPRESS
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace
from yaml import YAMLError

from model_mapreduce_job.driver.start import prepare_process, stdlib_distutils

with warnings.catch_warnings(), stdlib_distutils():
    warnings.simplefilter("ignore")  # mrjob imports what Python calls deprecated
    from mrjob.job import MRJob
    from mrjob.protocol import BytesValueProtocol, JSONProtocol, JSONValueProtocol

from model_mapreduce_job.driver.runner_numbers import check_runner_numbers
from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.lines import blocks_of
from model_mapreduce_job.formats.records import one_line
from model_mapreduce_job.pipeline.model_warnings import ModelWarnings
from model_mapreduce_job.pipeline.several_counters import groups_of
from model_mapreduce_job.runners import as_runner, runner_class
from model_mapreduce_job.task.delimited_options import text_reading
from model_mapreduce_job.task.job import has_further_steps
from model_mapreduce_job.task.messages import Begin
from model_mapreduce_job.task.mistakes import one_line_for_mistakes, raise_input_error
from model_mapreduce_job.task.options import OPTIONS, texts_in_utf_8
from model_mapreduce_job.task.run_options import RunOptions, inputs_of
from model_mapreduce_job.task.signals import signals_as_exit
from model_mapreduce_job.task.task_options import TaskOptions
from model_mapreduce_job.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from model_mapreduce_job.driver.run_spec import RunSpec
    from model_mapreduce_job.driver.runner import Runner
    from model_mapreduce_job.pipeline.task_report import TaskReport
    from model_mapreduce_job.storage.java_server import JavaServer
    from model_mapreduce_job.task.first_worker import FirstWorker
    from model_mapreduce_job.task.model_process import EarlyStart
    from model_mapreduce_job.task.task_pipeline import TaskPipeline

SHIPPED_SCRIPT = "shipped_script.py"
PACKAGE_DIRECTORY = Path(__file__).resolve().parent


class MLModelMapReduceJob(MRJob):
    """Predicts every line of its input with a model.

    A subclass that adds a reducer gets (data, prediction) pairs.
    """

    INPUT_PROTOCOL = JSONValueProtocol
    OUTPUT_PROTOCOL = JSONProtocol
    early: EarlyStart | None = None
    hadoop: JavaServer | None = None
    advance: Any = None

    def configure_args(self) -> None:
        """Add the job's options to mrjob's."""
        super().configure_args()
        self.arg_parser.error = raise_input_error
        for option in OPTIONS:
            option.add_to(self.arg_parser)
        version = f"model_mapreduce_job {__version__}"
        self.arg_parser.add_argument(
            "--version", action="version", version=version, help="show the version and exit"
        )
        self.arg_parser.add_argument("--options_file", help=SUPPRESS)  # a task's way to all of these

    def _usage(self) -> str:
        own = (self.mr_job_script() or "").endswith(SHIPPED_SCRIPT)
        return f"{'model-mapreduce-job' if own else '%(prog)s'} [options] [input files]"

    def _print_help(self, options: Any) -> None:
        if options.runner:
            super()._print_help(options)
            return
        from model_mapreduce_job.driver.help import help_text  # noqa: PLC0415 - no run needs it

        chosen = {"include_deprecated": options.deprecated, "include_steps": options.verbose}
        actions = self.arg_parser._actions  # noqa: SLF001 - argparse has no public name for them
        sys.stdout.write(help_text(self._usage(), actions, **chosen))

    def load_args(self, args: list[str]) -> None:
        """Read the command line; everything after `--` is the name of an input."""
        end = args.index("--") if "--" in args else len(args)
        super().load_args(args[:end])
        self.options.args = inputs_of(vars(self.options), args[end + 1 :])
        for name, text in texts_in_utf_8(vars(self.options)).items():
            setattr(self.options, name, text)
        check_runner_numbers(vars(self.options))
        self.run_options = self._read_options()
        for name in ("model_qualified_name", "model_file"):
            given = getattr(self.options, name)
            if isinstance(given, list) and len(given) == 1:  # as a subclass expects it
                setattr(self.options, name, given[0])

    def _read_options(self) -> RunOptions:
        """Return the command line's options; a task's are in a file that it names."""
        given, named = vars(self.options), self.options.options_file
        if not named:
            return RunOptions.of(given, TaskOptions.of(given))
        task = TaskOptions.read(named)
        for name, value in task.as_dict().items():
            setattr(self.options, name, value)  # for a subclass, which looks there for any option
        return RunOptions.of(given, task)

    def mapper(self, _: None, data: Any) -> Iterator[tuple[Any, Any]]:
        """Yield a record and its prediction, None when it fails; map_pairs does the same by the batch."""
        read = JSONProtocol().read
        for lines in self._task.predict_lines([[json.dumps(data).encode()]]):
            yield from map(read, lines)

    def map_pairs(self, pairs: Iterable[tuple[Any, Any]], step_num: int = 0) -> Iterator[tuple[Any, Any]]:
        """Yield an output line, as (None, line), for each input line that holds a record."""
        if not self.predicts(step_num):
            yield from super().map_pairs(pairs, step_num)
            return
        reading = text_reading(self.run_options.task)
        blocks = reading.utf_8_lines(blocks_of((line for _, line in pairs), reading.max_record_bytes))
        if (header := self._task.header()) is not None:
            yield None, header
        with ModelWarnings().kept() as warned:
            for lines in self._task.predict_lines(blocks):
                yield from ((None, line) for line in lines)
            warned.add_to(self._task.report)
        self.send_report(self._task.report.built())

    def run_mapper(self, step_num: int = 0) -> None:
        """Predict standard input, or the files named, into standard output, by the block."""
        if not self.predicts(step_num):
            super().run_mapper(step_num)
            return
        # the driver of a run has no use for what a task needs
        from model_mapreduce_job.formats.text_forms import whole_text  # noqa: PLC0415
        from model_mapreduce_job.task.main import counter_lines, exec_mapper  # noqa: PLC0415
        from model_mapreduce_job.task.task_pipes import line_blocks  # noqa: PLC0415 - as above

        if self.stdin is getattr(sys.stdin, "buffer", None):
            exec_mapper(self.begin(self.run_options.task).options, self.options.args)
        for blocks in line_blocks(self.options.args, self.stdin, text_reading(self.run_options.task)):
            for lines in self._task.predict_lines(blocks):
                self.stdout.write(whole_text(lines))
        self.stdout.flush()
        self.stderr.write(counter_lines(self._task.report.built()))
        self.stderr.flush()

    def pick_protocols(self, step_num: int, step_type: str) -> tuple[Any, Any]:
        """Return the functions that read and write a step's lines: where it predicts, lines stay lines."""
        if step_type == "mapper" and self.predicts(step_num):
            lines = BytesValueProtocol()
            return lines.read, lines.write
        read, write = super().pick_protocols(step_num, step_type)
        return read, write

    def run_job(self) -> None:
        """Run the whole job; raises ModelMapReduceError."""
        from model_mapreduce_job.driver.drive import drive  # noqa: PLC0415 - tasks have no use for it

        drive(self)

    def make_runner(self, spec: RunSpec | None = None) -> Runner:
        """Return the runner that was chosen, with what it needs to know of the run."""
        from model_mapreduce_job.driver.drive import spec_of  # noqa: PLC0415 - tasks have no use for it

        mrjobs = self.make_plain_runner()
        runner = as_runner(mrjobs)
        try:
            runner.prepare(spec or spec_of(self))
        except BaseException:  # a signal's as well
            mrjobs.cleanup(mode=["LOCAL_TMP"])  # nothing else was made
            raise
        return runner

    def make_plain_runner(self) -> Any:
        """Return the runner that was chosen, as mrjob makes it; raises InputError when it can't be made."""
        try:
            runner = super().make_runner()
        except ImportError as error:
            raise InputError(f"-r {self.options.runner} can't run here: {error}.") from error
        except (YAMLError, TypeError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise InputError(f"mrjob.conf, or a runner's option, is wrong: {reason}. Correct it.") from error
        check_runner_numbers(runner._opts, "mrjob.conf")  # noqa: SLF001 - mrjob has no other way to ask
        if self.hadoop and runner.alias in {"hadoop", "spark"}:
            runner.fs.hadoop.adopt(self.hadoop)
        runner.advance = self.advance
        return runner

    def import_runner(self) -> None:
        """Import the chosen runner, while the first worker starts; make_runner() raises what this can't."""
        with suppress(ImportError, InputError):
            self._runner_class()

    def _runner_class(self) -> Any:
        return runner_class(self.options.runner or "inline")

    @classmethod
    def mr_job_script(cls) -> str | None:
        """Return the script that tasks run: this job's own, or the file that a subclass is in."""
        script = super().mr_job_script()
        if script and Path(script).resolve() == Path(__file__).resolve():
            return str(PACKAGE_DIRECTORY / SHIPPED_SCRIPT)
        return str(script) if script else None

    def dirs(self) -> list[str]:
        """Return the directories that go to the tasks: this package."""
        own = [] if self.run_options.is_on_this_machine else [f"{PACKAGE_DIRECTORY}#model_mapreduce_job"]
        return [*super().dirs(), *own]  # tasks on this machine find the package where it is

    @classmethod
    def run(cls, early: EarlyStart | None = None, hadoop: JavaServer | None = None) -> None:
        """Run what the command line asks for; a mistake ends with one line, --verbose gives its traceback.

        early has processes that a run may go on with, hadoop one that a run on Hadoop may ask it by.
        """
        prepare_process()
        with one_line_for_mistakes() as mistakes, signals_as_exit():
            job = cls()
            job.early, job.hadoop = early, hadoop
            mistakes.tracebacks = bool(job.options.verbose)
            job.execute()

    def replace_stdin(self, stream: Any) -> None:
        """Read another stream in place of standard input."""
        self._stdin = stream

    def should_cat_output(self) -> bool:
        """Return whether the output goes to standard output."""
        return bool(self._should_cat_output())

    def predicts(self, step_num: int) -> bool:
        """Return whether a step's mapper is the one that predicts."""
        mapper = self.steps()[step_num]["mapper"]
        return getattr(mapper, "__func__", None) is MLModelMapReduceJob.mapper

    @cached_property
    def _task(self) -> TaskPipeline:
        from model_mapreduce_job.task.factory import TaskFactory  # noqa: PLC0415 - as above
        from model_mapreduce_job.task.node import attempt_number  # noqa: PLC0415 - as above

        return TaskFactory(self.begin(self.run_options.task)).make(attempt_number())

    def secrets(self) -> Iterable[str]:
        """Return the values of the command line that no log shows."""
        from model_mapreduce_job.driver.hidden_values import secrets_in  # noqa: PLC0415 - tasks have no use for it

        return secrets_in(vars(self.options))

    def begin(self, options: TaskOptions) -> Begin:
        """Return what a process that predicts for this job with these options is sent first."""
        # another step reads what the first one wrote
        return Begin(replace(options, output_protocol="json") if has_further_steps(self) else options)

    def first_worker(self) -> FirstWorker:
        """Return the process that is asked what the driver needs to know of the configuration."""
        return self._first_worker

    @cached_property
    def _first_worker(self) -> FirstWorker:
        from model_mapreduce_job.task.first_worker import ONE_THREAD, FirstWorker  # noqa: PLC0415 - tasks have no use for it

        threads = {} if "OMP_NUM_THREADS" in os.environ or self.options.runner != "local" else ONE_THREAD
        begin = replace(self.begin(self.run_options.task), environment=threads)
        return FirstWorker(begin, self.show, self.early.take() if self.early else ())

    @property
    def show(self) -> Callable[[bytes], None] | None:
        """What is called with each line that a model's code writes; None where none are shown."""
        return self._show if self.options.verbose else None

    def _show(self, line: bytes) -> None:
        self.stderr.write(one_line(line.decode(errors="backslashreplace")).encode() + b"\n")
        self.stderr.flush()

    def send_report(self, report: TaskReport) -> None:
        """Send what this task reports to the driver: its counters, where the runner takes no more."""
        for group, amounts in groups_of(report).items():
            for name, amount in amounts.items():
                self.increment_counter(group, name, amount)
