"""The core: lines in, lines with predictions out.

line -> protocol.read -> record | failure -> batch -> predictor -> prediction | failure -> protocol.write -> line
"""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.batch_sizing import BatchSizer
from model_mapreduce_job.batches import batches
from model_mapreduce_job.encoding import prediction_texts
from model_mapreduce_job.protocols import HeaderLine, json_string
from model_mapreduce_job.records import Failure, OverlongLine
from model_mapreduce_job.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from model_mapreduce_job.lines import Block
    from model_mapreduce_job.prediction import Predictor
    from model_mapreduce_job.protocols import InputProtocol, OutputProtocol

_BOM_START = b"\xef"


@dataclass
class BatchPrediction:
    """One task's way from lines to lines: how they are read, predicted and written, and what is counted."""

    reader: InputProtocol
    predictor: Predictor
    writer: OutputProtocol
    sizer: BatchSizer = field(default_factory=BatchSizer)
    tally: Tally = field(default_factory=Tally)
    fail_fast: bool = True
    fingerprint: bool = False

    def predict_lines(self, blocks: Iterable[Block]) -> Iterator[list[bytes]]:
        """Yield the output lines of each batch: one for each line that is neither blank nor a header, in order.

        Raises TooManyFailuresError when fail_fast is set and the task starts with 1,000 failures, and
        ModelContractError when the model answers out of contract.
        """
        for batch in batches(blocks, self.sizer):
            output = self._overlong(batch) if isinstance(batch, OverlongLine) else self._batch(batch)
            if self.fingerprint:
                self.tally.add_output(output)
            if self.fail_fast:
                self.tally.check_start()
            yield output

    def _batch(self, lines: list[bytes]) -> list[bytes]:
        started = perf_counter_ns()
        size = len(lines)
        self.tally.lines += size
        lines, records, verbatim = self._read(lines)
        outcomes = self._predict(records)
        keys = lines if verbatim else list(map(self._key, lines, records))
        output = self._write(keys, prediction_texts(outcomes))
        self.sizer.observe(size, (perf_counter_ns() - started) / 1e9)
        return output

    def _read(self, lines: list[bytes]) -> tuple[list[bytes], list[Any], bool]:
        """Return the lines that are records, each one's record or failure, and whether all lines are their keys."""
        if _is_utf8(lines):
            try:
                return lines, list(map(self.reader.read, lines)), self._all_verbatim(lines)
            except (Exception, SystemExit):  # noqa: BLE001, S110 - the loop below finds out which line it was
                pass
        kept: list[bytes] = []
        records: list[Any] = []
        for line in lines:
            if not line or line.isspace():
                self.tally.blank += 1
                continue
            try:
                records.append(self._read_one(line))
            except HeaderLine:
                self.tally.headers += 1
            else:
                kept.append(line)
        return kept, records, False

    def _read_one(self, line: bytes) -> Any:
        try:
            line.decode()
            return self.reader.read(line)
        except HeaderLine:
            raise
        except Exception as error:  # noqa: BLE001 - a schema's library may raise anything
            return Failure.of(error)

    def _predict(self, records: list[Any]) -> list[Any]:
        good = [record for record in records if type(record) is not Failure]
        started = perf_counter_ns()
        answers = self.predictor.predict(good)
        self.tally.predict_ns += perf_counter_ns() - started
        self.tally.batches += 1
        if len(good) == len(records):
            return answers
        in_order = iter(answers)
        return [record if type(record) is Failure else next(in_order) for record in records]

    def _all_verbatim(self, lines: list[bytes]) -> bool:
        if not self.reader.verbatim:
            return False
        text = b"".join(lines)
        return not (b"\t" in text or b"\r" in text or b"\xef\xbb\xbf" in text)

    def _key(self, line: bytes, record: Any) -> bytes:
        """Return a line's key; one that was read, and holds nothing to take out, is its own."""
        if self.reader.verbatim and type(record) is not Failure:
            plain = not (b"\t" in line or b"\r" in line or line.startswith(_BOM_START))
            return line if plain else self.reader.text(line)
        return self.reader.text(line)

    def _write(self, keys: list[bytes], predictions: list[bytes | Failure]) -> list[bytes]:
        failures = [text for text in predictions if type(text) is Failure]
        self.tally.predicted += len(predictions) - len(failures)
        for failure in failures:
            self.tally.add_failure(failure)
        return self.writer.write(keys, predictions)

    def _overlong(self, line: OverlongLine) -> list[bytes]:
        self.tally.lines += 1
        head = line.head.decode(errors="backslashreplace")
        key = json_string(f"{head}... ({line.length} bytes)".encode())
        failure = Failure("OverlongLine", f"The line has {line.length:,} bytes, over --max_record_bytes")
        return self._write([key], [failure])


def _is_utf8(lines: list[bytes]) -> bool:
    text = b"\n".join(lines)
    try:
        return text.isascii() or bool(text.decode())
    except UnicodeDecodeError:
        return False
