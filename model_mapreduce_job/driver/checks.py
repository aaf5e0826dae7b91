"""What the driver checks before any work: mistakes that would otherwise show, or not show, at the end."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from mrjob.util import expand_path
from msgspec.structs import replace

from model_mapreduce_job.driver.advance import start_in_advance
from model_mapreduce_job.driver.compressed_parts import with_part_compression
from model_mapreduce_job.driver.dialect_checks import check_dialect, read_stdin_in_utf_8
from model_mapreduce_job.driver.duplicates import check_duplicates
from model_mapreduce_job.driver.first_line import first_fields, local_heads, local_paths
from model_mapreduce_job.driver.input_columns import check_order, input_columns
from model_mapreduce_job.driver.named_protocols import check_tables, with_protocol
from model_mapreduce_job.driver.profile_file import check_profile
from model_mapreduce_job.driver.replay import with_first_lines, with_replay
from model_mapreduce_job.driver.run_stamp import with_run_stamp
from model_mapreduce_job.driver.summary_file import refuse_same_file, try_file
from model_mapreduce_job.driver.table_places import table_places
from model_mapreduce_job.driver.verification import verify
from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.first_bytes import LOOK_BYTES, what_this_is
from model_mapreduce_job.formats.registry import TABLES
from model_mapreduce_job.formats.rows import join_row
from model_mapreduce_job.formats.table_format import TableRun
from model_mapreduce_job.ml_model_manager import check_name
from model_mapreduce_job.task.delimited_options import DELIMITERS
from model_mapreduce_job.task.messages import Survey, Surveyed
from model_mapreduce_job.task.run_options import RunOptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from model_mapreduce_job.formats.column_order import ColumnOrder
    from model_mapreduce_job.task.first_worker import FirstWorker
    from model_mapreduce_job.task.job import Job
    from model_mapreduce_job.task.messages import Verified
    from model_mapreduce_job.task.task_options import TaskOptions

# What mrjob calls before and after a mapper's lines, one by one; and who runs a filter of them before that.
_NEVER_CALLED = ("mapper_init", "mapper_final")
_RUN_FILTERS = frozenset({"hadoop", "emr"})
_ON_S3 = re.compile(r"s3[an]?://[^/]+/+[^/]")
# Of many files the first ones are looked at.
_MOST_LOOKS = 100


class Checked(msgspec.Struct, frozen=True):
    """A run's options, with the columns that the input names, and the inputs that have another order.

    input_states has the state of each file that this was read from.
    surveyed is what its tables are, where it has any. verified says what --verify has predicted.
    """

    options: RunOptions
    column_orders: Mapping[str, ColumnOrder] = msgspec.field(default_factory=dict)
    input_states: Mapping[str, tuple[int, ...]] = msgspec.field(default_factory=dict)
    surveyed: Surveyed = msgspec.field(default_factory=lambda: Surveyed(TableRun()))
    verified: Verified | None = None


def check(job: Job, first: FirstWorker) -> Checked:
    """Return a job's options and what its input says; raises ModelMapReduceError for a mistake in them."""
    options = job.run_options
    options = with_protocol(options) if options.replay is None else with_replay(job, options)
    _check_options_go_together(options)
    _check_mappers(job, options)
    check_dialect(options)
    check_duplicates(options)
    refuse_same_file({f"--{name}": getattr(options, name) for name in ("summary_file", "profile", "report")})
    if options.summary_file:
        try_file("--summary_file", options.summary_file, options.output_dir, local_paths(options.inputs))
    if options.is_profiled:
        check_profile(options, local_paths(options.inputs))
        options = options.with_task(is_profiled=True)
    _check_configurations(options.conf_paths or ())
    start_in_advance(job, options)
    _check_models(options.task.names, first.described().names)
    if options.replay is not None:
        options = with_first_lines(job, options)
    elif options.task.model_files and options.task.input_protocol == "ldjson":
        options = options.with_task(input_fields=first_fields(options.inputs))
    check_tables(job, options)
    options = with_part_compression(job, options)
    options = with_run_stamp(job, options)
    if options.replay is not None:
        return _with_model(job, first, Checked(options))
    if options.task.input_protocol in DELIMITERS:
        read_stdin_in_utf_8(job, options)
        return _with_model(job, first, _with_columns(job, first, options))
    if not options.task.no_fail_fast and options.task.input_protocol not in TABLES:
        _check_first_bytes(options.inputs)
    return _with_model(job, first, Checked(options))


def _with_model(job: Job, first: FirstWorker, checked: Checked) -> Checked:
    """Return what is checked with the run's tables; a model file is loaded for the input's columns."""
    checked = _with_tables(job, first, checked)
    if checked.options.task.model_files:
        first.load(job.begin(checked.options.task))
    if checked.options.verify:
        checked = replace(checked, verified=verify(job, first, checked.options))
    if _has_tasks_elsewhere(checked.options) and checked.options.task.input_protocol in DELIMITERS:
        first.ask_for_columns(job.begin(checked.options.task))
    return checked


def _has_tasks_elsewhere(options: RunOptions) -> bool:
    """Return whether this is a run whose tasks start late, on other machines; of an input as it was given."""
    return not (options.is_on_this_machine or options.plan or options.replay is not None)


def _with_tables(job: Job, first: FirstWorker, checked: Checked) -> Checked:
    task = checked.options.task
    if not {task.input_protocol, task.output_protocol} & TABLES:
        return checked
    with table_places(job, checked.options) as places:
        request = Survey(checked.options.inputs, places, checked.options.runner == "spark")
        found = first.survey(job.begin(task), request)
    return replace(checked, options=_with_found(checked.options, found.columns), surveyed=found)


