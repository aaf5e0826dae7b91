"""--output_compression: parts and standard output are compressed, and hold what they hold without it."""

from __future__ import annotations

import gzip
import json
import os
import pty
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from backports import zstd
from local_jobs import LocalJob, ended, numbered, output_of, wait_until, write_records

READ = {"gz": gzip.decompress, "zst": zstd.decompress}
COMPRESSIONS = list(READ)
CSV = ("--output_protocol", "csv", "--header")


def texts(directory: Path, compression: str) -> list[bytes]:
    """Return what each part of an output holds."""
    parts = sorted(directory.glob("part-*"))
    assert {part.suffix for part in parts} == {f".{compression}"}
    return [READ[compression](part.read_bytes()) for part in parts]


@pytest.fixture
def rows(job: LocalJob) -> Path:
    """Write rows enough for several tasks, some of which fail."""
    fields = [{"n": number, "pad": "x" * 500} for number in range(2_600)]
    return write_records(
        job.directory / "in", [{**row, **({"do": "raise"} if row["n"] % 900 == 7 else {})} for row in fields]
    )


@pytest.mark.parametrize(("job", "compression"), [("local", "gz"), ("inline", "zst")], indirect=["job"])
def test_parts_and_standard_output_hold_what_they_hold_without_it(
    job: LocalJob, rows: Path, compression: str
) -> None:
    """Each part has its header, standard output one; the bytes are the same each time."""
    asked = ("--output_compression", compression)
    for out, options in (("plain", ()), ("packed", asked), ("again", asked)):
        ran = job.run("--output-dir", out, *CSV, *options, rows)
        assert ran.code == 0, ran.errors
    plain = [part.read_bytes() for part in sorted((job.directory / "plain").glob("part-*"))]
    assert len(plain) > 1
    assert texts(job.directory / "packed", compression) == plain
    assert output_of(job.directory / "again") == output_of(job.directory / "packed")
    printed = job.run(*CSV, rows)
    assert READ[compression](job.run(*CSV, *asked, rows).output) == printed.output


@pytest.mark.measured
@pytest.mark.parametrize("job", ["local"], indirect=True)
def test_what_was_written_is_an_input_again(job: LocalJob, rows: Path) -> None:
    """Also to the commands that people unpack it with."""
    for compression in COMPRESSIONS:
        ran = job.run("--output-dir", compression, "--output_compression", compression, rows)
        assert ran.code == 0, ran.errors
        again = job.run("--output_compression", "gz", "--no_fail_fast", compression)
        assert again.code == 0, again.errors
        assert "complete: 2,600 lines" in again.errors
        assert len(gzip.decompress(again.output).splitlines()) == 2_600
    unpack = {"gz": ["gzip", "-dc"], "zst": ["zstd", "-dc"]}
    for compression, command in unpack.items():
        if shutil.which(command[0]):
            parts = sorted((job.directory / compression).glob("part-*"))
            text = subprocess.run([*command, *parts], check=True, capture_output=True).stdout
            assert len(text.splitlines()) == 2_600


@pytest.mark.parametrize("job", ["inline"], indirect=True)
def test_a_run_without_records_gives_a_whole_stream(job: LocalJob) -> None:
    (job.directory / "in").touch()
    for compression, read in READ.items():
        ran = job.run("--output_compression", compression, "in")
        assert ran.code == 0, ran.errors
        assert read(ran.output) == b""


@pytest.mark.measured
@pytest.mark.parametrize("job", ["local"], indirect=True)
def test_a_killed_run_leaves_nothing_and_resume_goes_on_with_its_compressed_parts(job: LocalJob) -> None:
    """A part is verified by the bytes that were written; one of another compression is not taken."""
    reached, go_on = (str(job.directory / name) for name in ("reached", "go_on"))
    waits = {"do": "wait_for_file", "reached": reached, "go_on": go_on}
    records = [{"n": n, "pad": "x" * 2_000, **(waits if n == 2_000 else {})} for n in range(3_000)]
    write_records(job.directory / "in", records)
    staged = job.directory / ".out.unfinished"
    command = ("--output-dir", "out", "--output_compression", "gz", "in")
    process = job.start(*command)
    wait_until(Path(reached).exists)
    wait_until(lambda: len(list(staged.glob("part-*"))) >= 2)
    process.send_signal(signal.SIGKILL)
    ended(process)
    assert not (job.directory / "out").exists()
    kept = {path.name: path.stat().st_mtime_ns for path in staged.glob("part-*")}
    assert all(name.endswith(".gz") for name in kept)
    wait_until(lambda: job.processes() == [])
    Path(go_on).touch()
    ran = job.run("--resume", *command[:3], "zst", "in")
    assert "output_compression is not the same (it was gz, now it is zst)" in ran.errors
    damaged = staged / min(kept)
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    ran = job.run("--resume", *command)
    assert ran.code == 0, ran.errors
    assert f"{damaged.name} has changed since it was written" in ran.errors
    made = {path.name: path.stat().st_mtime_ns for path in (job.directory / "out").glob("part-*")}
    assert {name for name, time in kept.items() if made[name] != time} == {damaged.name}
    values = [
        json.loads(line.partition(b"\t")[2])["n"]
        for line in b"".join(texts(job.directory / "out", "gz")).splitlines()
    ]
    assert values == list(range(3_000))


@pytest.mark.measured
@pytest.mark.parametrize("job", ["inline"], indirect=True)
def test_what_cannot_be_is_one_line_before_any_work(job: LocalJob) -> None:
    path = write_records(job.directory / "in", numbered(3))
    asked = ("--output_compression", "zst")
    for options, said in {
        ("--output-dir", "out", "--cat-output"): "--cat-output asks for both",
        ("--output-dir", "out", "--output_protocol", "parquet"): "compressed by itself, with zstd",
        ("--output_compression", "lz4"): "invalid choice: 'lz4'",
    }.items():
        ran = job.run(*asked, *options, path)
        assert (ran.code, ran.output, ran.errors.count("\n")) == (1, b"", 1), ran.errors
        assert said in ran.errors
    assert not (job.directory / "out").exists()


@pytest.mark.measured
@pytest.mark.parametrize("job", ["inline"], indirect=True)
def test_no_compressed_bytes_are_written_to_a_terminal(job: LocalJob) -> None:
    """As gzip and zstd do; --plan, which writes none, is not concerned."""
    path = write_records(job.directory / "in", numbered(3))
    ours, terminal = pty.openpty()
    ran = job.run("--output_compression", "gz", path, stdout=terminal)
    os.close(terminal)
    os.close(ours)
    assert (ran.code, ran.errors.count("\n")) == (1, 1)
    assert ran.errors.startswith("--output_compression gz would write compressed bytes to a terminal.")
