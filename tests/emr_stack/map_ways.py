"""How tasks are given their input and what becomes of their output: lines, or the job's own blocks.

The latter is what the classes of runners/hadoop/java/ do, in few words: a file is a task, or what a list of
ranges says. tests/cluster/test_emr_on_hadoop.py has these classes themselves.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from emr_stack import records
from emr_stack.node import Node
from emr_stack.store import Store
from emr_stack.streaming import BadStepError, StreamingStep

BLOCKS: Final = "modelmapreducejob.BlockInputFormat"
RANGES: Final = "modelmapreducejob.ranges"
ENDING: Final = "modelmapreducejob.part.ending"
REPORTS: Final = "_task_reports"
BLOCK_BYTES: Final = 1 << 18


@dataclass(frozen=True)
class Given:
    """What a map task is given: its standard input, how many records that is, and what logs call it."""

    stdin: bytes
    records: int
    split: str


class Ways(Protocol):
    """How map tasks are given input, and what becomes of what they print."""

    def given(self, files: Sequence[str]) -> Iterator[Given]:
        """Yield what each task is given of these files."""
        ...

    def is_whole(self, printed: bytes) -> bool:
        """Return whether a task that ended well has printed all of its output."""
        ...

    def files(self, name: str, printed: bytes) -> dict[str, bytes]:
        """Return the files of the output that a part of this name is, by their names."""
        ...

    def counters(self, records_given: int, printed: bytes) -> dict[tuple[str, str], int]:
        """Return what Hadoop counts of a task, by group and name."""
        ...


def ways_of(step: StreamingStep, store: Store, node: Node) -> Ways:
    """Return the ways of a step; raises BadStepError where it names classes that no jar has."""
    if step.input_format != BLOCKS:
        return Lines(step, store)
    if not any(Path(node.in_its_home(jar)).is_file() for jar in step.jars):
        raise BadStepError(f"-inputformat : class not found : {step.input_format}")
    return Blocks(step, store)


@dataclass(frozen=True)
class Lines:
    """Lines, as streaming has them."""

    step: StreamingStep
    store: Store

    def given(self, files: Sequence[str]) -> Iterator[Given]:
        """Yield each file's lines."""
        delimiter = self.step.jobconf.get("textinputformat.record.delimiter", "").encode()
        with_offset = self.step.input_format.endswith("NLineInputFormat")
        for uri in files:
            data = self.store.read(uri)
            cut = records.lines(records.decompressed(uri, data), delimiter)
            stdin = records.mapper_input(cut, with_offset=with_offset)
            yield Given(stdin, len(cut), f"{uri}:0+{len(data)}")

    def is_whole(self, _: bytes) -> bool:
        """Return that nothing says where lines end."""
        return True

    def files(self, name: str, printed: bytes) -> dict[str, bytes]:
        """Return the part alone."""
        kind = "reduce" if self.step.reduces else "map"
        key_only = self.step.jobconf.get(f"stream.{kind}.output") == "keyonlytext"
        return {name: records.part(printed, key_only=key_only)}

    def counters(self, records_given: int, printed: bytes) -> dict[tuple[str, str], int]:
        """Return the records of both sides."""
        return {("", "input records"): records_given, ("", "output records"): len(records.lines(printed))}


@dataclass(frozen=True)
class Blocks:
    """Frames of bytes in both directions."""

    step: StreamingStep
    store: Store

    def given(self, files: Sequence[str]) -> Iterator[Given]:
        """Yield each file's bytes, or those of each split that a list names."""
        if listed := self.step.jobconf.get(RANGES):
            yield from map(self._ranges, self.store.read(listed).decode().split("\n\n")[:-1])
            return
        for uri in files:
            data = self.store.read(uri)
            text = records.decompressed(uri, data)
            lines = text.count(b"\n") + (not text.endswith(b"\n") and bool(text))
            yield Given(_frames(0, uri, text), lines, f"{uri}:0+{len(data)}")

    def _ranges(self, lines: str) -> Given:
        frames, size = [], 0
        for line in lines.splitlines():
            start, length, uri = line.split(" ", 2)
            data = self.store.read(uri)[int(start) : int(start) + int(length)]
            frames.append(_frames(int(start), uri, data))
            size += len(data)
        return Given(b"".join(frames), size, f"{lines.splitlines()[0]} and more")

    def is_whole(self, printed: bytes) -> bool:
        """Return whether the last frame is there."""
        return _read(printed) is not None

    def files(self, name: str, printed: bytes) -> dict[str, bytes]:
        """Return the part and the task's report."""
        part, report = _read(printed) or (b"", b"")
        return {f"{name}{self.step.jobconf.get(ENDING, '')}": part, f"{REPORTS}/{name}": report}

    def counters(self, records_given: int, printed: bytes) -> dict[tuple[str, str], int]:
        """Return the records of both sides, and the format's own count of lines, or of bytes of ranges."""
        part, _ = _read(printed) or (b"", b"")
        if RANGES in self.step.jobconf:
            return {("", "output records"): 0, ("blocks", "input bytes"): records_given}
        lines = {("", "input records"): records_given, ("blocks", "input lines"): records_given}
        return {**lines, ("", "output records"): part.count(b"\n")}


def _frames(start: int, uri: str, data: bytes) -> bytes:
    if not data:
        return b""
    place = f"{start} {uri}".encode()
    blocks = (data[at : at + BLOCK_BYTES] for at in range(0, len(data), BLOCK_BYTES))
    return b"".join([_frame(b"P", place), *(_frame(b"B", block) for block in blocks)])


def _frame(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">ci", kind, len(data)) + data


def _read(printed: bytes) -> tuple[bytes, bytes] | None:
    """Return the part and the report in a task's frames; None where the last one is missing."""
    found: dict[bytes, list[bytes]] = {b"B": [], b"R": []}
    at = 0
    while printed[at : at + 1] in found:
        kind, length = struct.unpack_from(">ci", printed, at)
        at += struct.calcsize(">ci")
        found[kind].append(printed[at : at + length])
        at += length
    return (b"".join(found[b"B"]), b"".join(found[b"R"])) if printed[at:] == b"E" else None
