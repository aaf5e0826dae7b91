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

import argparse
import json
import os
import warnings
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

from yaml import YAMLError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # mrjob imports what Python calls deprecated
    from mrjob.job import MRJob
    from mrjob.protocol import JSONProtocol, JSONValueProtocol

from model_mapreduce_job.driver.runner_numbers import check_runner_numbers
from model_mapreduce_job.driver.start import prepare_process
from model_mapreduce_job.exceptions import InputError, ModelMapReduceError
from model_mapreduce_job.formats.lines import blocks_of
from model_mapreduce_job.formats.records import one_line as printable
from model_mapreduce_job.runners import runner_class
from model_mapreduce_job.runners.hadoop.task_environment import ship_options
from model_mapreduce_job.task.factory import ONE_THREAD, TaskFactory, attempt_number
from model_mapreduce_job.task.main import become_mapper, counter_lines, line_blocks
from model_mapreduce_job.task.messages import Begin
from model_mapreduce_job.task.mistakes import one_line_for_mistakes
from model_mapreduce_job.task.options import ON_THIS_MACHINE, OPTIONS, task_options
from model_mapreduce_job.task.task_options import TaskOptions
from model_mapreduce_job.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from model_mapreduce_job.formats.column_order import ColumnOrder
    from model_mapreduce_job.task.factory import Prediction
    from model_mapreduce_job.task.first_worker import FirstWorker

# Options whose text is compared with text, where the others are names of files.
_TEXTS = ("model_qualified_name", "columns", "key")
SHIPPED_SCRIPT = "shipped_script.py"
PACKAGE_DIRECTORY = Path(__file__).resolve().parent


