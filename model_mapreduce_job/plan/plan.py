"""The plan of a run: what is known about it before it starts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from model_mapreduce_job.exceptions import InputError, TooManyFailuresError
from model_mapreduce_job.pipeline.summary import RunSummary
from model_mapreduce_job.pipeline.task_report import Example, check_start

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model_mapreduce_job.pipeline.task_report import TaskReport
    from model_mapreduce_job.plan.cluster import Cluster
    from model_mapreduce_job.plan.estimate import Cost, Duration
    from model_mapreduce_job.plan.sample_run import SampleRun
    from model_mapreduce_job.plan.tasks import ExpectedTasks
    from model_mapreduce_job.task.messages import Verified
    from model_mapreduce_job.task.sample_prediction import SampledModel, SchemaCheck

MISMATCH = "OutputSchemaMismatch"


@dataclass(frozen=True)
class InputFigures:
    """The input's files, their bytes as stored, and its rows; is_exact says that the rows were counted."""

    files: int
    stored_bytes: int
    rows: int
    is_exact: bool


@dataclass(frozen=True)
class Plan:
    """What a run would read, the result of a sample, and the expected duration and cost.

    sample_files and sample_bytes say how much was read, decompressed. tasks has one entry, by the number of
    cores; when the cluster's size is not known, one for each of several sizes. So has durations,
    but none when no record was predicted.
    """

    runner: str
    input: InputFigures
    sample_files: int
    sample_bytes: int
    sample_run: SampleRun
    cluster: Cluster
    tasks: Mapping[int, ExpectedTasks]
    durations: Sequence[Duration]
    cost: Cost | None
    price_source: str
    assumptions: Sequence[str]
    verified: Verified | None = None

    @property
    def summary(self) -> RunSummary:
        """Return the sample's counts as a run's summary; predictions that do not fit output_schema failed."""
        result = self.sample_run.result
        checks = {name: model.schema_check for name, model in result.models.items()}
        if len(checks) > 1:
            return RunSummary(with_mismatches_of_models(result.report, checks), 0.0)
        (check,) = checks.values()
        return RunSummary(with_mismatches(result.report, check), 0.0)

    @property
    def records_per_second(self) -> float | None:
        """Return the records that one core predicts in a second, None when none was predicted."""
        seconds = self.sample_run.result.record_seconds
        return 1 / seconds if seconds else None

    def check(self, max_error_rate: float, *, fail_fast: bool, keys: Sequence[str] = ()) -> None:
        """Raise TooManyFailuresError when more of the sample failed than a run allows.

        Raises InputError for one of the keys, fields of a --key, that none of its records has.
        """
        try:
            self.summary.check(max_error_rate)
        except TooManyFailuresError as error:
            raise TooManyFailuresError(f"In the sample, {error}") from None
        if fail_fast:
            check_start(self.sample_run.result.report)
        if mistake := self.summary.unknown_key(keys):
            raise InputError(f"In the sample, {mistake} A run publishes nothing where no record has it.")

    def as_json(self) -> dict[str, Any]:
        """Return the plan as a JSON object; times are in seconds, cost is in US dollars."""
        result = self.sample_run.result
        return {
            **_models(result.models),
            "verified": self.verified and self.verified.as_json(),
            "runner": self.runner,
            "input": asdict(self.input),
            "sample": {"files": self.sample_files, "bytes": self.sample_bytes, **_counts(self.summary)},
            "ended_its_process": self.sample_run.lost or None,
            "batch_size": result.batch_size,
            "records_per_second_per_core": self.records_per_second,
            "load_seconds": result.load_seconds,
            "cluster": asdict(self.cluster),
            "tasks": [
                {"cores": cores, "tasks": expected.count, "loads": expected.loads, "words": expected.words}
                for cores, expected in self.tasks.items()
            ],
            "expected": [{**asdict(duration), "seconds": duration.seconds} for duration in self.durations],
            "cost": _cost(self.cost, self.price_source),
            "assumptions": list(self.assumptions),
        }


def with_mismatches_of_models(report: TaskReport, checks: Mapping[str, SchemaCheck]) -> TaskReport:
    """Return a report in which predictions of several models that don't fit their schemas count as failures.

    That is as far as each model goes: of the records, some may count as failed by another model already.
    """
    changed = {
        name: with_mismatches(own, checks[name]) if name in checks else own
        for name, own in report.models.items()
    }
    return msgspec.structs.replace(report, models=changed)


def with_mismatches(report: TaskReport, check: SchemaCheck) -> TaskReport:
    """Return a report in which predictions that do not fit output_schema count as failures."""
    if not check.mismatches:
        return report
    before = report.counters
    counters = msgspec.structs.replace(
        before,
        predicted=before.predicted - check.mismatches,
        failed=before.failed + check.mismatches,
        reasons={**before.reasons, MISMATCH: check.mismatches},
    )
    examples = {**report.examples, MISMATCH: Example(check.example)}
    return msgspec.structs.replace(report, counters=counters, examples=examples)


def _models(models: Mapping[str, SampledModel]) -> dict[str, Any]:
    found = [(_model(name, model), asdict(model.schema_check)) for name, model in models.items()]
    if len(found) > 1:
        return {"models": [{**model, "output_schema": schema} for model, schema in found]}
    ((model, schema),) = found
    return {"model": model, "output_schema": schema}


def _model(name: str, model: SampledModel) -> dict[str, Any]:
    of_file = {"kind": model.kind, "columns": model.columns} if model.columns else {}
    return {"qualified_name": name, "version": model.version, **of_file}


def _counts(summary: RunSummary) -> dict[str, Any]:
    whole = summary.as_json()
    return {name: whole[name] for name in ("counts", "failed_share", "reasons")}


def _cost(cost: Cost | None, source: str) -> dict[str, Any] | None:
    if cost is None:
        return None
    return {
        "currency": "USD",
        "lowest": cost.lowest,
        "highest": cost.highest,
        "priced": sorted(cost.priced),
        "unpriced": sorted(cost.unpriced),
        "source": source,
    }
