"""The plan of a run: what is known of it before it starts."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.exceptions import TooManyFailuresError
from model_mapreduce_job.pipeline.summary import RunSummary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_mapreduce_job.pipeline.counters import Tally
    from model_mapreduce_job.plan.cluster import Cluster
    from model_mapreduce_job.plan.estimate import Cost, Duration
    from model_mapreduce_job.plan.trial import Trial
    from model_mapreduce_job.task.rehearsal import SchemaCheck

MISFIT = "OutputSchemaMismatch"


@dataclass(frozen=True)
class InputFigures:
    """The input's files, their bytes as stored, and its rows; is_exact says that the rows were counted."""

    files: int
    stored_bytes: int
    rows: int
    is_exact: bool


@dataclass(frozen=True)
class Plan:
    """What a run would read, what came of its sample, and what the run is expected to take.

    sample_files and sample_bytes say how much was read, decompressed. durations has one entry, or, when the
    cluster's size is not known, one for each of several sizes; none when no record was predicted.
    """

    model: str
    runner: str
    input: InputFigures
    sample_files: int
    sample_bytes: int
    trial: Trial
    cluster: Cluster
    durations: Sequence[Duration]
    cost: Cost | None
    price_source: str
    assumptions: Sequence[str]

    @property
    def summary(self) -> RunSummary:
        """Return the sample's counts as a run's summary has them; a prediction that does not fit failed."""
        tally = with_misfits(self.trial.rehearsal.tally, self.trial.rehearsal.schema_check)
        counters: dict[str, dict[str, int]] = {}
        for group, name, amount in tally.counters():
            counters.setdefault(group, {})[name] = amount
        return RunSummary.of(counters, 0.0, tally.examples)

    @property
    def records_per_second(self) -> float | None:
        """Return the records that one core predicts in a second, None when none was predicted."""
        seconds = self.trial.rehearsal.record_seconds
        return 1 / seconds if seconds else None

    def check(self, max_error_rate: float, *, fail_fast: bool) -> None:
        """Raise TooManyFailuresError when more of the sample failed than a run allows."""
        try:
            self.summary.check(max_error_rate)
        except TooManyFailuresError as error:
            raise TooManyFailuresError(f"In the sample, {error}") from None
        if fail_fast:
            self.trial.rehearsal.tally.check_start()

    def as_json(self) -> dict[str, Any]:
        """Return the plan as a JSON object; times are in seconds, cost is in US dollars."""
        rehearsal = self.trial.rehearsal
        return {
            "model": {"qualified_name": self.model, "version": rehearsal.version},
            "runner": self.runner,
            "input": asdict(self.input),
            "sample": {"files": self.sample_files, "bytes": self.sample_bytes, **_counts(self.summary)},
            "output_schema": asdict(rehearsal.schema_check),
            "ended_its_process": self.trial.lost or None,
            "batch_size": rehearsal.batch_size,
            "records_per_second_per_core": self.records_per_second,
            "load_seconds": rehearsal.load_seconds,
            "cluster": asdict(self.cluster),
            "expected": [{**asdict(duration), "seconds": duration.seconds} for duration in self.durations],
            "cost": _cost(self.cost, self.price_source),
            "assumptions": list(self.assumptions),
        }


def with_misfits(tally: Tally, check: SchemaCheck) -> Tally:
    """Return a tally whose predictions that do not fit output_schema are failures."""
    if not check.misfits:
        return tally
    kinds, examples = tally.kinds.copy(), {**tally.examples, MISFIT: check.example}
    kinds[MISFIT] += check.misfits
    predicted, failed = tally.predicted - check.misfits, tally.failed + check.misfits
    return replace(tally, predicted=predicted, failed=failed, kinds=kinds, examples=examples)


def _counts(summary: RunSummary) -> dict[str, Any]:
    told = summary.as_json()
    return {name: told[name] for name in ("counts", "failed_share", "reasons")}


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
