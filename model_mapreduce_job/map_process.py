"""The process of a map task: reads lines, predicts them, writes lines. It needs nothing of mrjob."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.lines import read_blocks
from model_mapreduce_job.mistakes import one_line_for_mistakes
from model_mapreduce_job.options import OPTIONS
from model_mapreduce_job.runners.hadoop_task import task_output
from model_mapreduce_job.runners.worker import WORKER_VARIABLE, serve
from model_mapreduce_job.task import attempt_number, make_task
from model_mapreduce_job.task_options import TaskOptions

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Iterator

    from model_mapreduce_job.lines import Block
    from model_mapreduce_job.task import Prediction

# A batch makes thousands of objects that are all still needed: to look through them for garbage every 700
# objects, as Python does, costs 4 % of the task and finds none.
_GARBAGE_THRESHOLDS = (100_000, 50, 50)


def mapper_options(arguments: list[str]) -> Namespace | None:
    """Return the options of a call that runs the job's own mapper, None for any other call."""
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
    except argparse.ArgumentError:
        return None
    if not options.mapper or options.step_num != 0 or others:
        return None
    if options.options_file:
        TaskOptions.read(options.options_file).put_into(options)
    return options


def main(options: Namespace) -> None:
    """Run the job's own mapper as its options say, and end the process when it fails."""
    # A task has one core, as on Spark: a numeric library's own threads would take turns with other tasks.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with one_line_for_mistakes():
        run_map_task(
            lambda attempt: make_task(options, None, attempt), options, sys.stdin.buffer, sys.stdout.buffer
        )


def run_map_task(make: Callable[[int], Prediction], options: Namespace, stdin: Any, stdout: Any) -> None:
    """Predict standard input, or the files that the options name, or what the local engine asks for.

    make makes the prediction for an attempt's number; counters go to standard error when the task has ended.
    Raises ModelMapReduceError.
    """
    gc.set_threshold(*_GARBAGE_THRESHOLDS)
    if WORKER_VARIABLE in os.environ:
        serve(make, options.max_record_bytes)
        return
    with task_output(stdout) as write:
        prediction = make(attempt_number())
        for blocks in _sources(options, stdin):
            for lines in prediction.predict_lines(blocks):
                write(lines)
        _send_counters(prediction)


def _sources(options: Namespace, stdin: Any) -> Iterator[Iterator[Block]]:
    limit = options.max_record_bytes
    if not options.args:
        yield read_blocks(stdin, limit)
    for path in options.args:
        with Path(path).open("rb") as file:
            yield read_blocks(file, limit)


def _send_counters(prediction: Prediction) -> None:
    for group, name, amount in prediction.tally.counters():
        # commas part the three for Hadoop, which knows no way to escape them
        line = f"reporter:counter:{group},{name.replace(',', ';')},{amount}\n"
        sys.stderr.buffer.write(line.encode(errors="backslashreplace"))
    sys.stderr.buffer.flush()
