"""The core: lines or rows in, and out with their predictions.

batch -> reader -> records, failures -> predictor -> texts, failures -> writer -> lines or rows
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from model_mapreduce_job.exceptions import MachineFaultError, TooManyFailuresError
from model_mapreduce_job.formats.errors import place_of, still_ourselves
from model_mapreduce_job.formats.first_bytes import LOOK_BYTES, what_this_is
from model_mapreduce_job.formats.lines import Place
from model_mapreduce_job.formats.records import Failure, OverlongLine, Records, Text, failed_places
from model_mapreduce_job.pipeline.batch_sizing import BatchSizer
from model_mapreduce_job.pipeline.batches import batches
from model_mapreduce_job.pipeline.observers import LineObserver, Observer, Unobserved
from model_mapreduce_job.pipeline.task_report import (
    FAIL_FAST_RECORDS,
    ReportBuilder,
    SlowBatch,
    check_start,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from model_mapreduce_job.formats.batch_formats import Reader, Writer
    from model_mapreduce_job.formats.read_batch import Kept
    from model_mapreduce_job.pipeline.predictors import Predictor


class Watch(Protocol):
    """What limits the time that a batch may take."""

    def begin(self) -> None:
        """Begin a batch."""
        ...

    def end(self) -> None:
        """End it."""
        ...


class Unwatched:
    """Limits nothing."""

    def begin(self) -> None:
        """Begin a batch."""

    def end(self) -> None:
        """End it."""


class Several(Protocol):
    """What knows the models of a run of more than one, whose predictor answers for all of them."""

    asking: Callable[[str], None] | None

    def count(self, report: ReportBuilder, outcomes: Sequence[Any], lines: Sequence[int]) -> None:
        """Add what became of records to the reports of the models; lines has the task's line of each."""
        ...

    def count_kept(self, report: ReportBuilder, records: int) -> None:
        """Add records whose predictions are kept to the reports of the models."""
        ...

    def charging(self, failures: Mapping[str, Failure]) -> AbstractContextManager[None]:
        """Ask none of these models within a with statement: each record is the failure given."""
        ...


