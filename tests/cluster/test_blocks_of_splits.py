"""Hadoop's blocks of any file, at any split: the lines that one machine reads, each once, in their order."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from local_cluster.layout import default_layout
from local_cluster.own_jar import JAR
from local_cluster.toolchain import find_jdk

from model_mapreduce_job.formats.lines import read_blocks
from model_mapreduce_job.formats.records import OverlongLine
from model_mapreduce_job.task.frames import FramedSplit
from model_mapreduce_job.task.split_blocks import SplitBlocks, SplitStart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_hadoop import LocalHadoop

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

READER = Path(__file__).parent / "java" / "ReadSplits.java"
BLOCK = 0x314159265359  # how each of bzip2's blocks begins, at any bit
PIECES = st.sampled_from([b"\n", b"\n\n", b"\r", b"\r\n", b"a", b"bc", b"\0", b"\xff", b"x" * 40])
CONTENT = st.lists(PIECES, max_size=30).map(b"".join)


@dataclass(frozen=True)
class Task:
    """What a task was given: the bytes of each split, by its place."""

    splits: tuple[tuple[SplitStart, bytes], ...]
    blocks: tuple[list[bytes] | OverlongLine, ...]

    @classmethod
    def of(cls, frames: Path) -> Task:
        source = FramedSplit(io.BytesIO(frames.read_bytes()))
        splits = tuple((start, b"".join(iter(lambda: source.read(7), b""))) for start in source.splits())
        again = FramedSplit(io.BytesIO(frames.read_bytes()))
        blocks = SplitBlocks((start, read_blocks(again)) for start in again.splits())
        return cls(splits, tuple(blocks.blocks()))


@dataclass
class Reader:
    """A Java machine that reads files as Hadoop's tasks do."""

    process: subprocess.Popen[str]

    def tasks(
        self, files: dict[str, bytes], wanted: int, least: int = 1, *, whole: bool = False
    ) -> tuple[list[Task], int]:
        """Return what tasks are given of files, and how many lines there are by Java's count."""
        with tempfile.TemporaryDirectory() as place:
            directory = Path(place, "in")
            directory.mkdir()
            for name, content in files.items():
                (directory / name).write_bytes(content)
            answer = self.ask(f"{wanted} {least} {str(whole).lower()} {directory}")
            assert not answer.startswith("error"), answer
            tasks, lines = map(int, answer.split())
            return [Task.of(Path(f"{directory}.{number}")) for number in range(tasks)], lines

    def complaint(self, name: str, content: bytes) -> str:
        """Return the error that reading a file ends with."""
        with tempfile.TemporaryDirectory() as place:
            directory = Path(place, "in")
            directory.mkdir()
            (directory / name).write_bytes(content)
            answer = self.ask(f"1 1 false {directory}")
            assert answer.startswith("error"), answer
            return answer

    def ask(self, request: str) -> str:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{request}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()


@pytest.fixture(scope="module")
def reader(hadoop_files: LocalHadoop) -> Iterator[Reader]:
    assert hadoop_files.home.exists()
    layout = default_layout()
    classpath = f"{JAR}:{layout.jars}/*:{layout.tools}/*"
    command = [find_jdk().tool("java"), "-XX:TieredStopAtLevel=1", "-cp", classpath, str(READER)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        yield Reader(process)
        assert process.stdin
        process.stdin.close()


def lines_of(content: bytes) -> list[bytes]:
    """Return lines as the reader of one machine has them."""
    blocks = read_blocks(io.BytesIO(content))
    return [line for block in blocks for line in ([block.head] if isinstance(block, OverlongLine) else block)]


def in_order(tasks: list[Task]) -> dict[str, bytes]:
    """Return the bytes of each file, put together from the splits of all tasks."""
    splits = sorted(split for task in tasks for split in task.splits)
    return {
        start.file: b"".join(data for other, data in splits if other.file == start.file)
        for start, _ in splits
    }


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.lists(CONTENT, min_size=1, max_size=4), wanted=st.integers(1, 12))
def test_each_line_is_in_the_split_of_its_first_byte_and_in_no_other(
    reader: Reader, files: list[bytes], wanted: int
) -> None:
    named = {f"f{number}": content for number, content in enumerate(files)}
    tasks, lines = reader.tasks(named, wanted)
    found = {Path(file).name: content for file, content in in_order(tasks).items()}
    assert found == {name: content for name, content in named.items() if content}
    assert lines == sum(len(lines_of(content)) for content in files)
    read = dict.fromkeys(named, 0)
    for start, data in sorted(split for task in tasks for split in task.splits):
        name = Path(start.file).name
        assert read[name] == (named[name].index(b"\n", start.start - 1) + 1 if start.start else 0)
        read[name] += len(data)
    blocks = [block for task in tasks for block in task.blocks]
    assert sorted(line for block in blocks for line in block) == sorted(
        line for content in files for line in lines_of(content)
    )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), level=st.sampled_from([1, 2]), wanted=st.integers(1, 9))
