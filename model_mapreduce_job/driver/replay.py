"""--replay: what the driver checks and finds out of the earlier output before any work."""

from __future__ import annotations

import posixpath
from pathlib import Path
from typing import TYPE_CHECKING

from model_mapreduce_job.driver.first_line import first_lines
from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.earlier_answers import names_in
from model_mapreduce_job.formats.earlier_json import input_of
from model_mapreduce_job.formats.earlier_output import no_such_line
from model_mapreduce_job.formats.registry import TABLES
from model_mapreduce_job.formats.rows import join_row, parse_columns
from model_mapreduce_job.plan.input_files import list_files
from model_mapreduce_job.storage.inputs import STDIN, is_remote, local_path
from model_mapreduce_job.storage.staging_directory import SUCCESS
from model_mapreduce_job.task.delimited_options import DELIMITERS, columns, dialect_of
from model_mapreduce_job.task.job import has_further_steps, looking_runner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_mapreduce_job.task.job import Job
    from model_mapreduce_job.task.run_options import RunOptions


def with_replay(job: Job, options: RunOptions) -> RunOptions:
    """Return options by which tasks read an earlier output; raises InputError for those that don't fit."""
    for mistake, made in {**_of_formats(options), **_beside(job, options)}.items():
        if made:
            raise InputError(f"--replay {options.replay}: {mistake}.")
    # that the first records of an input fail says nothing of an output whose failures alone are predicted
    return options.with_task(is_replay=True, no_fail_fast=True)


def with_first_lines(job: Job, options: RunOptions) -> RunOptions:
    """Return options with the columns that the earlier output names; raises InputError for what is none."""
    _refuse_unfinished(job, str(options.replay))
    if options.task.output_protocol in TABLES:  # which say themselves what their columns are
        return options
    found = [first for first in first_lines(job, options) if first.line is not None]
    lines = [(first.line or b"").removesuffix(b"\n") for first in found]
    if options.task.output_protocol in DELIMITERS:
        return _with_header(options, lines)
    keys = [input_of(line, options.task.output_protocol) for line in lines]
    names = next(filter(None, map(names_in, keys)), ())
    if options.task.input_protocol not in DELIMITERS:
        return options.with_task(input_fields=names) if options.task.model_files else options
    if options.task.columns or not names:
        columns(options.task)  # which raises where there are none
        return options
    return options.with_task(columns=join_row(list(names), ",").decode())


def _of_formats(options: RunOptions) -> dict[str, object]:
    """Return the mistakes that there may be with the formats, and whether each was made."""
    task = options.task
    read, written = task.input_protocol, task.output_protocol
    return {
        f"rows of {written} have not all of a record of {read}: only those of csv or tsv have": (
            options.names_input_protocol and written in DELIMITERS and read not in DELIMITERS
        ),
        f"{written} has not all of a record of {read}": (
            options.names_input_protocol and written in TABLES and read not in {*DELIMITERS, *TABLES}
        ),
        f"say with --input_protocol whether the run that made this {written} read csv or tsv": (
            not options.names_input_protocol and written in DELIMITERS
        ),
        f"say with --input_protocol what the run that made this {written} read: a table, csv or tsv": (
            not options.names_input_protocol and written in TABLES
        ),
        f"{'rows have' if written in DELIMITERS else 'JSON has'} not all of a row of {read}": (
            read in TABLES and written not in TABLES
        ),
    }


def _beside(job: Job, options: RunOptions) -> dict[str, object]:
    """Return those with other options, and with the job."""
    task = options.task
    return {
        "an output made with --key has not all of its input, and can't be replayed": task.key,
        "--plan and --debug_record are of an input that is predicted": options.plan or options.debug_record,
        "--profile, --report and --baseline would be of the records alone that are predicted again": (
            options.is_profiled
        ),
        "--check_duplicates compares inputs, and an earlier output has predictions beside them": (
            task.check_duplicates
        ),
        "--fingerprint leaves out one run's stamp, and this output has those of several": (
            task.fingerprint and task.stamp
        ),
        "this job has further steps, so that its output has not the predictions": has_further_steps(job),
    }


def _refuse_unfinished(job: Job, replay: str) -> None:
    """Raise InputError for a directory without _SUCCESS, which may be only a part of an output."""
    if replay == STDIN:
        return
    if _is_remote_and_unfinished(job, replay) if is_remote(replay) else _is_unfinished(replay):
        raise InputError(
            f"--replay {replay} is a directory without {SUCCESS}, so it may be no whole output. "
            "Name its files if it's one."
        )


def _is_unfinished(replay: str) -> bool:
    path = Path(local_path(replay))
    return path.is_dir() and not (path / SUCCESS).exists()


def _is_remote_and_unfinished(job: Job, replay: str) -> bool:
    with looking_runner(job) as runner:
        names = [posixpath.basename(file.path) for file in list_files(runner, [replay])]
        is_directory = names != [posixpath.basename(replay)] and not set("*?[{") & set(replay)
        return is_directory and not runner.fs.exists(posixpath.join(replay, SUCCESS))


def _with_header(options: RunOptions, lines: Sequence[bytes]) -> RunOptions:
    """Return options with the header that an output of rows begins with, where that names its columns."""
    task = options.task
    if not task.header:
        names = columns(task)  # which raises where there are none
        delimiter = dialect_of(task.output_protocol, task).delimiter
        start = join_row([*names, ""], delimiter)
        if named := next((line for line in lines if line.startswith(start)), None):
            raise no_such_line(named, task.output_protocol, "it is a header, and there is no --header")
        return options
    if task.columns or not lines:
        columns(task)
        return options
    if other := next((line for line in lines if line != lines[0]), None):
        raise no_such_line(other, task.output_protocol, f"other files of it begin with {lines[0].decode()!r}")
    header = lines[0].decode()
    names = parse_columns(lines[0], dialect_of(task.output_protocol, task).delimiter)
    return options.with_task(columns=join_row(names, ",").decode(), earlier_header=header)
