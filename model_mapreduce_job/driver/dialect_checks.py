"""Checks of the options that csv and tsv have, before any work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.text_encodings import UTF_8
from model_mapreduce_job.storage.inputs import STDIN
from model_mapreduce_job.storage.sources import as_source
from model_mapreduce_job.task.delimited_options import DELIMITERS, dialect_of, text_reading

if TYPE_CHECKING:
    from model_mapreduce_job.task.job import Job
    from model_mapreduce_job.task.run_options import RunOptions
    from model_mapreduce_job.task.task_options import TaskOptions


def check_dialect(options: RunOptions) -> None:
    """Raise InputError for an option of csv and tsv that changes nothing, or that the runner can't follow."""
    for mistake, made in _idle(options.task).items():
        if made:
            raise InputError(f"{mistake}. Leave it out, or name the protocol.")
    for protocol in {options.task.input_protocol, options.task.output_protocol} & set(DELIMITERS):
        dialect_of(protocol, options.task)
    if not (options.is_on_this_machine or options.may_have_blocks):  # whose runner knows what tasks can
        check_lines(options)


def check_lines(options: RunOptions) -> None:
    """Raise InputError for files that can be read from their start alone, where tasks begin at any line."""
    reading = text_reading(options.task)
    if reading.splits_at_lines:
        return
    reason = "--quoted_newlines" if reading.delimiter_of_long_rows else f"--encoding {options.task.encoding}"
    raise InputError(
        f"{reason}: such a file can only be read from its start, and -r {options.runner} cuts files at their "
        "lines. Run it with -r local, or write the input as UTF-8 with one row a line."
    )


def read_stdin_in_utf_8(job: Job, options: RunOptions) -> None:
    """Make a job on this machine read its standard input, if it reads it, as UTF-8."""
    reading = text_reading(options.task)
    if reading.encoding != UTF_8 and STDIN in options.inputs and options.is_on_this_machine:
        job.replace_stdin(reading.in_utf_8(as_source(job.stdin)))


def _idle(task: TaskOptions) -> dict[str, bool]:
    """Return in words which options say something of rows that are not there, and whether each is given."""
    reads, writes = task.input_protocol in DELIMITERS, task.output_protocol in DELIMITERS
    has_csv = "csv" in {task.input_protocol, task.output_protocol}
    return {
        f"--delimiter {task.delimiter} separates cells of csv, and neither input nor output is csv": (
            task.delimiter is not None and not has_csv
        ),
        f"--decimal {task.decimal} is for csv and tsv, and neither input nor output is one": (
            task.decimal != "." and not (reads or writes)
        ),
        f"--encoding {task.encoding} is for csv and tsv input, and the input is {task.input_protocol}": (
            task.encoding != UTF_8 and not reads
        ),
        f"--null_values {task.null_values} are for csv and tsv input, and this is {task.input_protocol}": (
            task.null_values is not None and not reads
        ),
        f"--header is for csv and tsv output, and the output is {task.output_protocol}": (
            task.header and not writes
        ),
    }
