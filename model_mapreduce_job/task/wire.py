"""Batches as bytes, between a task and its child: lines, or rows as Arrow writes a stream of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from model_mapreduce_job.formats.text_forms import text_of


def pack(batch: Any) -> bytes:
    """Return lines, or a batch of rows, as bytes."""
    if isinstance(batch, Sequence):
        return text_of(batch)
    import pyarrow as pa  # noqa: PLC0415 - only tables need it

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def unpack(data: bytes, *, is_table: bool) -> Any:
    """Return what was packed: lines, or a batch of rows."""
    if not is_table:
        return data.split(b"\n")
    import pyarrow as pa  # noqa: PLC0415 - as above

    with pa.ipc.open_stream(data) as reader:
        return reader.read_next_batch()


def joined(outputs: list[Any]) -> Any:
    """Return the outputs of a task, each lines or a batch of rows, as one."""
    if len(outputs) == 1:
        return outputs[0]
    if not outputs or isinstance(outputs[0], Sequence):
        return [line for output in outputs for line in output]
    import pyarrow as pa  # noqa: PLC0415 - as above

    return pa.concat_batches(outputs)
