"""The command --plan: reads and predicts a sample, and reports what the run would take; starts no run."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.plan.assumptions import assumptions_of
from model_mapreduce_job.plan.cluster import Cluster, cluster_of
from model_mapreduce_job.plan.estimate import (
    Cost,
    Duration,
    FileSize,
    estimate_cost,
    estimate_duration,
    estimate_rows,
    split_work,
)
from model_mapreduce_job.plan.input_files import list_files
from model_mapreduce_job.plan.plan import InputFigures, Plan
from model_mapreduce_job.plan.prices import prices_for
from model_mapreduce_job.plan.report import report
from model_mapreduce_job.plan.sample import Sample, read_sample
from model_mapreduce_job.plan.sample_run import SampleRun, run_sample
from model_mapreduce_job.plan.table_sample import table_figures, table_sample
from model_mapreduce_job.storage.inputs import STDIN
from model_mapreduce_job.storage.whole_file import write_whole
from model_mapreduce_job.task.delimited_options import text_reading
from model_mapreduce_job.task.job import has_further_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from model_mapreduce_job.formats.column_order import ColumnOrder
    from model_mapreduce_job.plan.input_files import InputFile
    from model_mapreduce_job.storage.table_files import TableFile
    from model_mapreduce_job.task.job import Job
    from model_mapreduce_job.task.messages import Begin, Surveyed, Verified
    from model_mapreduce_job.task.run_options import RunOptions
    from model_mapreduce_job.task.sample_prediction import SampleResult

# For a cluster whose size is not known
SOME_CORES = (1, 10, 100)
_SPLITTABLE = ".bz2"


def plan_job(
    job: Job,
    options: RunOptions,
    orders: Mapping[str, ColumnOrder],
    surveyed: Surveyed,
    verified: Verified | None,
) -> None:
    """Write the plan of a job to its standard output, and to --summary_file.

    Raises InputError for an input that can't be read, such as standard input; what loading and running the
    model raise; and, after the report is written, TooManyFailuresError when too much of the sample failed.
    """
    if STDIN in options.inputs:
        raise InputError(
            "--plan can't read standard input: what it reads would be gone. Save the input to a file."
        )
    if not options.verbose:
        # mrjob logs directories and buckets of a run that is not started
        logging.getLogger("mrjob").setLevel(logging.WARNING)
        logging.getLogger("mrjob.conf").setLevel(logging.ERROR)
    runner = job.make_plain_runner()
    try:
        begin = msgspec.structs.replace(job.begin(options.task), tables=surveyed.tables)
        plan = make_plan(options, runner, begin, show=job.show, orders=orders, tables=surveyed.files)
    finally:
        runner.cleanup(mode=["LOCAL_TMP"])  # nothing else was made
    plan = replace(plan, assumptions=[*plan.assumptions, *_notes(job, options, plan)], verified=verified)
    job.stdout.write(f"{report(plan)}\n".encode())
    job.stdout.flush()
    if options.summary_file:
        _save(options.summary_file, plan)
    plan.check(options.max_error_rate, fail_fast=not options.task.no_fail_fast)


def make_plan(  # noqa: PLR0913 - the job, the run and what its input is
    options: RunOptions,
    runner: Any,
    begin: Begin,
    *,
    show: Callable[[bytes], None] | None,
    orders: Mapping[str, ColumnOrder],
    tables: Sequence[TableFile],
) -> Plan:
    """Return the plan of a job with these options on a runner; raises what plan_job raises."""
    if runner.alias == "hadoop":
        runner.get_hadoop_version()  # raises when there is no command to start the run with
    cluster = cluster_of(runner)
    files = list_files(runner, options.inputs)
    if begin.tables.is_read:
        sample = table_sample(tables)
    else:
        sample = read_sample(files, text_reading(options.task), orders)
    sample_run = run_sample(begin, sample.blocks, show=show)
    figures = table_figures(tables) if begin.tables.is_read else figures_of(files, sample, sample_run)
    durations = _durations(files, sample, sample_run, figures.rows, cluster)
    cost, source = _cost(cluster, durations, dict(options.price_per_hour or ()))
    return Plan(
        runner=runner.alias,
        input=figures,
        sample_files=sample.files,
        sample_bytes=sample.text_bytes,
        sample_run=sample_run,
        cluster=cluster,
        durations=durations,
        cost=cost,
        price_source=source,
        assumptions=list(assumptions_of(cluster, sample_run.result, cost, is_exact=figures.is_exact)),
    )


def _notes(job: Job, options: RunOptions, plan: Plan) -> Iterator[str]:
    """Yield what the plan does not take into account."""
    if has_further_steps(job):
        yield "Steps and reducers that follow the predictions are not counted."
    types = {machines.instance_type for fleet in plan.cluster.fleets for machines in fleet.choices}
    for kind, _ in options.price_per_hour or ():
        if kind not in types:
            yield f"--price_per_hour {kind} changes nothing: the run would start no such instance."


def figures_of(files: Sequence[InputFile], sample: Sample, sample_run: SampleRun) -> InputFigures:
    """Return the input's figures: rows counted where all of it was read, else estimated."""
    counters = sample_run.result.report.counters
    is_complete = counters.lines == sample.lines
    rows = counters.records if is_complete else sample.filled_lines - counters.headers
    if not sample.is_whole:
        text = sum(_file_size(file, sample.expansion).text for file in files)
        rows = estimate_rows(text, sample.text_bytes, rows)
    stored = sum(file.size for file in files)
    return InputFigures(len(files), stored, rows, is_exact=sample.is_whole and is_complete)


def _file_size(file: InputFile, expansion: float, *, splits_bz2: bool = False) -> FileSize:
    is_split = not file.is_compressed or (splits_bz2 and file.path.endswith(_SPLITTABLE))
    return FileSize(file.size, file.size * (expansion if file.is_compressed else 1.0), is_split)


def _durations(
    files: Sequence[InputFile], sample: Sample, sample_run: SampleRun, rows: int, cluster: Cluster
) -> list[Duration]:
    result: SampleResult = sample_run.result
    if not result.record_seconds:
        return []
    splits_bz2 = not cluster.shared_workers  # Hadoop does
    sizes = [_file_size(file, sample.expansion, splits_bz2=splits_bz2) for file in files]
    work = split_work(sizes, rows, result.record_seconds, result.load_seconds, cluster.split_bytes)
    cores = SOME_CORES if cluster.cores is None else (cluster.cores,)
    return [estimate_duration(work, cluster, number) for number in cores]


def _cost(
    cluster: Cluster, durations: Sequence[Duration], given: Mapping[str, float]
) -> tuple[Cost | None, str]:
    if not (cluster.fleets and cluster.cores and durations):
        return None, ""
    prices = prices_for(cluster.region, given)
    cost = estimate_cost(cluster.fleets, prices, durations[0].seconds)
    return cost, prices.source(cost.priced)


def _save(path: str, plan: Plan) -> None:
    try:
        write_whole(Path(path), f"{json.dumps({'plan': plan.as_json()}, indent=2)}\n".encode())
    except OSError as error:
        raise InputError(f"--summary_file {path} can't be written: {error.strerror}.") from error
