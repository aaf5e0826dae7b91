"""The process of a task, from start to end: it serves whoever started it, or is a map task of Hadoop's.

It needs nothing of mrjob, which halves its start-up.
"""

from __future__ import annotations

import argparse
import faulthandler
import gc
import io
import json
import os
import socket
import tempfile
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NoReturn

import msgspec

from model_mapreduce_job.exceptions import InputError, ModelMapReduceError
from model_mapreduce_job.formats.lines import read_blocks
from model_mapreduce_job.formats.records import one_line
from model_mapreduce_job.task.channel import Channel
from model_mapreduce_job.task.factory import TaskFactory, attempt_number
from model_mapreduce_job.task.keeper import CHANNEL_VARIABLE
from model_mapreduce_job.task.messages import Begin, Rehearsed
from model_mapreduce_job.task.mistakes import one_line_for_mistakes
from model_mapreduce_job.task.model_process import python_command, same_imports
from model_mapreduce_job.task.node_check import on_this_node
from model_mapreduce_job.task.options import OPTIONS, task_options
from model_mapreduce_job.task.server import TaskServer
from model_mapreduce_job.task.streaming import FAILED, is_hadoop_task, job_setting, write
from model_mapreduce_job.task.task_options import TaskOptions

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Iterator, Sequence

    from model_mapreduce_job.formats.lines import Block
    from model_mapreduce_job.task.factory import Prediction
    from model_mapreduce_job.task.keeper import Page
    from model_mapreduce_job.task.streaming import TaskStreams

_OUTPUT_BYTES: Final = 1 << 18
# A batch makes thousands of objects that are all still needed: to look through them for garbage every 700
# objects, as Python does, costs 4 % of the task and finds none.
_GARBAGE_THRESHOLDS = (100_000, 50, 50)


def serve(page: Page) -> None:
    """Answer what comes over the channel that this process was started with, until it ends."""
    gc.set_threshold(*_GARBAGE_THRESHOLDS)
    faulthandler.enable()
    channel = Channel.of_descriptor(int(os.environ.pop(CHANNEL_VARIABLE)))
    TaskServer(channel, lambda begin: TaskFactory(begin, page), partial(_rehearse, page)).serve()
    page.finish()


def run_mapper(arguments: list[str], streams: TaskStreams, page: Page) -> None:
    """Run the job's own mapper as the arguments say, and end the process when it fails."""
    gc.set_threshold(*_GARBAGE_THRESHOLDS)
    # A task has one core, as on Spark: a numeric library's own threads would take turns with other tasks.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with one_line_for_mistakes(), _reported_to_hadoop(streams):
        options = mapper_options(arguments)
        _predict(TaskFactory(Begin(task_options(options)), page), options, streams, page)
    page.finish()


def _rehearse(page: Page, begin: Begin, attempt: int, sample: bytes, beat: Callable[[], None]) -> Rehearsed:
    from model_mapreduce_job.task import rehearsal  # noqa: PLC0415 - only plans need it

    stage = rehearsal.Stage(begin, attempt, page)
    return Rehearsed(msgspec.to_builtins(rehearsal.rehearse(stage, rehearsal.unpack_sample(sample), beat)))


@contextmanager
def _reported_to_hadoop(streams: TaskStreams) -> Iterator[None]:
    """Write to the task's log where it runs, and in one line which error of this package ended it."""
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


def become_mapper(begin: Begin, paths: Sequence[str]) -> NoReturn:
    """Replace this process, which has imported a job's own script, by that of a mapper started anew."""
    protocol = {"output_protocol": begin.output_protocol} if begin.output_protocol else {}
    with tempfile.TemporaryFile() as file:
        file.write(json.dumps({**begin.options, **protocol}).encode())
        file.flush()
        file.seek(0)
        os.set_inheritable(file.fileno(), True)  # noqa: FBT003 - the signature of os
        arguments = ["--mapper", "--options_file", f"/dev/fd/{file.fileno()}", "--", *paths]
        command = [*python_command(), *arguments]
        os.execve(command[0], command, same_imports(os.environ))  # noqa: S606 - this very interpreter


def mapper_options(arguments: list[str]) -> Namespace:
    """Return the options of a call of the job's own mapper; raises InputError for any other call."""
    parser = argparse.ArgumentParser(allow_abbrev=False, add_help=False, exit_on_error=False)
    parser.add_argument("--mapper", action="store_true")
    parser.add_argument("--step-num", type=int, default=0)
    parser.add_argument("--options_file")
    parser.add_argument("args", nargs="*")
    for option in OPTIONS:
        if option.passed_on:
            parser.add_argument(*option.spellings, dest=option.name, **option.arguments)
    try:
        options, others = parser.parse_known_args(arguments)
    except argparse.ArgumentError as error:
        raise InputError(f"The job's mapper can't be called with {' '.join(arguments)}: {error}.") from error
    if others or options.step_num:
        raise InputError(f"{' '.join(arguments)} is no call of the job's mapper.")
    if options.options_file:
        TaskOptions.read(options.options_file).put_into(options)
    return options


def counter_lines(prediction: Prediction) -> bytes:
    """Return a task's counters as Hadoop streaming reads them from standard error."""
    # commas part the three for Hadoop, which knows no way to escape them
    lines = [
        f"reporter:counter:{group},{name.replace(',', ';')},{amount}\n"
        for group, name, amount in prediction.tally.counters()
    ]
    return "".join(lines).encode(errors="backslashreplace")


def line_blocks(paths: Sequence[str], stdin: Any, max_record_bytes: int) -> Iterator[Iterator[Block]]:
    """Yield the blocks of standard input, or of each of the files."""
    if not paths:
        yield read_blocks(stdin, max_record_bytes)
    for path in paths:
        with open(path, "rb") as file:  # noqa: PTH123 - a path that came as text
            yield read_blocks(file, max_record_bytes)


def _predict(factory: TaskFactory, options: Namespace, streams: TaskStreams, page: Page) -> None:
    prediction = factory.make(attempt_number())
    with (
        io.FileIO(streams.stdin, "r") as stdin,
        io.FileIO(streams.stdout, "w") as raw,
        io.BufferedWriter(raw, _OUTPUT_BYTES) as output,
    ):
        for blocks in line_blocks(options.args, stdin, options.max_record_bytes):
            for lines in prediction.predict_lines(blocks):
                if lines:
                    output.write(b"\n".join(lines) + b"\n")
                    page.add_lines(len(lines))
    write(streams.stderr, counter_lines(prediction))


def _write_line(streams: TaskStreams, line: str) -> None:
    write(streams.stderr, f"{one_line(line)}\n".encode(errors="backslashreplace"))


def _split() -> str:
    names = ("file", "start", "length")
    path, start, length = (job_setting(f"mapreduce.map.input.{name}") for name in names)
    if not (start.isdigit() and length.isdigit()):
        return path or "its input"
    return f"{path}, bytes {int(start):,} to {int(start) + int(length):,}"
