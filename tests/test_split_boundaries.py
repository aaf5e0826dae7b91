"""Splits: wherever the boundaries fall, each line comes out once, in its place."""

from __future__ import annotations

import io
import json
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from engine_runs import MAX_RECORD_BYTES, TASK_OPTIONS, EngineRun, echo
from hypothesis import given, settings
from hypothesis import strategies as st
from local_jobs import output_of

from model_mapreduce_job.storage.splits import Split, split_files
from model_mapreduce_job.task.messages import Begin, Run
from model_mapreduce_job.task.task_files import TaskFiles
from model_mapreduce_job.task.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKERS = range(1, 8)
SIZE = 64


def line(length: int, ending: bytes = b"\n") -> bytes:
    """Return a line of so many bytes with its ending: JSON where there's room for it."""
    room = length - len(ending)
    return (b'"%s"' % (b"x" * (room - 2)) if room > 1 else b"7" * room) + ending


def expected(content: bytes) -> list[bytes]:
    """Return the keys that an input must give, found without any splitting."""
    lines = content.removesuffix(b"\n").split(b"\n") if content else []
    return [key for text in lines if (key := text.removesuffix(b"\r")).strip()]


def predicted(splits: list[Split], directory: Path) -> bytes:
    """Return what a worker makes of splits, one after the other."""
    worker = Worker(echo, TaskFiles(Begin(TASK_OPTIONS)), lambda _done, _counters: None)
    parts = [directory / f"part-{number:05d}" for number in range(len(splits))]
    for split, part in zip(splits, parts, strict=True):
        worker.run(Run((split,), 0, str(part), durable=False), b"")
    return b"".join(part.read_bytes() for part in parts)


def check(content: bytes, smallest: int, workers: int) -> None:
    """Check that splits cover the content, start with lines, and give what the whole gives."""
    with TemporaryDirectory() as name:
        path = Path(name, "in")
        path.write_bytes(content)
        splits = split_files([str(path)], workers, smallest)
        assert [split.start for split in splits[:1]] == [0] * bool(content)
        assert [split.start + split.length for split in splits[-1:]] == [len(content)] * bool(content)
        assert all(one.start + one.length == two.start for one, two in pairwise(splits))
        assert all(content[split.start - 1 : split.start] in (b"", b"\n") for split in splits)
        output = predicted(splits, Path(name))
    keys = [text.partition(b"\t")[0] for text in output.splitlines()]
    assert keys == [key if json_text(key) else json.dumps(key.decode()).encode() for key in expected(content)]


def json_text(text: bytes) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def around_every_boundary(ending: bytes) -> Iterator[bytes]:
    """Yield contents whose lines end exactly at, one before and one after every boundary."""
    for off in (-1, 0, 1):
        ends = [SIZE * number + off for number in range(1, 9)]
        content = b"".join(line(two - one, ending) for one, two in pairwise([0, *ends]))
        yield from (content, content[: -len(ending)], content + b"\n\n" + line(30), b"\n" + content)


@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_lines_that_end_at_before_and_behind_every_boundary(workers: int, ending: bytes) -> None:
    for content in around_every_boundary(ending):
        check(content, SIZE, workers)


@pytest.mark.parametrize("length", [1, 63, 64, 65, 128, 500, 70_000, 200_000])
@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_one_very_long_line(length: int, place: str) -> None:
    """It's one task's, and the splits that would have started in it start behind it."""
    short = line(20) * 5
    content = {"first": b"", "middle": short, "last": short}[place] + line(length)
    check(content + (short if place != "last" else b""), SIZE, 3)


@settings(max_examples=150, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 70) | st.just(500), max_size=40),
    endings=st.lists(st.sampled_from([b"\n", b"\r\n", b"\n\n", b"\n \r\n"]), min_size=40, max_size=40),
    ended=st.booleans(),
    smallest=st.integers(1, 80),
    workers=st.sampled_from(WORKERS),
)
def test_any_lines_at_any_boundaries(
    lengths: list[int], endings: list[bytes], ended: bool, smallest: int, workers: int
) -> None:
    lines = [line(max(1, length)) + ending for length, ending in zip(lengths, endings, strict=False)]
    content = b"".join(lines)
    check(content if ended else content.rstrip(b"\r\n "), smallest, workers)


@pytest.mark.parametrize("workers", WORKERS)
def test_output_is_that_of_one_worker(tmp_path: Path, workers: int) -> None:
    """On as many processes as there are, however their tasks come to an end."""
    paths = []
    for number, content in enumerate(around_every_boundary(b"\r\n")):
        paths.append(str(tmp_path / f"in{number}"))
        Path(paths[-1]).write_bytes(content)
    run = EngineRun(tmp_path, workers)
    counters = run.run(split_files(paths, workers, SIZE)).counters
    whole = b"".join(
        Path(path).read_bytes().removesuffix(b"\r\n").removesuffix(b"\n") + b"\n" for path in paths
    )
    lines = output_of(run.out).splitlines()
    assert [text.partition(b"\t")[0] for text in lines] == expected(whole)
    assert counters.lines == counters.predicted + counters.failed + counters.blank
    assert counters.predicted == len(lines)


@pytest.mark.parametrize("workers", WORKERS)
def test_a_stream_gives_what_a_file_gives(tmp_path: Path, workers: int) -> None:
    """Chunks of a stream end where lines end, however long those are."""
    content = b"".join(line(length) for length in (10, 5_000_000, 300_000, 9_000_000, 20)) * 2
    run = EngineRun(tmp_path, workers)
    counters = run.run([Split("-", 0, 0, streamed=True)], io.BytesIO(content)).counters
    lines = output_of(run.out).splitlines()
    overlong = [b"OverlongLine" in text for text in lines]
    assert overlong == [False, True, False, True, False] * 2
    assert [text.partition(b"\t")[0] for text, long in zip(lines, overlong, strict=True) if not long] == [
        key for key in expected(content) if len(key) < MAX_RECORD_BYTES
    ]
    assert (counters.lines, counters.failed) == (10, 4)
