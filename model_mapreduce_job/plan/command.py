"""Makes a plan: reads and predicts a sample, and works out what the run would take; starts no run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.plan.assumptions import assumptions_of
from model_mapreduce_job.plan.cluster import cluster_of
from model_mapreduce_job.plan.estimate import (
    Cost,
    Duration,
    Work,
    estimate_cost,
    estimate_duration,
    estimate_rows,
)
from model_mapreduce_job.plan.input_files import list_files
from model_mapreduce_job.plan.plan import InputFigures, Plan
from model_mapreduce_job.plan.prices import prices_for
from model_mapreduce_job.plan.sample import Sample, read_sample
from model_mapreduce_job.plan.sample_run import SampleRun, run_sample
from model_mapreduce_job.plan.table_sample import table_figures, table_sample
from model_mapreduce_job.plan.tasks import InputSize
from model_mapreduce_job.storage.inputs import STDIN
from model_mapreduce_job.task.delimited_options import text_reading
from model_mapreduce_job.task.job import has_further_steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from model_mapreduce_job.formats.column_order import ColumnOrder
    from model_mapreduce_job.plan.cluster import Cluster
    from model_mapreduce_job.plan.input_files import InputFile
    from model_mapreduce_job.plan.tasks import ExpectedTasks, PlannedRunner
    from model_mapreduce_job.storage.table_files import TableFile
    from model_mapreduce_job.task.job import Job
    from model_mapreduce_job.task.messages import Begin
    from model_mapreduce_job.task.run_options import RunOptions
    from model_mapreduce_job.task.sample_prediction import SampleResult

# For a cluster whose size is not known
SOME_CORES = (1, 10, 100)


def refuse_streams(options: RunOptions) -> None:
    """Raise InputError for standard input, from which a plan can't read anything without taking it away."""
    if STDIN in options.inputs:
        raise InputError(
            "--plan can't read standard input: what it reads would be gone. Save the input to a file."
        )


def make_plan(  # noqa: PLR0913 - the job, the run and what its input is
    job: Job,
    options: RunOptions,
    runner: PlannedRunner,
    begin: Begin,
    *,
    orders: Mapping[str, ColumnOrder],
    tables: Sequence[TableFile],
) -> Plan:
    """Return the plan of a job with these options on a runner.

    Raises InputError for an input that can't be read, and what loading and running the model raise.
    """
    mrjobs = runner.mrjobs()
    if mrjobs.alias == "hadoop":
        mrjobs.get_hadoop_version()  # raises when there is no command to start the run with
    cluster = cluster_of(mrjobs)
    files = list_files(mrjobs, options.inputs)
    is_table = begin.tables.is_read
    sample = table_sample(tables) if is_table else read_sample(files, text_reading(options.task), orders)
    sample_run = run_sample(begin, sample.blocks, show=job.show)
    figures = table_figures(tables) if is_table else figures_of(files, sample, sample_run)
    sizes = [_size(file, sample.expansion) for file in files]
    tasks = {cores: runner.expected_tasks(sizes, cores) for cores in _cores(cluster)}
    durations = _durations(tasks, sample_run, figures.rows, cluster)
    cost, source = _cost(cluster, durations, dict(options.price_per_hour or ()))
    note = next(iter(tasks.values())).note
    assumed = assumptions_of(cluster, sample_run.result, cost, note, is_exact=figures.is_exact)
    return Plan(
        runner=mrjobs.alias,
        input=figures,
        sample_files=sample.files,
        sample_bytes=sample.text_bytes,
        sample_run=sample_run,
        cluster=cluster,
        tasks=tasks,
        durations=durations,
        cost=cost,
        price_source=source,
        assumptions=[*assumed, *_notes(job, options, cluster)],
    )


def _cores(cluster: Cluster) -> Sequence[int]:
    return SOME_CORES if cluster.cores is None else (cluster.cores,)


def _notes(job: Job, options: RunOptions, cluster: Cluster) -> Iterator[str]:
    """Yield what the plan does not take into account."""
    if has_further_steps(job):
        yield "Steps and reducers that follow the predictions are not counted."
    if options.resume:
        yield "What a stopped run has finished is counted, though --resume would not predict it again."
    types = {machines.instance_type for fleet in cluster.fleets for machines in fleet.choices}
    for kind, _ in options.price_per_hour or ():
        if kind not in types:
            yield f"--price_per_hour {kind} changes nothing: the run would start no such instance."


def figures_of(files: Sequence[InputFile], sample: Sample, sample_run: SampleRun) -> InputFigures:
    """Return the input's figures: rows counted where all of it was read, else estimated."""
    counters = sample_run.result.report.counters
    is_complete = counters.lines == sample.lines
    rows = counters.records if is_complete else sample.filled_lines - counters.headers
    if not sample.is_whole:
        text = sum(_size(file, sample.expansion).text for file in files)
        rows = estimate_rows(text, sample.text_bytes, rows)
    stored = sum(file.size for file in files)
    return InputFigures(len(files), stored, rows, is_exact=sample.is_whole and is_complete)


def _size(file: InputFile, expansion: float) -> InputSize:
    return InputSize(file.path, file.size, file.size * (expansion if file.is_compressed else 1.0))


def _durations(
    tasks: Mapping[int, ExpectedTasks], sample_run: SampleRun, rows: int, cluster: Cluster
) -> list[Duration]:
    result: SampleResult = sample_run.result
    if not result.record_seconds:
        return []
    return [
        estimate_duration(
            Work(expected, rows, result.record_seconds, result.load_seconds), cluster.start_seconds, cores
        )
        for cores, expected in tasks.items()
    ]


def _cost(
    cluster: Cluster, durations: Sequence[Duration], given: Mapping[str, float]
) -> tuple[Cost | None, str]:
    if not (cluster.fleets and cluster.cores and durations):
        return None, ""
    prices = prices_for(cluster.region, given)
    cost = estimate_cost(cluster.fleets, prices, durations[0].seconds)
    return cost, prices.source(cost.priced)
