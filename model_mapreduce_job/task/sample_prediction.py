"""Predicts a sample as a task would: its counts, whether predictions fit output_schema, and the speed."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass, field
from itertools import chain, cycle
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from model_mapreduce_job.exceptions import ModelContractError
from model_mapreduce_job.formats.lines import BLOCK_BYTES, read_blocks
from model_mapreduce_job.formats.protocols import decode_fields
from model_mapreduce_job.formats.records import RECORD_ERRORS, Failure, OverlongLine
from model_mapreduce_job.formats.registry import TABLES
from model_mapreduce_job.models.contract import version_of
from model_mapreduce_job.models.schemas import record_schema
from model_mapreduce_job.pipeline.task_report import TaskReport  # noqa: TC001 - msgspec looks at it
from model_mapreduce_job.storage.splits import Split
from model_mapreduce_job.task.run_model import load_run_models
from model_mapreduce_job.task.stopwatch import Stopwatch, batch_size
from model_mapreduce_job.task.task_files import TaskFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from model_mapreduce_job.formats.lines import Block
    from model_mapreduce_job.formats.table_format import TableRun
    from model_mapreduce_job.task.messages import Begin
    from model_mapreduce_job.task.task_options import TaskOptions
    from model_mapreduce_job.task.task_pipeline import TaskPipeline

CHECK_SECONDS = 20.0
MEASURE_SECONDS = 5.0
# Seconds of work at one batch size that are enough to measure the speed.
ENOUGH_SECONDS = 0.5
_NULL = b"null"
# Of each place that a table's sample is read from.
SAMPLE_ROWS = 10_000


@dataclass(frozen=True)
class SchemaCheck:
    """How many predictions output_schema does not accept, an example, and why none could be checked."""

    mismatches: int = 0
    example: str = ""
    problem: str = ""


@dataclass(frozen=True)
class SampledModel:
    """What a sample shows of a model.

    Of a model file, kind is its library, and columns has the input's column for each feature.
    """

    version: str
    schema_check: SchemaCheck
    kind: str = ""
    columns: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SampleResult:
    """The result of predicting a sample.

    report has its counters and examples of failures, models what it shows of each model, by name.
    record_seconds is what a record takes of one core at batch_size, None when no record was predicted;
    waiting is the wall time for each second of it. batch_size is None where the model ran in a process of its
    own.
    """

    report: TaskReport
    models: dict[str, SampledModel]
    batch_size: int | None
    record_seconds: float | None
    waiting: float
    load_seconds: float


@dataclass(frozen=True)
class SampleSetup:
    """How a sample is predicted: the first message to a task, and what makes one of options and tables."""

    begin: Begin
    make_task: Callable[[TaskOptions, TableRun], TaskPipeline]

    @property
    def max_record_bytes(self) -> int:
        """The longest line that is read, in bytes."""
        return self.begin.options.max_record_bytes

    def task(self, **changed: Any) -> TaskPipeline:
        """Return a task; all of the sample is to be seen, however it starts."""
        options = replace(self.begin.options, **{"no_fail_fast": True, "stamp": False, **changed})
        tables = self.begin.tables
        if options.output_protocol not in TABLES:
            tables = replace(tables, prediction=b"")
        return self.make_task(options, tables)


def pack_sample(blocks: Sequence[Any]) -> bytes:
    """Return the blocks of a sample as bytes; of a table these are the splits that it is read from."""
    return msgspec.msgpack.encode(
        [block.head if isinstance(block, OverlongLine) else block for block in blocks]
    )


def _unpacked(sample: bytes, begin: Begin) -> list[Any]:
    """Return the blocks that pack_sample packed; the rows of a table are read now."""
    if begin.tables.is_read:
        splits = msgspec.msgpack.decode(sample, type=list[Split])
        return list(chain.from_iterable(_rows(split, begin) for split in splits))
    packed = msgspec.msgpack.decode(sample)
    return [OverlongLine(block) if isinstance(block, bytes) else block for block in packed]


def _rows(split: Split, begin: Begin) -> Iterator[Any]:
    left = SAMPLE_ROWS
    with TaskFiles(begin).opened(split, b"") as source:
        for block in source.blocks:
            yield block[:left]
            left -= len(block)
            if left <= 0:
                return


def predict_sample(setup: SampleSetup, sample: bytes, beat: Callable[[], None]) -> SampleResult:
    """Predict a packed sample to check predictions, for 20 seconds at most, then again to measure the speed.

    beat is called when the model is loaded and after each batch. Raises what a task raises.
    """
    blocks = _unpacked(sample, setup.begin)
    task = setup.task(on_error="null", output_protocol="json")
    isolated = batch_size(task) is None
    stopwatch = Stopwatch(perf_counter if isolated else process_time, beat)
    if not isolated:
        beat()
    predictions: Counter[bytes] = Counter()
    for lines in stopwatch.timed(task, blocks, CHECK_SECONDS):
        predictions.update(line.partition(b"\t")[2] for line in lines)
    size = _measure(setup, blocks, stopwatch) if _is_too_quick(task, blocks, stopwatch) else None
    return SampleResult(
        report=task.report.built().without_places(),
        models=_sampled_models(setup.begin.options, predictions, task.report.built()),
        batch_size=size or batch_size(task),
        record_seconds=stopwatch.record_seconds,
        waiting=stopwatch.wall_seconds / stopwatch.seconds if stopwatch.seconds else 1.0,
        load_seconds=stopwatch.first_seconds if isolated else task.report.counters.load_ns / 1e9,
    )


def _sampled_models(
    options: TaskOptions, predictions: Mapping[bytes, int], report: TaskReport
) -> dict[str, SampledModel]:
    found = {}
    for name, model in zip(options.names, load_run_models(options), strict=True):
        own, failed = predictions, report.counters.failed
        if options.several:
            own = _predictions_of(name, predictions)
            failed = report.models[name].counters.failed if name in report.models else 0
        found[name] = SampledModel(
            version_of(model),
            check_schema(model.output_schema, own, failed),
            getattr(model, "kind", ""),
            getattr(model, "columns_of_features", {}),
        )
    return found


def _predictions_of(name: str, predictions: Mapping[bytes, int]) -> Counter[bytes]:
    """Return one of several models' predictions, from the objects that have all of them."""
    own: Counter[bytes] = Counter()
    for text, count in predictions.items():
        own[bytes(decode_fields(text)[name])] += count
    return own


