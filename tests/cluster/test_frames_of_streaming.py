"""Hadoop streaming with the job's own jar and processes that write what they should, or not; no cluster."""

import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from local_cluster.own_jar import JAR
from local_hadoop import LocalHadoop

from model_mapreduce_job.runners.hadoop import blocks

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

ALONE = {"mapreduce.framework.name": "local", "fs.defaultFS": "file:///"}
PROCESS = """
import sys
with open({seen!r}, "wb") as seen:
    seen.write(sys.stdin.buffer.read())
sys.stdout.buffer.write({output!r})
"""


def frame(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">ci", kind, len(data)) + data


@dataclass(frozen=True)
class Streaming:
    """A streaming job over a file of three lines, whose task's process writes what it is given to write."""

    hadoop: LocalHadoop
    place: Path

    def run(self, output: bytes, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run the job; its output is in `out`, and `seen` has what the process read."""
        (self.place / "in").write_bytes(b"a\nb\nc")
        script = self.place / "process.py"
        script.write_text(PROCESS.format(seen=str(self.place / "seen"), output=output))
        given = {**ALONE, **blocks.SETTINGS, **settings}
        options = [word for name, value in given.items() for word in ("-D", f"{name}={value}")]
        formats = ["-inputformat", blocks.INPUT_FORMAT, "-outputformat", blocks.OUTPUT_FORMAT]
        command = self.hadoop.streaming(
            *(f"file://{self.place / name}" for name in ("in", "out")),
            *(*options, "-libjars", str(JAR), *formats, "-mapper", f"{sys.executable} {script}"),
        )
        return subprocess.run(
            command, env=self.hadoop.environment, cwd=self.place, capture_output=True, text=True, check=False
        )


@pytest.fixture
def streaming(hadoop: LocalHadoop, tmp_path: Path) -> Streaming:
    return Streaming(hadoop, tmp_path)


def test_a_part_has_the_bytes_that_were_written_and_a_report_lies_beside_it(streaming: Streaming) -> None:
    """No line end is added or needed, and a TAB is a byte; people see lines in Hadoop's own counters."""
    parts = (b"1\t\n2\r", b"\n\xff")
    done = streaming.run(b"".join(frame(b"B", part) for part in parts) + frame(b"R", b"{}\n") + b"E")
    assert done.returncode == 0, done.stderr
    out = streaming.place / "out"
    assert (out / "part-00000").read_bytes() == b"".join(parts)
    assert (out / blocks.REPORTS / "part-00000").read_bytes() == b"{}\n"
    assert "Map input records=3\n" in done.stderr
    assert "Map output records=2\n" in done.stderr
    assert "input lines=3\n" in done.stderr
    place = f"0 file:{streaming.place / 'in'}".encode()
    assert (streaming.place / "seen").read_bytes() == frame(b"P", place) + frame(b"B", b"a\nb\nc")


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (frame(b"B", b"1\n"), "ended before its output did"),
        (frame(b"B", b"1\n")[:-1], "ended before its output did"),
        (b"", "ended before its output did"),
        (b"Loading a model\n" + frame(b"B", b"1\n") + b"E", "something else has written to it"),
    ],
    ids=["no end", "cut", "nothing", "other output"],
)
def test_a_process_that_ends_well_with_half_an_output_has_failed(
    streaming: Streaming, output: bytes, message: str
) -> None:
    done = streaming.run(output)
    assert done.returncode != 0
    assert message in done.stderr
    assert not list((streaming.place / "out").glob("part-*"))
