"""A model's pipeline from lines of JSON to lines of JSON, in the lane that a test asks for."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.formats.lines import read_blocks
from model_mapreduce_job.formats.protocols import JsonLineReader, JsonPairWriter
from model_mapreduce_job.formats.text_format import TextReader, TextWriter
from model_mapreduce_job.pipeline.batch_sizing import BatchSizer
from model_mapreduce_job.pipeline.pipeline import Pipeline
from model_mapreduce_job.pipeline.predictors import predictor_for
from model_mapreduce_job.task.lanes import lane_of

if TYPE_CHECKING:
    from collections.abc import Iterable


def pipeline_of(
    model: Any, size: int | None = None, *, explain: bool = True, lists: bool = False, **more: Any
) -> Pipeline:
    """Return a model's pipeline as a task has it; with lists a model of both kinds is given lists."""
    sizer = BatchSizer(size)
    lane = lane_of(model, lists=lists)
    return Pipeline(
        TextReader(JsonLineReader(lane.schema), lane.to_columns),
        predictor_for(model, sizer, columns=lane.to_columns is not None),
        TextWriter(JsonPairWriter(explain=explain)),
        sizer,
        **more,
    )


def output_of(pipeline: Pipeline, lines: Iterable[bytes]) -> list[bytes]:
    """Return the output lines of input lines."""
    blocks = read_blocks(io.BytesIO(b"\n".join(lines)))
    return [line for batch in pipeline.predict_lines(blocks) for line in batch]