def check_schema(output_schema: Any, predictions: Mapping[bytes, int], failed: int) -> SchemaCheck:
    """Return how predictions, given as JSON texts with their counts, fit an output_schema.

    failed of the texts `null` are failed records; the others are predictions.
    """
    if output_schema is None:
        return SchemaCheck(problem="the model has none")
    try:
        decode = record_schema(output_schema).decode
    except ModelContractError:
        return SchemaCheck(problem=f"the model's is of no known kind: {output_schema!r}")
    counts = {**predictions, _NULL: predictions.get(_NULL, 0) - failed}
    mismatches = {text: _mismatch(decode, text) for text, count in counts.items() if count > 0}
    wrong = {text: reason for text, reason in mismatches.items() if reason}
    example = next((f"{text.decode()}: {reason}" for text, reason in wrong.items()), "")
    return SchemaCheck(sum(counts[text] for text in wrong), example)


def _mismatch(decode: Callable[[bytes], Any], text: bytes) -> str:
    """Return why a prediction does not fit, empty when it does."""
    try:
        decode(text)
    except RECORD_ERRORS as error:
        failure = Failure.of(error)
        return failure.message or failure.kind
    return ""


def _is_too_quick(task: TaskPipeline, blocks: Sequence[Block], stopwatch: Stopwatch) -> bool:
    """Return whether the whole sample was predicted, in too little time to measure the speed."""
    lines = sum(1 if isinstance(block, OverlongLine) else len(block) for block in blocks)
    is_whole = task.report.counters.lines == lines and task.report.counters.records > 0
    return is_whole and stopwatch.seconds < ENOUGH_SECONDS


def _measure(setup: SampleSetup, blocks: Sequence[Block], stopwatch: Stopwatch) -> int | None:
    """Predict the sample repeatedly, written as the run would write it; return the batch size found."""
    task = setup.task()
    for _ in stopwatch.timed(task, _over_and_over(blocks, setup.max_record_bytes), MEASURE_SECONDS):
        if stopwatch.seconds >= ENOUGH_SECONDS:
            break
    return batch_size(task)


def _over_and_over(blocks: Sequence[Block], max_record_bytes: int) -> Iterator[Block]:
    """Yield the sample's lines without end, parsed each time, since a task has to do that as well."""
    whole = b"".join(b"%b\n" % line for block in blocks if isinstance(block, list) for line in block)
    if not whole:  # overlong lines alone, or the rows of a table
        yield from cycle(blocks)
    text = whole * max(1, BLOCK_BYTES // len(whole))
    while True:
        yield from read_blocks(io.BytesIO(text), max_record_bytes)
