"""The core: lines in, lines with predictions out.

line -> protocol.read -> record | failure -> predictor -> prediction | failure -> protocol.write -> line
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import TYPE_CHECKING, Protocol, cast

from model_mapreduce_job.exceptions import MachineFaultError, TooManyFailuresError
from model_mapreduce_job.formats.errors import place_of
from model_mapreduce_job.formats.first_bytes import LOOK_BYTES, what_this_is
from model_mapreduce_job.formats.lines import bare
from model_mapreduce_job.formats.protocols import KeyFields, json_string
from model_mapreduce_job.formats.reading import read_batch
from model_mapreduce_job.formats.records import Failure, OverlongLine, Records, Text
from model_mapreduce_job.own_process import still_ourselves
from model_mapreduce_job.pipeline.batch_sizing import BatchSizer
from model_mapreduce_job.pipeline.batches import batches
from model_mapreduce_job.pipeline.counters import FAIL_FAST_RECORDS, Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from model_mapreduce_job.formats.lines import Block
    from model_mapreduce_job.formats.protocols import InputProtocol, OutputProtocol
    from model_mapreduce_job.pipeline.prediction import Predictor


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


@dataclass
class BatchPrediction:
    """One task's way from lines to lines: how they are read, predicted and written, and what is counted.

    first_of_run says whether the task has the run's first records, fresh_and_alone whether this process was
    started for the one record that it's given: what memory doesn't suffice for then fails.
    """

    reader: InputProtocol
    predictor: Predictor
    writer: OutputProtocol
    sizer: BatchSizer = field(default_factory=BatchSizer)
    tally: Tally = field(default_factory=Tally)
    fail_fast: bool = True
    fingerprint: bool = False
    watch: Watch = field(default_factory=Unwatched)
    first_of_run: bool = True
    fresh_and_alone: bool = False
    check_batches: bool = True
    _pid: int = field(default_factory=os.getpid)
    _head: bytes = b""

    def predict_lines(self, blocks: Iterable[Block]) -> Iterator[list[bytes]]:
        """Yield the output lines of each batch, in order: one for each line that is not blank and no header.

        Raises TooManyFailuresError when fail_fast is set and the run starts with 1,000 failures,
        ModelContractError when the model answers out of contract, and MachineFaultError.
        """
        for batch in batches(blocks, self.sizer):
            self.watch.begin()
            output = self._overlong(batch) if isinstance(batch, OverlongLine) else self._batch(batch)
            self.watch.end()
            if isinstance(self.reader, KeyFields):
                self.tally.add_keys(self.reader.take_found())
            if self.fail_fast and self.first_of_run:
                self._check_start(batch)
            yield self._counted(output)
        if self.check_batches:
            self.check_model()

    def check_model(self) -> None:
        """Warn of a model whose answers depend on the batch; call this when all answers are written.

        Raises ModelContractError when they come in another order than the records.
        """
        if finding := self.predictor.check_batches():
            self.tally.add_warning(finding)

    def _check_start(self, batch: Block) -> None:
        if not self._head and not isinstance(batch, OverlongLine):
            self._head = b"\n".join(batch[:FAIL_FAST_RECORDS])[:LOOK_BYTES]
        try:
            self.tally.check_start()
        except TooManyFailuresError as error:
            kind = what_this_is(self._head)
            raise TooManyFailuresError(
                f"The input looks like {kind}. {error}" if kind else str(error)
            ) from None

    def _batch(self, lines: list[bytes]) -> list[bytes]:
        try:
            return self._predicted(lines)
        except MachineFaultError as fault:
            if not (self.fresh_and_alone and fault.wants_memory and len(lines) == 1):
                raise
            cause = fault.__cause__ or fault
            return self._known(lines[0], Failure.of(cause, place_of(cause)))

    def _predicted(self, lines: list[bytes]) -> list[bytes]:
        started = perf_counter_ns()
        batch = read_batch(self.reader, lines)
        texts = self._checked(self._predict(batch.records))
        failures = [*batch.failures.values(), *_failures_in(texts)]
        output = self._write(batch.keys, batch.with_failures(texts), failures)
        self.tally.lines += len(lines)
        self.tally.blank += batch.blank
        self.tally.headers += batch.headers
        seconds = (perf_counter_ns() - started) / 1e9
        self.sizer.observe(len(lines), seconds, sum(map(len, output)))
        return output

    def _checked(self, texts: list[bytes | Failure]) -> list[bytes | Failure]:
        checked = getattr(self.writer, "checked", None)
        return checked(texts) if checked else texts

    def _predict(self, records: Records) -> list[Text]:
        started = perf_counter_ns()
        texts = self.predictor.predict(records)
        still_ourselves(self._pid)
        self.tally.predict_ns += perf_counter_ns() - started
        self.tally.batches += 1
        return texts

    def _write(
        self, keys: list[bytes], predictions: list[bytes | Failure], failures: list[Failure]
    ) -> list[bytes]:
        if failures and not self.tally.predicted:
            self.tally.add_leading(_leading_failures(predictions))
        for failure in failures:
            self.tally.add_failure(failure)
        self.tally.predicted += len(predictions) - len(failures)
        return self.writer.write(keys, predictions)

    def fail(self, line: bytes, failure: Failure) -> list[bytes]:
        """Return the output of a line whose failure is already known, and count it."""
        return self._counted(self._known(line, failure))

    def _known(self, line: bytes, failure: Failure) -> list[bytes]:
        self.tally.lines += 1
        return self._write([self.reader.text(bare(line))], [failure], [failure])

    def _overlong(self, line: OverlongLine) -> list[bytes]:
        self.tally.lines += 1
        key = json_string(line.head + b"...")
        failure = Failure("OverlongLine", "The line is longer than --max_record_bytes")
        return self._write([key], [failure], [failure])

    def _counted(self, output: list[bytes]) -> list[bytes]:
        if self.fingerprint:
            self.tally.add_output(output)
        return output


def _failures_in(texts: list[bytes | Failure]) -> list[Failure]:
    with suppress(TypeError):  # of the ways measured, the quickest to tell that there are none
        b"".join(cast("list[bytes]", texts))
        return []
    return [text for text in texts if isinstance(text, Failure)]


def _leading_failures(predictions: list[bytes | Failure]) -> int:
    places = (place for place, text in enumerate(predictions) if not isinstance(text, Failure))
    return next(places, len(predictions))
