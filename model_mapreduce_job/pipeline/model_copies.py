"""Copies of a model, to be asked what the model itself must not be: its own state is its own."""

from __future__ import annotations

import copy
import pickle  # what is read here was written a moment ago  # nosec B403
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.formats.records import RECORD_ERRORS

if TYPE_CHECKING:
    from collections.abc import Iterator

_LARGEST_BYTES = 1 << 20


def copies_of(model: Any) -> Iterator[Any]:
    """Yield copies of a model, the most independent first, and at last the model itself.

    A small model is copied whole. Of a large one, or one that can't be copied so, only the object itself is:
    counters and buffers that are set anew on it stay apart. Keep the copies: one that is gone may have closed
    what it shares with the model.
    """
    for make in (_whole, copy.copy):
        try:
            copied = make(model)
        except RECORD_ERRORS:  # a model may hold anything
            continue
        yield copied
    yield model


def _whole(model: Any) -> Any:
    written = _Bounded()
    pickle.Pickler(written, protocol=5, buffer_callback=written.add_buffer).dump(model)
    return pickle.loads(b"".join(written.parts), buffers=written.buffers)  # noqa: S301  # nosec B301


class _Bounded:
    """A file that takes 1 MiB and no more."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.buffers: list[bytearray] = []
        self._size = 0

    def write(self, data: Any) -> int:
        self._add(len(data))
        self.parts.append(bytes(data))
        return len(data)

    def add_buffer(self, buffer: pickle.PickleBuffer) -> None:
        raw = buffer.raw()
        self._add(raw.nbytes)
        self.buffers.append(bytearray(raw))

    def _add(self, size: int) -> None:
        self._size += size
        if self._size > _LARGEST_BYTES:
            raise ValueError("too large")
