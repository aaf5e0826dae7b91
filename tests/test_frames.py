"""The frames between Hadoop and a task: whatever is cut, wherever a read ends, nothing is taken for whole."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from local_jobs import SCRIPT, TESTS

from model_mapreduce_job.exceptions import IncompleteRunError
from model_mapreduce_job.formats.lines import Place, read_blocks
from model_mapreduce_job.formats.records import OverlongLine
from model_mapreduce_job.pipeline.counters import Counters
from model_mapreduce_job.pipeline.task_report import Example, TaskReport
from model_mapreduce_job.task.frames import FramedOutput, FramedSplit
from model_mapreduce_job.task.split_blocks import SplitBlocks, SplitStart

if TYPE_CHECKING:
    from collections.abc import Iterable

    from model_mapreduce_job.formats.lines import Block

SPLITS = st.lists(st.lists(st.binary(min_size=1, max_size=9), min_size=1, max_size=4), max_size=4)


class ShortReads(io.BytesIO):
    """A pipe that gives at most three bytes at once."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(3, size if size is not None and size >= 0 else 3))


def frame(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">ci", kind, len(data)) + data


def framed(splits: Iterable[tuple[SplitStart, Iterable[bytes]]]) -> bytes:
    """Return splits as Hadoop's jar writes them."""
    return b"".join(
        frame(b"P", b"%d %s" % (start.start, start.file.encode())) + b"".join(frame(b"B", b) for b in blocks)
        for start, blocks in splits
    )


def content(source: FramedSplit) -> list[tuple[SplitStart, bytes]]:
    return [(start, b"".join(iter(lambda: source.read(4), b""))) for start in source.splits()]


def frames_of(data: bytes) -> list[tuple[bytes, bytes]]:
    """Return the frames of a task's output, as Hadoop's jar reads them."""
    found, at = [], 0
    while data[at : at + 1] != b"E":
        kind, length = struct.unpack_from(">ci", data, at)
        found.append((kind, data[at + 5 : at + 5 + length]))
        at += 5 + length
    assert data[at:] == b"E"
    return found


@given(SPLITS)
def test_the_bytes_of_each_split_come_with_its_place(given_splits: list[list[bytes]]) -> None:
    splits = [(SplitStart(f"hdfs://n/a file {n}", n), blocks) for n, blocks in enumerate(given_splits)]
    expected = [(start, b"".join(blocks)) for start, blocks in splits]
    assert content(FramedSplit(ShortReads(framed(splits)))) == expected


@given(st.data())
def test_a_stream_that_is_cut_inside_a_frame_is_an_error(data: st.DataObject) -> None:
    first, second = frame(b"P", b"7 file"), frame(b"B", b"one\ntwo\n")
    cut = data.draw(st.integers(1, len(first + second) - 1).filter(lambda cut: cut != len(first)))
    with pytest.raises(IncompleteRunError, match="in the middle of a block"):
        content(FramedSplit(io.BytesIO((first + second)[:cut])))


def test_a_task_without_input_has_no_split() -> None:
    assert content(FramedSplit(io.BytesIO(b""))) == []


def test_a_line_of_the_task_is_a_line_of_its_file() -> None:
    """A line that is too long is one as well; a file's last line needs no end."""
    one, two = SplitStart("one", 0), SplitStart("two", 64)
    splits = [
        (one, [b"a\nb", b"bb\n", b"x" * 50, b"\nlast"]),
        (SplitStart("none", 0), []),
        (two, [b"c\nd\n"]),
    ]

    def read(source: FramedSplit) -> Iterable[Block]:
        return read_blocks(source, max_record_bytes=9, block_bytes=5)

    source = FramedSplit(io.BytesIO(framed(splits)))  # type: ignore[arg-type] # a stream of bytes
    blocks = SplitBlocks((start, read(source)) for start in source.splits())
    lines = sum(1 if isinstance(block, OverlongLine) else len(block) for block in blocks.blocks())
    assert lines == 6
    places = [blocks.place_of(Place(line)) for line in range(1, 7)]
    assert places == [
        *(Place(line, "one", 0) for line in range(1, 5)),
        Place(1, "two", 64),
        Place(2, "two", 64),
    ]


