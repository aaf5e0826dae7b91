"""Runs on one machine, on both local runners, from the command line: what goes in comes out, in order."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from backports import zstd
from local_jobs import PROJECT, SCRIPT, LocalJob, numbered, output_of, wait_until, write_records

if TYPE_CHECKING:
    from collections.abc import Callable

MEGABYTE = 1 << 20


def wide(count: int, start: int = 0) -> bytes:
    """Return numbered records of about 1 KiB a line: a megabyte of them is two splits' worth soon."""
    return b"".join(
        b'{"n": %d, "pad": "%s"}\n' % (number, b"x" * 1000) for number in range(start, start + count)
    )


def numbers(lines: bytes) -> list[int]:
    return [json.loads(line.partition(b"\t")[0])["n"] for line in lines.splitlines()]


@pytest.mark.parametrize(
    ("command", "runner"),
    [
        ("script", ()),
        ("script", ("-r", "inline")),
        ("script", ("-r", "local")),
        ("module", ()),
        ("console script", ("-r", "local")),
    ],
)
def test_the_sample_is_predicted_from_anywhere(command: str, runner: tuple[str, ...], tmp_path: Path) -> None:
    """The documented commands answer every line of data/input.ldjson, from any directory."""
    commands = {
        "script": [sys.executable, SCRIPT],
        "module": [sys.executable, "-m", "model_mapreduce_job"],
        "console script": [Path(sys.executable).with_name("model-mapreduce-job")],
    }
    sample = PROJECT / "data" / "input.ldjson"
    ended = subprocess.run(
        [*commands[command], "--model_qualified_name", "iris_model", *runner, sample],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": "./", "APP_SETTINGS": "ProdConfig"},
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    pairs = [line.split(b"\t") for line in ended.stdout.splitlines()]
    assert [key for key, _ in pairs] == sample.read_bytes().splitlines()
    assert [value for key, value in pairs if b"asd" in key] == [b"null"]
    assert {value for key, value in pairs if b"asd" not in key} <= {
        b'{"species": "%s"}' % name for name in (b"setosa", b"versicolor", b"virginica")
    }


def test_output_order_is_input_order_over_parts_and_files(job: LocalJob) -> None:
    """Files come in the order given, also when it's not that of their names, and their parts in order."""
    (job.directory / "b").write_bytes(wide(4000))
    (job.directory / "a").write_bytes(wide(2500, 4000))
    (job.directory / "c").write_bytes(b'{"n": 6500}')
    ended = job.run("--num-cores", 3, "--output-dir", "out", "b", "a", "c")
    assert ended.code == 0, ended.errors
    assert numbers(ended.output) == []
    assert numbers(output_of(job.directory / "out")) == list(range(6501))
    assert len(list((job.directory / "out").glob("part-*"))) > 5
    assert (job.directory / "out" / "_SUCCESS").read_bytes() == b""


def test_input_is_not_copied(job: LocalJob) -> None:
    """While a file is predicted, temporary files are nowhere near its size; and all of them are private."""
    lines = (
        wide(5000)
        + json.dumps({"n": -1, "look": [str(job.tmp), str(job.directory / ".out.unfinished")]}).encode()
    )
    (job.directory / "in").write_bytes(lines)
    ended = job.run("--output-dir", "out", "in")
    assert ended.code == 0, ended.errors
    last = output_of(job.directory / "out").splitlines()[-1]
    found = [(name, mode, size) for name, mode, size in json.loads(last.partition(b"\t")[2]) if name != "tmp"]
    others = [(name, size) for name, _, size in found if not name.startswith(("part-", ".part-"))]
    assert sum(size for _, size in others) < MEGABYTE / 10, others
    assert [name for name, mode, _ in found if mode & 0o077] == []


def test_standard_input_is_streamed_to_the_workers(job: LocalJob) -> None:
    """Of 10 MB from a pipe, nothing is stored, and the first are predicted before the last are written."""
    reached, go_on = job.directory / "reached", job.directory / "go_on"
    first = {"n": -1, "do": "wait_for_file", "reached": str(reached), "go_on": str(go_on)}
    process = job.start("--output-dir", "out", "-", stdin=subprocess.PIPE)
    begin = json.dumps(first).encode() + b"\n" + wide(5000)
    writer = threading.Thread(target=lambda: process.stdin.write(begin))
    writer.start()
    wait_until(reached.exists)
    go_on.touch()
    writer.join()
    look = json.dumps({"n": 10000, "look": [str(job.tmp)]}).encode()
    process.communicate(wide(5000, 5000) + look)
    assert process.returncode == 0
    output = output_of(job.directory / "out")
    assert numbers(output) == [-1, *range(10001)]
    sizes = [size for _, _, size in json.loads(output.splitlines()[-1].partition(b"\t")[2])]
    assert sum(sizes) < MEGABYTE / 10


@pytest.mark.parametrize("job", ["inline"], indirect=True)
def test_memory_does_not_grow_with_standard_input(job: LocalJob) -> None:
    """The driver and its workers need no more memory for 60 MB from a pipe than for 6 MB."""

    def peak(count: int) -> int:
        process = job.start("--output-dir", f"out{count}", stdin=subprocess.PIPE)
        assert process.stdin
        for start in range(0, count, 1000):
            process.stdin.write(wide(1000, start))
        process.stdin.close()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        for stream in (process.stdout, process.stderr):
            assert stream
            stream.close()
        return usage.ru_maxrss

    assert peak(60_000) < 1.15 * peak(6_000)


def test_a_fifo_is_read_once_and_in_its_place(job: LocalJob) -> None:
    """A pipe with a name is input as any other."""
    fifo = job.directory / "fifo"
    os.mkfifo(fifo)
    write_records(job.directory / "before", numbered(3))
    writer = threading.Thread(target=fifo.write_bytes, args=(wide(5000, 3),))
    writer.start()
    ended = job.run("before", "fifo")
    writer.join()
    assert ended.code == 0, ended.errors
    assert numbers(ended.output) == list(range(5003))


def test_names_may_hold_anything(job: LocalJob) -> None:
    """Directories, globs, URIs, and names with spaces, brackets, unicode and bytes that are no UTF-8."""
    directory = job.directory / "a dir [1]"
    directory.mkdir()
    names = ["1 ü.ldjson", "2[x].ldjson", "3*.ldjson", os.fsdecode(b"4\xff.ldjson")]
    for number, name in enumerate(names):
        write_records(directory / name, numbered(2, 2 * number))
    write_records(directory / "_hidden", numbered(1, 99))
    (directory / ".git").mkdir()
    write_records(directory / ".git" / "config", numbered(1, 99))
    write_records(job.directory / "8.ldjson", numbered(1, 8))
    write_records(job.directory / "9.ldjson", numbered(1, 9))
    more = ["?.ldjson", "a dir [1]/2[x].ldjson", f"file://{job.directory}/9.ldjson"]
    ended = job.run("a dir [1]", *more)
    assert ended.code == 0, ended.errors
    assert numbers(ended.output) == [*range(10), 2, 3, 9]


COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstd.compress,
}


