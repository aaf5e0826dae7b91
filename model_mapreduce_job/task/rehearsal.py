"""The sample predicted as a task would predict it: what comes out, whether it fits, and how quickly."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass
from itertools import cycle
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

import msgspec

from model_mapreduce_job.exceptions import ModelContractError
from model_mapreduce_job.formats.lines import BLOCK_BYTES, read_blocks
from model_mapreduce_job.formats.records import RECORD_ERRORS, Failure, OverlongLine
from model_mapreduce_job.models.contract import version_of
from model_mapreduce_job.models.schemas import record_schema
from model_mapreduce_job.pipeline.counters import Tally  # noqa: TC001 - msgspec looks at it
from model_mapreduce_job.task.factory import TaskFactory, load_model
from model_mapreduce_job.task.messages import Begin
from model_mapreduce_job.task.stopwatch import Stopwatch, batch_size, records_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from model_mapreduce_job.formats.lines import Block
    from model_mapreduce_job.task.factory import Prediction
    from model_mapreduce_job.task.keeper import Page

CHECK_SECONDS = 20.0
MEASURE_SECONDS = 5.0
# So many seconds of work at one batch size tell the rate.
ENOUGH_SECONDS = 0.5
_NULL = b"null"


@dataclass(frozen=True)
class SchemaCheck:
    """How many predictions output_schema does not accept, one of them, and why none could be checked."""

    misfits: int = 0
    example: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Rehearsal:
    """What came of the sample.

    tally counts its lines. record_seconds is what a record takes of one core at batch_size, None when no
    record was predicted; waiting is the wall time for each second of it. batch_size is None where the model
    ran in a process of its own.
    """

    version: str
    tally: Tally
    schema_check: SchemaCheck
    batch_size: int | None
    record_seconds: float | None
    waiting: float
    load_seconds: float


@dataclass(frozen=True)
class Stage:
    """How a sample is predicted: what a task is sent first, the attempt, and the page of its keeper."""

    begin: Begin
    attempt: int
    page: Page | None = None

    @property
    def max_record_bytes(self) -> int:
        """The longest line that is read."""
        return int(self.begin.options["max_record_bytes"])

    def task(self, changed: Mapping[str, Any], output_protocol: str | None) -> Prediction:
        """Return a task; all of the sample is to be seen, however it starts."""
        options = {**self.begin.options, "no_fail_fast": True, **changed}
        return TaskFactory(Begin(options, output_protocol), self.page).make(self.attempt)


def pack_sample(blocks: Sequence[Block]) -> bytes:
    """Return the blocks of a sample as bytes; an overlong line is text that stands alone."""
    return msgspec.msgpack.encode(
        [block.head if isinstance(block, OverlongLine) else block for block in blocks]
    )


def unpack_sample(sample: bytes) -> list[Block]:
    """Return the blocks that pack_sample packed."""
    packed = msgspec.msgpack.decode(sample)
    return [OverlongLine(block) if isinstance(block, bytes) else block for block in packed]


def rehearse(stage: Stage, blocks: Sequence[Block], beat: Callable[[], None]) -> Rehearsal:
    """Predict a sample once to see what comes out, for 20 seconds at most, then again to see how quickly.

    beat is called when the model is loaded and after each batch. Raises what a task raises.
    """
    task = stage.task({"on_error": "null"}, "json")
    isolated = batch_size(task) is None
    stopwatch = Stopwatch(perf_counter if isolated else process_time, beat)
    if not isolated:
        beat()
    predictions: Counter[bytes] = Counter()
    for lines in stopwatch.timed(task, blocks, CHECK_SECONDS):
        predictions.update(line.partition(b"\t")[2] for line in lines)
    size = _measure(stage, blocks, stopwatch) if _is_too_quick(task, blocks, stopwatch) else None
    model = load_model(stage.begin.options["model_qualified_name"])
    return Rehearsal(
        version=version_of(model),
        tally=task.tally,
        schema_check=check_schema(model.output_schema, predictions, task.tally.failed),
        batch_size=size or batch_size(task),
        record_seconds=stopwatch.record_seconds,
        waiting=stopwatch.wall_seconds / stopwatch.seconds if stopwatch.seconds else 1.0,
        load_seconds=stopwatch.first_seconds if isolated else task.tally.load_ns / 1e9,
    )


def check_schema(output_schema: Any, predictions: Mapping[bytes, int], failed: int) -> SchemaCheck:
    """Return how predictions, as JSON texts and how often each came, fit an output_schema.

    failed of the texts `null` stand for failed records; any others are predictions.
    """
    if output_schema is None:
        return SchemaCheck(problem="the model has none")
    try:
        decode = record_schema(output_schema).decode
    except ModelContractError:
        return SchemaCheck(problem=f"the model's is of no known kind: {output_schema!r}")
    counts = {**predictions, _NULL: predictions.get(_NULL, 0) - failed}
    misfits = {text: _misfit(decode, text) for text, count in counts.items() if count > 0}
    wrong = {text: reason for text, reason in misfits.items() if reason}
    example = next((f"{text.decode()}: {reason}" for text, reason in wrong.items()), "")
    return SchemaCheck(sum(counts[text] for text in wrong), example)


def _misfit(decode: Callable[[bytes], Any], text: bytes) -> str:
    """Return why a prediction does not fit, nothing when it does."""
    try:
        decode(text)
    except RECORD_ERRORS as error:
        failure = Failure.of(error)
        return failure.message or failure.kind
    return ""


def _is_too_quick(task: Prediction, blocks: Sequence[Block], stopwatch: Stopwatch) -> bool:
    """Return whether the whole sample was predicted, and took too little time to tell the rate."""
    lines = sum(1 if isinstance(block, OverlongLine) else len(block) for block in blocks)
    is_whole = task.tally.lines == lines and records_of(task.tally) > 0
    return is_whole and stopwatch.seconds < ENOUGH_SECONDS


def _measure(stage: Stage, blocks: Sequence[Block], stopwatch: Stopwatch) -> int | None:
    """Predict the sample over and over, written as the run would write it; return the batch size found."""
    task = stage.task({}, None)
    for _ in stopwatch.timed(task, _over_and_over(blocks, stage.max_record_bytes), MEASURE_SECONDS):
        if stopwatch.seconds >= ENOUGH_SECONDS:
            break
    return batch_size(task)


def _over_and_over(blocks: Sequence[Block], max_record_bytes: int) -> Iterator[Block]:
    """Yield the sample's lines without end, read anew each time, since a task has to read them as well."""
    whole = b"".join(b"%b\n" % line for block in blocks if isinstance(block, list) for line in block)
    if not whole:
        yield from cycle(blocks)
    text = whole * max(1, BLOCK_BYTES // len(whole))
    while True:
        yield from read_blocks(io.BytesIO(text), max_record_bytes)
