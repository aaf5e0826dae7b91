"""What the driver checks before any work: mistakes that would otherwise show, or not show, at the end."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from mrjob.util import expand_path

from model_mapreduce_job.driver.first_line import local_heads, local_paths
from model_mapreduce_job.driver.input_columns import check_order, input_columns
from model_mapreduce_job.driver.summary_file import try_summary_file
from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.first_bytes import LOOK_BYTES, what_this_is
from model_mapreduce_job.ml_model_manager import check_name
from model_mapreduce_job.task.factory import DELIMITERS
from model_mapreduce_job.task.options import ON_THIS_MACHINE

if TYPE_CHECKING:
    from argparse import Namespace

    from model_mapreduce_job.task.first_worker import FirstWorker
    from model_mapreduce_job.task.job import Job

# Of many files the first ones are looked at.
_MOST_LOOKS = 100


def check(job: Job, first: FirstWorker) -> None:
    """Raise ModelMapReduceError for a mistake in what a job is given; learn columns that the input names."""
    options = job.options
    _check_options_go_together(options)
    if options.summary_file:
        try_summary_file(options.summary_file, options.output_dir, local_paths(job))
    _check_configurations(options.conf_paths or [])
    _check_model(options.model_qualified_name, first.described().names)
    if options.input_protocol in DELIMITERS:
        _learn_columns(job)
    elif not options.no_fail_fast:
        _check_first_bytes(job)


def _check_first_bytes(job: Job) -> None:
    for path, head in islice(local_heads(job, LOOK_BYTES), _MOST_LOOKS):
        if kind := what_this_is(head):
            raise InputError(
                f"The input {path} is no line-delimited JSON: it looks like {kind}. "
                "Or read it as it is with --no_fail_fast."
            )


def _learn_columns(job: Job) -> None:
    options = job.options
    found = input_columns(job)
    if options.runner not in ON_THIS_MACHINE:
        check_order(found.orders, "--columns" if options.columns else options.args[0])
    job.column_orders = found.orders
    if not options.columns:
        job.set_option("columns", found.text)


def _check_model(name: str | None, names: list[str]) -> None:
    if name is None:
        raise InputError(f"Which model? Name it with --model_qualified_name. There is: {', '.join(names)}.")
    check_name(name, names)


def _check_options_go_together(options: Namespace) -> None:
    """Raise InputError for an option that would be passed over without a word."""
    here = options.runner in ON_THIS_MACHINE
    runner = options.runner or "inline"
    idle = {
        f"--columns {options.columns} names columns of csv or tsv, and neither input nor output is one": (
            options.columns and not {options.input_protocol, options.output_protocol} & set(DELIMITERS)
        ),
        f"--resume goes on with runs of -r inline and -r local, and this is -r {runner}": (
            options.resume and not here
        ),
        f"--bundle {options.bundle} is for a cluster's tasks, and this is -r {runner}": (
            options.bundle and here
        ),
        "--price_per_hour is for --plan, which is not asked for": options.price_per_hour and not options.plan,
        f"--key {' '.join(options.key or [])} names a field twice": len(set(options.key or []))
        < len(options.key or []),
        "--debug_record predicts one record, and --plan a sample": options.debug_record and options.plan,
        f"--debug_record reads its record here, and this is -r {runner}": options.debug_record and not here,
        "--unproven is for runs, and --plan starts none": options.unproven and options.plan,
    }
    for mistake, made in idle.items():
        if made:
            raise InputError(f"{mistake}. Leave it out, or change the other.")


def _check_configurations(paths: list[str]) -> None:
    for path in paths:
        if not Path(expand_path(path)).is_file():
            raise InputError(f"There is no configuration {path} to read. Check --conf-path.")