class MLModelMapReduceJob(MRJob):
    """Predicts every line of its input with a model.

    A subclass that adds a reducer gets (data, prediction) pairs.
    """

    INPUT_PROTOCOL = JSONValueProtocol
    OUTPUT_PROTOCOL = JSONProtocol
    # the inputs whose columns stand in another order than the run's, as the driver finds them
    column_orders: Mapping[str, ColumnOrder] = MappingProxyType({})

    def configure_args(self) -> None:
        """Add the job's options to mrjob's."""
        super().configure_args()
        self.arg_parser.error = _raise_input_error
        for option in OPTIONS:
            self.arg_parser.add_argument(*option.spellings, dest=option.name, **option.arguments)
        version = f"model_mapreduce_job {__version__}"
        self.arg_parser.add_argument(
            "--version", action="version", version=version, help="show the version and exit"
        )
        self.arg_parser.add_argument("--options_file", help=argparse.SUPPRESS)  # a task's way to all of these

    def _usage(self) -> str:
        own = (self.mr_job_script() or "").endswith(SHIPPED_SCRIPT)
        return f"{'model-mapreduce-job' if own else '%(prog)s'} [options] [input files]"

    def load_args(self, args: list[str]) -> None:
        """Read the command line: whatever comes after `--` is the name of an input."""
        end = args.index("--") if "--" in args else len(args)
        super().load_args(args[:end])
        self.options.args += args[end + 1 :]
        for name in _TEXTS:
            setattr(self.options, name, _as_utf8(getattr(self.options, name)))
        check_runner_numbers(vars(self.options))
        if self.options.options_file:
            TaskOptions.read(self.options.options_file).put_into(self.options)

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
        blocks = blocks_of((line for _, line in pairs), self.options.max_record_bytes)
        for lines in self._task.predict_lines(blocks):
            yield from ((None, line) for line in lines)
        self._send_counters()

    def run_mapper(self, step_num: int = 0) -> None:
        """Predict standard input, or the files named, into standard output, by the block."""
        if not self.predicts(step_num):
            super().run_mapper(step_num)
            return
        if self.stdin is getattr(sys.stdin, "buffer", None):
            become_mapper(self.begin(), self.options.args)
        for blocks in line_blocks(self.options.args, self.stdin, self.options.max_record_bytes):
            for lines in self._task.predict_lines(blocks):
                if lines:
                    self.stdout.write(b"\n".join(lines) + b"\n")
        self.stdout.flush()
        self.stderr.write(counter_lines(self._task))
        self.stderr.flush()

    def pick_protocols(self, step_num: int, step_type: str) -> tuple[Any, Any]:
        """Return the functions that read and write a step's lines: where it predicts, lines stay lines."""
        if step_type == "mapper" and self.predicts(step_num):
            return _read_line, _write_line
        read, write = super().pick_protocols(step_num, step_type)
        return read, write

    def run_job(self) -> None:
        """Run the whole job; raises ModelMapReduceError."""
        from model_mapreduce_job.driver.drive import drive  # noqa: PLC0415 - tasks have no use for it

        drive(self)

    def make_runner(self) -> Any:
        """Return the runner that was chosen, and tell it what it needs to know of this job."""
        from model_mapreduce_job.driver.drive import plan_of  # noqa: PLC0415 - tasks have no use for it

        runner = self.make_plain_runner()
        ship_options(runner, TaskOptions.from_namespace(self.options))
        if hasattr(runner, "local_run"):
            runner.local_run.plan = plan_of(self)
        if hasattr(runner, "use_bundle"):
            try:
                runner.use_bundle(self.options.bundle)
            except ModelMapReduceError:
                runner.cleanup(mode=["LOCAL_TMP"])  # nothing else was made
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
        return runner

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
        if self.options.runner in ON_THIS_MACHINE:
            return list(super().dirs())  # tasks on this machine find it where it is
        return [*super().dirs(), f"{PACKAGE_DIRECTORY}#model_mapreduce_job"]

    @classmethod
    def run(cls) -> None:
        """Run what the command line asks for; a mistake ends with one line, --verbose gives its traceback."""
        prepare_process()
        with one_line_for_mistakes() as mistakes:
            job = cls()
            mistakes.tracebacks = bool(job.options.verbose)
            job.execute()

    def set_option(self, name: str, value: str) -> None:
        """Set an option that the driver found the value of, here and for the tasks."""
        setattr(self.options, name, value)

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
    def _task(self) -> Prediction:
        return TaskFactory(self.begin()).make(attempt_number())

    def begin(self) -> Begin:
        """Return what a process that predicts for this job is sent first."""
        last_step = len(self.steps()) == 1 and "reducer" not in self.steps()[0].description(0)
        return Begin(task_options(self.options), None if last_step else "json")

    def first_worker(self) -> FirstWorker:
        """Return the process that is asked what the driver needs to know of the configuration."""
        return self._first_worker

    @cached_property
    def _first_worker(self) -> FirstWorker:
        from model_mapreduce_job.task.first_worker import FirstWorker  # noqa: PLC0415 - tasks have no use for it

        threads = {} if "OMP_NUM_THREADS" in os.environ or self.options.runner != "local" else ONE_THREAD
        return FirstWorker(self.begin(), self.show, threads)

    @property
    def show(self) -> Callable[[bytes], None] | None:
        """What is called with each line that a model's code writes; None where none are shown."""
        return self._show if self.options.verbose else None

    def _show(self, line: bytes) -> None:
        self.stderr.write(printable(line.decode(errors="backslashreplace")).encode() + b"\n")
        self.stderr.flush()

    def _send_counters(self) -> None:
        for group, name, amount in self._task.tally.counters():
            self.increment_counter(group, name, amount)


def _read_line(line: bytes) -> tuple[None, bytes]:
    return None, line


def _write_line(_key: None, line: bytes) -> bytes:
    return line


def _as_utf8(text: Any) -> Any:
    """Return the text of an option, or of several, whatever encoding the locale made Python take it for."""
    if isinstance(text, list):
        return list(map(_as_utf8, text))
    return os.fsencode(text).decode(errors="surrogateescape") if text else text


def _raise_input_error(message: str) -> NoReturn:
    raise InputError(f"{message}. --help lists the options.")
