"""Several models in one pass: each predicts the records of a batch, and what it fails is its own."""

from __future__ import annotations

from contextlib import contextmanager
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, cast

from model_mapreduce_job.exceptions import MachineFaultError, ModelContractError
from model_mapreduce_job.formats.lines import Place
from model_mapreduce_job.formats.records import failed_places
from model_mapreduce_job.formats.several_outcomes import joined_outcomes, outcomes_of_each
from model_mapreduce_job.pipeline.agreement import agreement_of
from model_mapreduce_job.pipeline.task_report import SlowBatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from model_mapreduce_job.formats.records import Failure, Text
    from model_mapreduce_job.pipeline.predictors import Predictor
    from model_mapreduce_job.pipeline.task_report import ReportBuilder


class SeveralPredictor:
    """Predicts with several models, one after the other; predictors has one for each, by its name.

    begin is called before each of them is asked: each has the time limit of a batch for itself. asking is
    called with the name of the one that is asked for a record alone, which may end this process.
    """

    def __init__(self, predictors: Mapping[str, Predictor], begin: Callable[[], None]) -> None:
        self._predictors = predictors
        self._begin = begin
        self._names = tuple(predictors)
        self._spent: dict[str, int] = {}
        self._charged: dict[str, Failure] = {}
        self.asking: Callable[[str], None] | None = None

    def predict(self, records: Any) -> list[Any]:
        """Return for each record a tuple of the texts of its predictions, or a PartlyFailed.

        records are RecordsOfSeveral. Raises MachineFaultError, which says of which model.
        """
        self._spent = {}
        columns = [self._outcomes(place, name, records) for place, name in enumerate(self._names)]
        return joined_outcomes(self._names, columns)

    def check_batches(self) -> str:
        """Return in what predictions depend on their batches, a line for each model of which they do."""
        found = {name: predictor.check_batches() for name, predictor in self._predictors.items()}
        return "\n".join(f"{name}: {finding}" for name, finding in found.items() if finding)

    @contextmanager
    def charging(self, failures: Mapping[str, Failure]) -> Iterator[None]:
        """Ask none of these models within a with statement: each record is the failure given."""
        before, self._charged = self._charged, {**self._charged, **failures}
        try:
            yield
        finally:
            self._charged = before

    def count(self, report: ReportBuilder, outcomes: Sequence[Any], lines: Sequence[int]) -> None:
        """Add what became of records to the reports of the models; lines has the task's line of each."""
        columns = outcomes_of_each(outcomes, len(self._names))
        for name, texts in zip(self._names, columns, strict=True):
            self._count_model(report.of_model(name), name, texts, lines)
        for name, texts in zip(self._names[1:], columns[1:], strict=True):
            report.add_agreement(name, agreement_of(columns[0], texts))

    def count_kept(self, report: ReportBuilder, records: int) -> None:
        """Add records whose predictions are kept to the reports of the models."""
        for name in self._names:
            counters = report.of_model(name).counters
            counters.lines += records
            counters.kept += records

    def _count_model(
        self, report: ReportBuilder, name: str, texts: Sequence[Text], lines: Sequence[int]
    ) -> None:
        failed = failed_places(texts)
        for place in failed:
            _add_failure(report, cast("Failure", texts[place]), lines[place])
        report.counters.lines += len(texts)
        report.counters.predicted += len(texts) - len(failed)
        if (spent := self._spent.pop(name, None)) is not None:
            report.counters.predict_ns += spent
            report.counters.batches += 1
            report.add_batch(SlowBatch(spent / 1e9, len(texts), Place(lines[0]) if lines else None))

    def _outcomes(self, place: int, name: str, records: Any) -> list[Text]:
        if name in self._charged:
            return [self._charged[name]] * len(records)
        own = records.of_model(place)
        if self.asking and len(records) == 1:
            self.asking(name)
        self._begin()
        started = perf_counter_ns()
        try:
            texts = list(self._predictors[name].predict(own))
        except MachineFaultError as fault:
            fault.model = name
            raise
        except ModelContractError as error:
            raise ModelContractError(f"{name}: {error}") from error
        self._spent[name] = perf_counter_ns() - started
        outcomes: list[Text] = records.outcomes(place, texts)
        return outcomes


def _add_failure(report: ReportBuilder, failure: Failure, line: int) -> None:
    report.add_failures([failure], lambda _: line)