def test_compressed_files_of_many_members_come_out_whole(job: LocalJob) -> None:
    """Whatever the format, and however many members a file has."""
    for number, (ending, compress) in enumerate(COMPRESSORS.items()):
        members = [wide(100, 1000 * number + 100 * member) for member in range(10)]
        (job.directory / f"in.{ending}").write_bytes(b"".join(map(compress, members)))
    ended = job.run(*(f"in.{ending}" for ending in COMPRESSORS))
    assert ended.code == 0, ended.errors
    assert numbers(ended.output) == list(range(4000))


def test_a_truncated_file_ends_the_run_with_its_name(job: LocalJob) -> None:
    """Nothing is printed of what could be read, nor of the files before it."""
    write_records(job.directory / "whole", numbered(10))
    (job.directory / "cut.gz").write_bytes(gzip.compress(wide(3000))[:-5])
    ended = job.run("whole", "cut.gz")
    assert (ended.code, ended.output) == (1, b"")
    assert ended.errors.count("\n") == 1
    assert "cut.gz is cut off or damaged" in ended.errors


@pytest.mark.parametrize("job", ["local"], indirect=True)
def test_compressed_files_run_in_parallel(job: LocalJob) -> None:
    """Two files' records wait for each other: both are predicted at the same time, or neither."""
    one, two = str(job.directory / "one"), str(job.directory / "two")
    for mine, other in ((one, two), (two, one)):
        record = {"n": 0, "do": "wait_for", "mine": mine, "other": other}
        Path(f"{mine}.gz").write_bytes(gzip.compress(json.dumps(record).encode()))
    ended = job.run("--num-cores", 2, "one.gz", "two.gz")
    assert ended.code == 0, ended.errors
    assert [value for _, value in ended.pairs] == [{"n": 0}, {"n": 0}]


def test_what_a_library_says_is_no_output_and_ends_nothing(job: LocalJob) -> None:
    """A model that prints and warns when imported, loaded and used, and keeps a thread, changes nothing."""
    write_records(job.directory / "in", numbered(5000))
    ended = job.run("--model_qualified_name", "chatty", "--quiet", "in")
    assert (ended.code, ended.errors) == (0, "")
    assert ended.values == numbered(5000)


@pytest.mark.parametrize(("options", "threads"), [((), "1"), (("--cmdenv", "OMP_NUM_THREADS=3"), "3")])
def test_a_numeric_library_gets_one_thread_unless_told_otherwise(
    tmp_path: Path, options: tuple[str, ...], threads: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tasks run side by side, one a core."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    job = LocalJob(tmp_path, ("-r", "local", "--model_qualified_name", "obedient", *options))
    record = write_records(tmp_path / "record", [{"env": "OMP_NUM_THREADS"}])
    assert job.run(record).values == [threads]


@pytest.mark.parametrize("options", [(), ("--isolate", "always")])
def test_what_a_library_warns_of_is_in_the_summary_once(
    job: LocalJob, options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may say that predictions are wrong; it's shown as it comes only when asked for."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)  # C would hold nothing back
    write_records(job.directory / "in", [{"n": number, "do": "talk"} for number in range(40)])
    ran = job.run(*options, "in")
    assert ran.code == 0
    assert ran.errors.count("UserWarning: warned") == 1
    assert "printed" not in ran.errors
    assert ran.values == numbered(40)
    shown = job.run("--verbose", *options, "in").errors
    assert all(words in shown for words in ("printed", "held back by C", "said at exit"))


@pytest.mark.parametrize("options", [(), ("--isolate", "always")])
def test_what_a_model_leaves_open_is_written_or_removed_at_its_end(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    """As by any end of Python; a process of multiprocessing's removes shared memory."""
    (tmp_path / "temporary").mkdir()
    shared = f"left_open_{os.getpid()}"
    record = {"n": 0, "do": "leave_open", "file": str(tmp_path / "file"), "shared": shared}
    write_records(tmp_path / "in", [record | {"temporary": str(tmp_path / "temporary")}])
    ran = LocalJob(tmp_path, ("--model_qualified_name", "obedient", *options)).run("in")
    assert (ran.code, ran.values) == (0, numbered(1))
    assert (tmp_path / "file").read_text() == "held back by Python"
    assert not list((tmp_path / "temporary").iterdir())
    assert not Path("/dev/shm", shared).exists()  # noqa: S108 - where Linux has it