@given(st.lists(st.binary(max_size=200_000) | st.integers(0, 3_000_000).map(bytes), max_size=6))
def test_what_is_written_comes_in_blocks_then_the_report_then_the_end(parts: list[bytes]) -> None:
    report = TaskReport(Counters(lines=3), {"ValueError": Example("é", Place(1, "f\udcff", 0))})
    with open(os.memfd_create("output"), "r+b") as file:  # noqa: PTH123 - a descriptor
        output = FramedOutput(file.fileno())
        for part in parts:
            output.write(part)
        output.end(report)
        file.seek(0)
        *blocks, (kind, text) = frames_of(file.read())
    assert kind == b"R"
    assert text.endswith(b"\n")
    assert TaskReport.from_json(text.decode()) == report
    assert {kind for kind, _ in blocks} <= {b"B"}
    assert all(0 < len(data) <= 1 << 20 for _, data in blocks)
    assert b"".join(data for _, data in blocks) == b"".join(parts)


def test_a_long_report_comes_in_pieces() -> None:
    """A profile of many fields is some megabytes, and Java keeps a frame in memory."""
    report = TaskReport(Counters(lines=3), profile=os.urandom(3 << 20))
    with open(os.memfd_create("output"), "r+b") as file:  # noqa: PTH123 - a descriptor
        FramedOutput(file.fileno()).end(report)
        file.seek(0)
        frames = frames_of(file.read())
    assert [kind for kind, _ in frames] == [b"R"] * 5
    assert max(len(data) for _, data in frames) == 1 << 20
    assert TaskReport.from_json(b"".join(data for _, data in frames).decode()) == report


def run_task(stdin: bytes) -> subprocess.CompletedProcess[bytes]:
    """Run a first attempt's process, with an input of frames."""
    settings = {"APP_SETTINGS": "models.settings.TestModels", "PYTHONPATH": str(TESTS)}
    hadoops = {"mapreduce_task_attempt_id": "attempt_1_0001_m_000000_0", "stream_map_output": "block"}
    command = [sys.executable, SCRIPT, "--mapper", "--step-num=0", "--model_qualified_name", "obedient"]
    environment = {**os.environ, **settings, **hadoops}
    return subprocess.run(command, env=environment, input=stdin, capture_output=True, check=False)


@pytest.mark.measured
def test_a_task_of_hadoop_takes_and_gives_frames() -> None:
    """Its report names the file and the line that failed there, of the second small file, and warns."""
    lines = [b'{"n": 1, "do": "talk"}\n', b'{"n": 2}\n{"n": 3, "do": "refuse"}']
    done = run_task(framed([(SplitStart(f"hdfs://n/{n}", 0), [text]) for n, text in enumerate(lines)]))
    assert done.returncode == 0, done.stderr
    (_, part), (_, text) = frames_of(done.stdout)
    assert part.splitlines()[-1] == b'{"n": 3, "do": "refuse"}\tnull'
    assert len(part.splitlines()) == 3
    report = TaskReport.from_json(text.decode())
    assert (report.counters.lines, report.counters.predicted, report.counters.failed) == (3, 2, 1)
    assert report.examples["ValueError"].place == Place(2, "hdfs://n/1", 0)
    assert report.warnings == ("UserWarning: warned",)
    assert b"reporter:counter:predictions,lines,3\n" in done.stderr


def test_a_task_that_fails_writes_no_end() -> None:
    start = SplitStart("hdfs://n/1", 0)
    done = run_task(framed([(start, [b'{"n": 1}\n{"n": 2, "do": "be_killed"}\n'])]))
    assert done.returncode != 0
    assert not done.stdout.endswith(b"E")