class Pipeline(msgspec.Struct):
    """One task's way from lines to lines: how they are read, predicted and written, and what is counted.

    The sizer says how many lines are a batch, and watch limits its time. With fail_fast a run ends whose
    first 1,000 records all failed; first_of_run says whether the task has these. fingerprint asks for the
    digests of the output, check_batches for a look, at the end, whether predictions depend on their batches.
    fresh_and_alone says that this process was started for the one record that it's given: what memory doesn't
    suffice for then fails. several is there where the predictor is one of several models, repeats where equal
    records are counted; observer looks at all records and predictions.
    """

    reader: Reader
    predictor: Predictor
    writer: Writer
    sizer: BatchSizer = msgspec.field(default_factory=BatchSizer)
    report: ReportBuilder = msgspec.field(default_factory=ReportBuilder)
    fail_fast: bool = True
    fingerprint: bool = False
    watch: Watch = msgspec.field(default_factory=Unwatched)
    first_of_run: bool = True
    fresh_and_alone: bool = False
    check_batches: bool = True
    several: Several | None = None
    observer: Observer = msgspec.field(default_factory=Unobserved)
    repeats: LineObserver | None = None
    _pid: int = msgspec.field(default_factory=os.getpid)
    _head: bytes = b""

    def predict_lines(self, blocks: Iterable[Any]) -> Iterator[Any]:
        """Yield the output lines of each batch, in order: one for each line that is not blank and no header.

        Blocks are lists of lines, or Arrow RecordBatches, whose rows are what lines are elsewhere; the output
        of a table is RecordBatches as well.

        Raises TooManyFailuresError when fail_fast is set and the run starts with 1,000 failures,
        ModelContractError when the model answers out of contract, and MachineFaultError.
        """
        for batch in batches(blocks, self.sizer):
            self.watch.begin()
            output = self._overlong(batch) if isinstance(batch, OverlongLine) else self._batch(batch)
            self.watch.end()
            self.report.counters.add_keys(self.reader.take_key_counts())
            if self.fail_fast and self.first_of_run:
                self._check_start(batch)
            yield self._fingerprinted(output)
        self._report_what_was_seen()
        if self.check_batches:
            self.check_model()

    def header(self) -> bytes | None:
        """Return the line that the output begins with, None where it begins with a record's."""
        return self.writer.header

    def check_model(self) -> None:
        """Warn of a model whose answers depend on the batch; call this when all answers are written.

        Raises ModelContractError when they come in another order than the records.
        """
        for finding in self.predictor.check_batches().splitlines():
            self.report.add_warning(finding)

    def _check_start(self, batch: Any) -> None:
        if not self._head and isinstance(batch, Sequence):
            self._head = b"\n".join(batch[:FAIL_FAST_RECORDS])[:LOOK_BYTES]
        try:
            check_start(self.report)
        except TooManyFailuresError as error:
            kind = what_this_is(self._head)
            raise TooManyFailuresError(
                f"The input looks like {kind}. {error}" if kind else str(error)
            ) from None

    def _batch(self, lines: Any) -> Any:
        try:
            return self._predicted(lines)
        except MachineFaultError as fault:
            if not (self.fresh_and_alone and fault.wants_memory and len(lines) == 1):
                raise
            cause = fault.__cause__ or fault
            failure = Failure.of(cause, place_of(cause))
            if self.several is None or not fault.model:
                return self._known(lines, failure)
            with self.several.charging({fault.model: failure}):
                return self._batch(lines)

    def _predicted(self, lines: Any) -> Any:
        started = perf_counter_ns()
        batch = self.reader.read(lines)
        self.observer.look(batch.records)
        texts = self.writer.checked(self._predict(batch.records))
        failed = _failures_in(texts)
        self.observer.answers(texts, has_failures=bool(failed))
        outcomes = batch.with_failures(texts)
        # in the order of their lines: of each type the first one is shown
        failures = _failures_in(outcomes) if failed else list(batch.failures.values())
        output = self._write(batch.keys, outcomes, failures, batch.lines)
        if batch.kept is not None:
            output = self._with_kept(output, batch.kept)
        self._look_for_repeats(lines, outcomes, batch.lines)
        counters = self.report.counters
        first = Place(counters.lines + 1)
        counters.lines += len(lines)
        counters.blank += batch.blank
        counters.headers += batch.headers
        seconds = (perf_counter_ns() - started) / 1e9
        self.report.add_batch(SlowBatch(seconds, len(lines), first))
        self.sizer.observe(len(lines), seconds, self.writer.size(output))
        return output

    def _with_kept(self, output: Any, kept: Kept) -> Any:
        """Return the output with the lines of an earlier one that are kept, and count these."""
        self.report.counters.kept += kept.count
        if self.several is not None:
            self.several.count_kept(self.report, kept.count)
        return kept.with_lines(output)

    def _predict(self, records: Records) -> Sequence[Text]:
        started = perf_counter_ns()
        texts = self.predictor.predict(records)
        still_ourselves(self._pid)
        self.report.counters.predict_ns += perf_counter_ns() - started
        self.report.counters.batches += 1
        return texts

    def _write(
        self,
        keys: Any,
        predictions: Sequence[bytes | Failure],
        failures: list[Failure],
        lines: Sequence[int] = (0,),
    ) -> Any:
        """Return and count the output lines; lines has the place of each key's line in the batch."""
        if failures and not self.report.counters.predicted:
            self.report.leading_failures += _leading_failures(predictions)
        first = self.report.counters.lines + 1
        if self.several is not None:
            self.several.count(self.report, predictions, [first + line for line in lines])
        self.report.add_failures(failures, lambda failure: first + lines[_place_in(predictions, failure)])
        self.report.counters.predicted += len(predictions) - len(failures)
        self.observer.failures(failures)
        return self.writer.write(keys, predictions)

    def fail(self, line: Any, failure: Failure) -> Any:
        """Return the output of a batch of one line whose failure is already known, and count it."""
        output = self._fingerprinted(self._known(line, failure))
        self._report_what_was_seen()
        return output

    def _report_what_was_seen(self) -> None:
        self.observer.add_to(self.report)
        if self.repeats is not None:
            self.report.add_repeats(self.repeats.taken())

    def _known(self, line: Any, failure: Failure) -> Any:
        self._look_for_repeats(line, [failure], [0])
        return self._alone(self.reader.keys(line), failure)

    def _look_for_repeats(self, lines: Any, predictions: Sequence[Text], places: Sequence[int]) -> None:
        if self.repeats is not None:
            self.repeats.add(lines, predictions, places, self.report.counters.lines + 1)

    def _overlong(self, line: OverlongLine) -> Any:
        failure = Failure("OverlongLine", "The line is longer than --max_record_bytes")
        return self._alone(self.reader.overlong_keys(line), failure)

    def _alone(self, keys: Any, failure: Failure) -> Any:
        output = self._write(keys, [failure], [failure])
        self.report.counters.lines += 1
        return output

    def _fingerprinted(self, output: Any) -> Any:
        if self.fingerprint:
            self.report.counters.add_output(self.writer.lines(output))
        return output


def _failures_in(texts: Sequence[Text]) -> list[Failure]:
    if not isinstance(texts, list):  # columns, which have no failures of their own
        return []
    return [texts[place] for place in failed_places(texts)]


def _place_in(predictions: Sequence[bytes | Failure], failure: Failure) -> int:
    return next(place for place, text in enumerate(predictions) if text is failure)


def _leading_failures(predictions: Sequence[bytes | Failure]) -> int:
    places = (place for place, text in enumerate(predictions) if not isinstance(text, Failure))
    return next(places, len(predictions))