def _with_found(options: RunOptions, columns: tuple[str, ...]) -> RunOptions:
    """Return options with the columns that a table has of the input; lines of text may have been in it."""
    if not columns:
        return options
    if options.task.input_protocol in DELIMITERS:
        return options.with_task(columns=join_row(list(columns), ",").decode())
    return options.with_task(input_fields=columns)


def _check_first_bytes(inputs: Iterable[str]) -> None:
    for path, head in islice(local_heads(inputs, LOOK_BYTES), _MOST_LOOKS):
        if kind := what_this_is(head):
            raise InputError(
                f"The input {path} is no line-delimited JSON: it looks like {kind}. "
                "Or read it as it is with --no_fail_fast."
            )


def _with_columns(job: Job, first: FirstWorker, options: RunOptions) -> Checked:
    if _has_tasks_elsewhere(options):
        first.ask_for_columns(job.begin(options.task))  # its import takes as long as a look at the input
    found = input_columns(job, options)
    if not (options.is_on_this_machine or options.may_have_blocks):  # whose runner knows if tasks can
        check_order(found.orders, found.named_by)
    if not options.task.columns:
        options = options.with_task(columns=found.text)
    return Checked(options, found.orders, found.states)


def _check_models(wanted: Sequence[str], names: list[str]) -> None:
    if not wanted:
        raise InputError(f"Which model? Name it with --model_qualified_name. There is: {', '.join(names)}.")
    for name in wanted:
        check_name(name, names)


def _check_options_go_together(options: RunOptions) -> None:
    """Raise InputError for an option that would change nothing without a word."""
    for mistake, made in {
        **_for_no_such_runner(options),
        **_about_no_model(options),
        **_of_no_run(options),
    }.items():
        if made:
            raise InputError(f"{mistake}. Leave it out, or change the other.")


def _check_mappers(job: Job, options: RunOptions) -> None:
    """Raise InputError for what a job has around a mapper that predicts, where it would never be called."""
    filters = () if options.runner in _RUN_FILTERS else ("mapper_pre_filter",)
    for step in (step for number, step in enumerate(job.steps()) if job.predicts(number)):
        for name in (*_NEVER_CALLED, *filters):
            if step[name]:
                raise InputError(
                    f"The step that predicts has {name}, which -r {options.runner} doesn't call: its mapper "
                    "is given batches of lines. Put it into a step of its own."
                )


def _for_no_such_runner(options: RunOptions) -> dict[str, object]:
    """Return the mistakes that there may be with the runner, and whether each was made."""
    here, runner = options.is_on_this_machine, options.runner
    return {
        f"--resume goes on with runs of -r inline and -r local, and this is -r {runner}": (
            options.resume and not here
        ),
        f"--bundle {options.bundle} is for a cluster's tasks, and this is -r {runner}": (
            options.bundle and here
        ),
        f"--no_blocks is for -r hadoop and -r emr, and this is -r {runner}": (
            options.no_blocks and not options.may_have_blocks
        ),
        f"--output-dir {options.output_dir} is no place on S3 (s3://BUCKET/DIRECTORY), and this is -r emr": (
            runner == "emr" and options.output_dir and not _ON_S3.match(options.output_dir)
        ),
        f"--debug_record reads its record here, and this is -r {runner}": options.debug_record and not here,
    }


def _about_no_model(options: RunOptions) -> dict[str, object]:
    """Return those with options of models and of records' fields."""
    task = options.task
    keys = task.key or ()
    return {
        f"--columns {task.columns} names columns of csv or tsv, and neither input nor output is one": (
            task.columns and not {task.input_protocol, task.output_protocol} & set(DELIMITERS)
        ),
        "--model_type, --model_output, --features, --trust_model_file and --trust_types are about a file "
        "that --model_file names, and it names none": not task.model_files and _describes_a_model_file(task),
        f"--trust_model_file {' '.join(_trusts_nothing(task))} is the sha256 of none of the model files": (
            _trusts_nothing(task)
        ),
        f"--key {' '.join(keys)} names a field twice": len(set(keys)) < len(keys),
    }


def _of_no_run(options: RunOptions) -> dict[str, object]:
    """Return those with what comes before a run, or instead of it."""
    return {
        "--verify_tolerance is for --verify, which is not asked for": (
            options.verify is None and options.verify_tolerance != RunOptions().verify_tolerance
        ),
        "--price_per_hour is for --plan, which is not asked for": options.price_per_hour and not options.plan,
        "--debug_record predicts one record, and --plan a sample": options.debug_record and options.plan,
        "--max_drift is about a --baseline, and none is named": options.max_drift and not options.baseline,
        "--drift_stops is about --max_drift, which is not given": options.drift_stops
        and not options.max_drift,
        "--profile, --report and --baseline are of a run, and --plan and --debug_record start none": (
            options.is_profiled and (options.plan or options.debug_record)
        ),
        "--unproven is for runs, and --plan starts none": options.unproven and options.plan,
    }


def _trusts_nothing(task: TaskOptions) -> list[str]:
    """Return the digests that are none of several model files'; one alone is compared when it's loaded."""
    if not task.several:
        return []
    there = {model.digest for model in task.several}
    return [digest for digest in task.trust_model_file or () if digest.lower() not in there]


def _describes_a_model_file(task: TaskOptions) -> bool:
    described = (task.model_type, task.model_output, task.features, task.trust_model_file, task.trust_types)
    return any(each is not None for each in described)


def _check_configurations(paths: Iterable[str]) -> None:
    for path in paths:
        if not Path(expand_path(path)).is_file():
            raise InputError(f"There is no configuration {path} to read. Check --conf-path.")
