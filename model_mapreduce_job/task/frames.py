"""The frames in which Hadoop gives a task blocks of its input, and takes its output and its report.

A frame is a byte that says what it is, a length of four bytes, the highest first, and as many bytes; that of
the end has no length. The other side is Java's: runners/hadoop/java/.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from model_mapreduce_job.exceptions import IncompleteRunError
from model_mapreduce_job.task.split_blocks import SplitStart
from model_mapreduce_job.task.streaming import job_setting, write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_mapreduce_job.formats.lines import Source
    from model_mapreduce_job.pipeline.task_report import TaskReport

PLACE, BLOCK, REPORT, END = b"P", b"B", b"R", b"E"
FRAMED: Final = "block"
_HEADER: Final = struct.Struct(">ci")
_OUTPUT_BYTES: Final = 1 << 18
# Java keeps one in memory, of the little that a task's Java machine has.
_LARGEST_BLOCK: Final = 1 << 20


def is_framed() -> bool:
    """Return whether this process' task is given frames, by its environment."""
    return job_setting("stream.map.output") == FRAMED


class FramedSplit:
    """A stream of frames as a source of one split's bytes after the other."""

    def __init__(self, stream: Source) -> None:
        self._stream = stream
        self._left = 0
        self._next: SplitStart | None = None

    def splits(self) -> Iterator[SplitStart]:
        """Yield the start of each split, whose bytes read() then returns."""
        self._to_block()
        while self._next is not None:
            start, self._next = self._next, None
            yield start

    def read(self, size: int, /) -> bytes:
        """Return at most size bytes of the split, none at its end."""
        if self._next is not None or not (self._left or self._to_block()):
            return b""
        data = self._stream.read(min(size, self._left))
        self._left -= len(_not_cut(data))
        return data

    def _to_block(self) -> bool:
        """Move to the next block of the split; return whether there is one."""
        while not self._left:
            begun = self._stream.read(_HEADER.size)
            if not begun:
                return False
            kind, length = _HEADER.unpack(begun + self._exactly(_HEADER.size - len(begun)))
            if kind == PLACE:
                start, _, file = self._exactly(length).partition(b" ")
                self._next = SplitStart(file.decode(errors="surrogateescape"), int(start))
                return False
            self._left = length
        return True

    def _exactly(self, size: int) -> bytes:
        parts = []
        while size:
            parts.append(_not_cut(self._stream.read(size)))
            size -= len(parts[-1])
        return b"".join(parts)


class FramedOutput:
    """Writes a task's output to a descriptor in frames, and at its end its report."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._waiting: list[bytes] = []
        self._bytes = 0

    def write(self, data: bytes) -> None:
        """Write bytes of the part; few are kept until there are more."""
        self._waiting.append(data)
        self._bytes += len(data)
        if self._bytes >= _OUTPUT_BYTES:
            self._write_block()

    def end(self, report: TaskReport) -> None:
        """Write what is left, the report in a line, and the end."""
        self._write_block()
        self._write_frames(REPORT, report.to_json().encode("ascii") + b"\n")
        write(self._descriptor, END)

    def _write_block(self) -> None:
        data = b"".join(self._waiting)
        self._waiting, self._bytes = [], 0
        self._write_frames(BLOCK, data)

    def _write_frames(self, kind: bytes, data: bytes) -> None:
        view = memoryview(data)
        for start in range(0, len(data), _LARGEST_BLOCK):
            piece = view[start : start + _LARGEST_BLOCK]
            write(self._descriptor, _HEADER.pack(kind, len(piece)))
            write(self._descriptor, piece)


def _not_cut(data: bytes) -> bytes:
    if not data:
        raise IncompleteRunError("Hadoop's input for this task ends in the middle of a block. Run it again.")
    return data
