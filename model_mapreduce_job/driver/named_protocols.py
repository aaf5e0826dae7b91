"""The input protocol of a run whose command line has none: the one that the names of its inputs stand for."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.registry import TABLES, format_of_all
from model_mapreduce_job.storage.inputs import STDIN, is_remote, list_inputs
from model_mapreduce_job.task.job import has_further_steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from model_mapreduce_job.task.job import Job
    from model_mapreduce_job.task.run_options import RunOptions

# The tables that tasks of a cluster read and write.
_ON_CLUSTERS: Final = {"hadoop": TABLES, "emr": TABLES, "spark": frozenset({"parquet", "orc"})}


def with_protocol(options: RunOptions) -> RunOptions:
    """Return options with the input protocol that the inputs' names stand for, where none was given.

    Raises InputError where they stand for several, both named.
    """
    if options.names_input_protocol:
        return options
    return options.with_task(input_protocol=format_of_all(_names(options.inputs)))


def check_tables(job: Job, options: RunOptions) -> None:
    """Raise InputError where a run has a table, and can't have one."""
    task = options.task
    tables = sorted({task.source_protocol, task.output_protocol} & TABLES)
    if not tables:
        return
    _check_runner(options, tables)
    if has_further_steps(job):
        raise InputError(f"{tables[0]} is for jobs of one mapper, and this one has further steps.")
    if other := _beside_the_mapper(job):
        raise InputError(f"{tables[0]} is for the job's own mapper alone, and this one has {other}.")
    if task.output_protocol in TABLES and options.output_dir is None:
        raise InputError(
            f"{task.output_protocol} output is a directory of parts. Name it with --output-dir DIR."
        )


def _beside_the_mapper(job: Job) -> str:
    """Return what a job has in the place of the mapper that predicts, or before it; nothing of most jobs."""
    if not job.predicts(0):
        return "another"
    return "mapper_pre_filter" if job.steps()[0]["mapper_pre_filter"] else ""


def _check_runner(options: RunOptions, tables: Sequence[str]) -> None:
    if options.is_on_this_machine:
        return
    if lacking := [name for name in tables if name not in _ON_CLUSTERS.get(options.runner, ())]:
        raise InputError(
            f"{lacking[0]} is not for -r {options.runner} up to now. "
            "Give it a text format, or run it with -r inline, local or hadoop."
        )
    source = options.task.source_protocol
    if options.plan and source in TABLES and any(map(is_remote, options.inputs)):
        raise InputError(
            f"--plan reads a sample of {source} from this machine alone up to now. Copy some of the files "
            "here, and give it these."
        )


def _names(inputs: Sequence[str]) -> Iterator[str]:
    """Return the inputs' names; what is elsewhere is known by the name that it was given by."""
    return chain.from_iterable(
        [path] if path == STDIN or is_remote(path) else list_inputs([path]) for path in inputs
    )
