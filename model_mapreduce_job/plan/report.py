"""The report of a plan: lines for a person to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_mapreduce_job.pipeline.several_summary import model_rows
from model_mapreduce_job.printable import counted, printable, some_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from model_mapreduce_job.plan.cluster import Fleet, Machines
    from model_mapreduce_job.plan.estimate import Cost, Duration
    from model_mapreduce_job.plan.plan import InputFigures, Plan
    from model_mapreduce_job.plan.tasks import ExpectedTasks
    from model_mapreduce_job.task.sample_prediction import SampledModel

_REASONS = 5
_MOST_COLUMNS = 20
_EXAMPLE_CHARACTERS = 200
_UNITS = (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20))
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


def report(plan: Plan) -> str:
    """Return the report of a plan, without a newline at its end."""
    rows = [f"{name:<14} {text}" for name, text in _rows(plan)]
    assumed = [f"  - {assumption}" for assumption in plan.assumptions]
    return "\n".join([*rows, "assumed", *assumed])


def _rows(plan: Plan) -> Iterator[tuple[str, str]]:
    result = plan.sample_run.result
    models = result.models
    named = ", ".join(f"{name} {own.version}" for name, own in models.items())
    yield "plan", f"{named} with -r {plan.runner}; nothing was started"
    for name, own in models.items():
        if own.columns:
            of_which = f"{name}, " if len(models) > 1 else ""
            yield "model file", f"{of_which}of {own.kind}, with the columns {_columns(own.columns)}"
    if plan.verified:
        yield "verified", printable(plan.verified.words)
    yield "input", _input(plan.input)
    yield from _sample_rows(plan)
    for name, own in models.items():
        yield "output_schema", f"{name}: {_schema(own)}" if len(models) > 1 else _schema(own)
    yield (
        "batch size",
        str(result.batch_size or "not known: the model ran in a process of its own"),
    )
    yield "speed", _speed(plan)
    yield "cluster", plan.cluster.description
    for fleet in plan.cluster.fleets:
        yield f"  {fleet.role}", _fleet(fleet)
    yield from _task_rows(plan.tasks)
    yield from (("time", _time(duration)) for duration in plan.durations)
    if plan.cost:
        yield "cost", _cost(plan.cost, plan.price_source)


def _columns(columns: Mapping[str, str]) -> str:
    """Return the input's columns that go to a model file, with its own names for them where they differ."""
    named = [
        column if column == feature else f"{column} (as {feature})" for feature, column in columns.items()
    ]
    return printable(some_of(named, _MOST_COLUMNS))


def _input(figures: InputFigures) -> str:
    rows = counted(figures.rows, "row") if figures.is_exact else f"about {counted(figures.rows, 'row')}"
    return f"{counted(figures.files, 'file')}, {size(figures.stored_bytes)}, {rows}"


def _task_rows(tasks: Mapping[int, ExpectedTasks]) -> Iterator[tuple[str, str]]:
    """Yield the rows of a run's tasks, by the number of cores: one row where all have the same."""
    words = {cores: expected.words for cores, expected in tasks.items()}
    if len({*words.values()}) == 1:
        words = {0: next(iter(words.values()))}
    for cores, text in words.items():
        yield "tasks", f"on {counted(cores, 'core')}: {text}" if cores else text


def _sample_rows(plan: Plan) -> Iterator[tuple[str, str]]:
    summary = plan.summary
    read = f"{counted(summary.counters.lines, 'line')} of {counted(plan.sample_files, 'file')}"
    counts = summary.counters
    failed = f"{counts.failed:,} failed ({summary.failed_share:.2%})"
    yield (
        "sample",
        f"{read}: {counts.predicted:,} predicted, {failed}, {counts.blank:,} blank",
    )
    if plan.sample_run.lost:
        yield (
            "",
            f"a record ended the model's process ({plan.sample_run.lost}): predicted once more, in isolation",
        )
    yield from (("", row) for row in model_rows(summary.report))
    for kind, count in list(summary.reasons.items())[:_REASONS]:
        yield "", f"{count:,} x {kind}: {summary.message(kind)[:_EXAMPLE_CHARACTERS]}"
    yield from (("warning", warning) for warning in plan.sample_run.result.report.warnings)


def _schema(model: SampledModel) -> str:
    check = model.schema_check
    if check.problem:
        return f"not checked: {check.problem}"
    if check.mismatches:
        return (
            f"{counted(check.mismatches, 'prediction')} of the sample do not fit it, and count as failed here"
        )
    return "every prediction of the sample fits it"


def _speed(plan: Plan) -> str:
    loads = f"the model loads in {duration(plan.sample_run.result.load_seconds)}"
    rate = plan.records_per_second
    return f"{rate:,.0f} records/s on one core of this machine; {loads}" if rate else f"not known; {loads}"


def _fleet(fleet: Fleet) -> str:
    first, *others = map(_machines, fleet.choices)
    return f"{first}, {fleet.market}" + (f"; or {', '.join(others)}" if others else "")


def _machines(machines: Machines) -> str:
    return f"{machines.count} x {machines.instance_type}"


def _time(expected: Duration) -> str:
    idle = (
        "" if expected.busy == expected.cores else f", of which the input's tasks keep {expected.busy:,} busy"
    )
    return (
        f"about {duration(expected.seconds)} on {counted(expected.cores, 'core')}{idle}: "
        f"{duration(expected.start_seconds)} to start, {duration(expected.load_seconds)} to load the model, "
        f"{duration(expected.predict_seconds)} to predict"
    )


def _cost(cost: Cost, source: str) -> str:
    missing = [f"--price_per_hour {kind}=PRICE" for kind in sorted(cost.unpriced)]
    if cost.lowest is None or cost.highest is None:
        return f"not known. Give the prices of an instance's hour: {' '.join(missing)}"
    lowest, highest = f"{cost.lowest:,.2f}", f"{cost.highest:,.2f}"
    amount = f"{lowest} USD" if lowest == highest else f"{lowest} to {highest} USD"
    rest = f"; without {', '.join(sorted(cost.unpriced))}, whose price is not known" if missing else ""
    return f"about {amount} ({source}{rest})"


def size(count: int) -> str:
    """Return a number of bytes in words; from 1 MiB on in larger units as well."""
    exact = counted(count, "byte")
    unit, name = next(((unit, name) for name, unit in _UNITS if count >= unit), (0, ""))
    return f"{count / unit:,.1f}".removesuffix(".0") + f" {name} ({exact})" if unit else exact


def duration(seconds: float) -> str:
    """Return a time in s, min, h or days."""
    if seconds < _MINUTE:
        return f"{seconds:.1f} s" if seconds < _MINUTE / 6 else f"{seconds:.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.1f} h" if seconds < 2 * _DAY else f"{seconds / _DAY:.1f} days"
