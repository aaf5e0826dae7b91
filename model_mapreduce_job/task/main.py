"""The process of a task: it serves the process that started it, or is a map task of Hadoop.

It does not import mrjob, which halves its start-up time.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from model_mapreduce_job.exceptions import InputError, ModelMapReduceError
from model_mapreduce_job.formats.records import one_line
from model_mapreduce_job.pipeline.model_warnings import ModelWarnings
from model_mapreduce_job.pipeline.several_counters import groups_of
from model_mapreduce_job.task.channel import Channel
from model_mapreduce_job.task.factory import TaskFactory
from model_mapreduce_job.task.keeper import CHANNEL_VARIABLE
from model_mapreduce_job.task.messages import Begin
from model_mapreduce_job.task.mistakes import one_line_for_mistakes
from model_mapreduce_job.task.model_process import python_command, same_imports
from model_mapreduce_job.task.node import attempt_number, on_this_node
from model_mapreduce_job.task.options import OPTIONS
from model_mapreduce_job.task.server import TaskServer
from model_mapreduce_job.task.streaming import FAILED, is_hadoop_task, job_setting, write
from model_mapreduce_job.task.task_files import TaskFiles
from model_mapreduce_job.task.task_options import TaskOptions
from model_mapreduce_job.task.task_pipes import task_pipes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from model_mapreduce_job.pipeline.task_report import ReportBuilder, TaskReport
    from model_mapreduce_job.task.keeper import Page
    from model_mapreduce_job.task.streaming import TaskStreams


def serve(page: Page) -> None:
    """Answer requests on the channel that this process was started with, until the channel ends."""
    faulthandler.enable()
    channel = Channel.of_descriptor(int(os.environ.pop(CHANNEL_VARIABLE)))
    TaskServer(channel, lambda begin: TaskFactory(begin, page)).serve()
    page.finish()


def run_mapper(arguments: list[str], streams: TaskStreams, page: Page) -> None:
    """Run the job's own mapper with these arguments, and end the process when it fails."""
    # A task has one core, as on Spark: a numeric library's own threads would take turns with other tasks.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with one_line_for_mistakes(), _reported_to_hadoop(streams):
        options, paths = mapper_options(arguments)
        _predict(options, paths, streams, page)
    page.finish()


@contextmanager
def _reported_to_hadoop(streams: TaskStreams) -> Iterator[None]:
    """Write to the task's log where it runs, and one line about an error of this package that ends it."""
    if not is_hadoop_task():
        yield
        return
    faulthandler.enable()
    _write_line(streams, f"This task runs on {socket.gethostname()} and reads {_split()}.")
    try:
        yield
    except ModelMapReduceError as error:
        _write_line(streams, f"{FAILED}{type(error).__name__}: {on_this_node(str(error))}")
        raise


def exec_mapper(options: TaskOptions, paths: Sequence[str]) -> NoReturn:
    """Replace this process, which has imported a job's own script, with a freshly started mapper."""
    import tempfile  # noqa: PLC0415 - a worker has no use for it

    with tempfile.TemporaryFile() as file:
        file.write(options.to_json())
        file.flush()
        file.seek(0)
        os.set_inheritable(file.fileno(), True)  # noqa: FBT003 - the signature of os
        arguments = ["--mapper", "--options_file", f"/dev/fd/{file.fileno()}", "--", *paths]
        command = [*python_command(), *arguments]
        os.execve(command[0], command, same_imports(os.environ))  # noqa: S606 - this very interpreter


def mapper_options(arguments: list[str]) -> tuple[TaskOptions, list[str]]:
    """Return the options of a call of the job's own mapper, and the files that it names.

    Raises InputError for any other call.
    """
    parser = argparse.ArgumentParser(allow_abbrev=False, add_help=False, exit_on_error=False)
    parser.add_argument("--mapper", action="store_true")
    parser.add_argument("--step-num", type=int, default=0)
    parser.add_argument("--options_file")
    parser.add_argument("args", nargs="*")
    for option in OPTIONS:
        if option.is_of_tasks:
            option.add_to(parser)
    try:
        given, others = parser.parse_known_args(arguments)
    except argparse.ArgumentError as error:
        raise InputError(f"The job's mapper can't be called with {' '.join(arguments)}: {error}.") from error
    if others or given.step_num:
        raise InputError(f"{' '.join(arguments)} is not a call of the job's mapper.")
    named = given.options_file
    return TaskOptions.read(named) if named else TaskOptions.of(vars(given)), given.args


def counter_lines(report: TaskReport) -> bytes:
    """Return a task's counters as Hadoop streaming reads them from standard error."""
    # Hadoop separates the three by commas, which can't be escaped
    lines = [
        f"reporter:counter:{group.replace(',', ';')},{name.replace(',', ';')},{amount}\n"
        for group, amounts in groups_of(report).items()
        for name, amount in amounts.items()
    ]
    return "".join(lines).encode(errors="backslashreplace")


def log_lines(report: ReportBuilder) -> Iterator[str]:
    """Yield what a task's log has of its report: an example of each type of failure, and the warnings."""
    for kind, example in report.examples.items():
        line = f" (line {example.place.line:,} of what this task reads)" if example.place else ""
        yield f"Example of a failure: {kind}: {example.message}{line}"
    for warning in report.warnings:
        yield f"Warning: {warning}"


def _predict(options: TaskOptions, paths: Sequence[str], streams: TaskStreams, page: Page) -> None:
    begin = Begin(options, tables=options.tables)
    factory = TaskFactory(begin, page)
    with ModelWarnings().kept() as warned, task_pipes(streams, paths, options) as pipes:
        pipeline = factory.make(attempt_number())
        with TaskFiles(begin).writing(pipes, pipeline.header()) as write_output:
            for blocks in pipes.inputs():
                for output in pipeline.predict_lines(blocks):
                    write_output(output)
                    page.add_lines(len(output))
        warned.add_to(pipeline.report)
        report = pipeline.report.built().of_worker(socket.gethostname())
        pipes.end(report)
    write(streams.stderr, counter_lines(report))
    if is_hadoop_task():  # counters carry no text
        for line in log_lines(pipeline.report):
            _write_line(streams, line)


def _write_line(streams: TaskStreams, line: str) -> None:
    write(streams.stderr, f"{one_line(line)}\n".encode(errors="backslashreplace"))


def _split() -> str:
    names = ("file", "start", "length")
    path, start, length = (job_setting(f"mapreduce.map.input.{name}") for name in names)
    if not (start.isdigit() and length.isdigit()):
        return path or "its input"
    return f"{path}, bytes {int(start):,} to {int(start) + int(length):,}"