def test_bzip2_is_split_and_no_line_is_lost_at_the_ends_of_its_blocks(
    reader: Reader, data: st.DataObject, level: int, wanted: int
) -> None:
    """Two blocks of 100 or 200 kB or more, in one member or in several, with lines that end near theirs."""
    sizes = data.draw(st.lists(st.integers(level * 100_000 - 60, level * 100_000), min_size=2, max_size=4))
    members = [os.urandom(size // 20).hex().encode().ljust(size - 1, b"\n") + b"\n" for size in sizes]
    as_one = data.draw(st.booleans())
    content = b"".join(members)
    packed = bz2.compress(content, level) if as_one else b"".join(bz2.compress(m, level) for m in members)
    tasks, lines = reader.tasks({"f.bz2": packed}, wanted)
    assert b"".join(in_order(tasks).values()) == content
    assert lines == content.count(b"\n")


@pytest.mark.parametrize("members", [1, 3])
def test_gzip_is_read_whole_with_all_its_members(reader: Reader, members: int) -> None:
    content = b"".join(b'{"n": %d}\n' % number for number in range(30_000)) + b"the last one"
    size = len(content) // members
    parts = [content[size * n : None if n == members - 1 else size * (n + 1)] for n in range(members)]
    tasks, lines = reader.tasks({"f.gz": b"".join(map(gzip.compress, parts))}, 5)
    assert [data for task in tasks for _, data in task.splits] == [content]
    assert lines == 30_001


@pytest.mark.parametrize("name", ["f.gz", "f.bz2"])
def test_a_file_that_is_cut_off_or_damaged_is_an_error_that_names_it(reader: Reader, name: str) -> None:
    compress = gzip.compress if name.endswith("gz") else bz2.compress
    whole = compress(os.urandom(600_000).hex().encode())
    damaged = whole[:1000] + bytes([whole[1000] ^ 255]) + whole[1001:]
    second = f"{int.from_bytes(whole):b}".find(f"{BLOCK:048b}", 100) // 8  # where a second block begins
    cuts = {len(whole) // 2, len(whole) - 1, len(whole) - 5, len(whole) - 20, second, second + 1, second + 7}
    for content in (*(whole[:cut] for cut in cuts), damaged, b""):
        assert f"{name} can't be read, or is cut off or damaged" in reader.complaint(name, content)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200), zeros=st.integers(0, 20))
def test_any_whole_bzip2_file_is_whole(reader: Reader, content: bytes, zeros: int) -> None:
    """Its end is looked for bit by bit; zero bytes may fill up a file."""
    tasks, _ = reader.tasks({"f.bz2": bz2.compress(content) + bytes(zeros)}, 1)
    assert b"".join(in_order(tasks).values()) == content


def test_small_files_come_together_and_large_ones_as_they_are(reader: Reader) -> None:
    small = {f"s{number:04}": b"%d\n" % number * 250 for number in range(500)}
    tasks, lines = reader.tasks({**small, "large": b"0123456789\n" * 200_000}, 2)
    assert lines == 500 * 250 + 200_000
    assert len(tasks) <= 6
    names = [Path(start.file).name for task in tasks for start, _ in task.splits]
    assert sorted(name for name in names if name != "large") == sorted(small)


def test_a_small_file_is_split_as_hadoop_splits_it(reader: Reader) -> None:
    tasks, _ = reader.tasks({"f": b"one\n" * 501}, 4)
    assert [len(task.splits) for task in tasks] == [1, 1, 1, 1]


def test_the_least_size_of_a_split_is_hadoops_setting(reader: Reader) -> None:
    files = {f"f{number}": b"x\n" * 1_000_000 for number in range(3)}
    assert len(reader.tasks(files, 1)[0]) == 3
    assert len(reader.tasks(files, 6)[0]) == 6
    assert len(reader.tasks(files, 6, least=5_000_000)[0]) == 1


def test_files_that_are_read_from_their_start_alone_are_not_split(reader: Reader) -> None:
    tasks, _ = reader.tasks({"f": b'"x\ny",2\n' * 400_000}, 4, whole=True)
    assert [len(task.splits) for task in tasks] == [1]


def test_lines_of_any_length_are_read(reader: Reader) -> None:
    files = {"f": b"a\n" + b"x" * 3_000_000 + b"\nb\n" + b"y" * 1_500_000}
    tasks, lines = reader.tasks(files, 7)
    assert b"".join(in_order(tasks).values()) == files["f"]
    assert lines == 4
