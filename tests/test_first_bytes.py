"""What is no line-delimited JSON is named as what it is, and what may be some is read."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
from typing import TYPE_CHECKING

import pytest
from backports import zstd
from fakes import Doubler
from hypothesis import given, settings
from hypothesis import strategies as st
from pipelines import pipeline_of

from model_mapreduce_job.exceptions import TooManyFailuresError
from model_mapreduce_job.formats.first_bytes import LOOK_BYTES, what_this_is, wide_encoding
from model_mapreduce_job.formats.lines import read_blocks

if TYPE_CHECKING:
    from local_jobs import LocalJob

RECORDS = [{"x": number, "y": {"z": [number]}} for number in range(2000)]
LINES = "".join(f"{json.dumps(record)}\n" for record in RECORDS)
PRETTY = json.dumps(RECORDS, indent=2).encode()
OVER_LINES = b"[\n" + LINES.strip().replace("\n", ",\n").encode() + b"\n]\n"
NO_RECORDS = {
    "gzip": (gzip.compress(LINES.encode()), "gzip data"),
    "bzip2": (bz2.compress(LINES.encode()), "bzip2 data"),
    "xz": (lzma.compress(LINES.encode()), "xz data"),
    "zstd": (zstd.compress(LINES.encode()), "zstd data"),
    "parquet": (b"PAR1\x15\x04", "a Parquet file"),
    "xlsx": (b"PK\x03\x04\x14", "a zip archive"),
    "utf-16 with a mark": (LINES.encode("utf-16"), "text in UTF-16"),
    "utf-16": (LINES.encode("utf-16-le"), "text in UTF-16 or UTF-32"),
    "utf-16, big": (LINES.encode("utf-16-be"), "text in UTF-16 or UTF-32"),
    "utf-32 with a mark": (LINES.encode("utf-32"), "text in UTF-32"),
    "utf-32": (LINES.encode("utf-32-be"), "text in UTF-16 or UTF-32"),
    "array over lines": (OVER_LINES, "one JSON array over several lines"),
    "small array": (b'[\n{"x": 1},\n{"x": 2}\n]\n', "one JSON array over several lines"),
    "array, pretty": (PRETTY, "one JSON array over several lines"),
    "array that begins with a record": (b'[{"x": 1},\r\n{"x": 2},\r\n', "one JSON array over several lines"),
    "objects, pretty": (b'{\n  "x": 1\n}\n{\n  "x": 2\n}\n', "JSON documents over several lines"),
    "output of this job": (b'{"x": 1}\tnull\n{"x": 2}\t2.5\n', "a document and a TAB in each line"),
    "CR alone": (LINES.replace("\n", "\r").encode(), "lines that end in CR alone"),
    "XML": (b"<?xml version='1.0'?>\n<a/>\n", "XML or HTML"),
}


@pytest.mark.parametrize("name", NO_RECORDS)
def test_what_holds_no_records_is_named(name: str) -> None:
    data, kind = NO_RECORDS[name]
    assert (what_this_is(data[:LOOK_BYTES]) or "").startswith(kind)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\n\n",
        LINES.encode(),
        LINES.replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + LINES.encode(),
        b"[1, 2]\n[3, 4]\n",
        b'[\n{"x": 1}\n',
        b"{\nbroken\n" + LINES.encode(),
        b'{"x": 1}',
        b"a,b\n1,2\n",
        b"1\n2\n",
    ],
)
def test_what_may_be_lines_of_json_is_read(head: bytes) -> None:
    assert what_this_is(head) is None


@given(st.binary(max_size=60) | st.text('[]{}\r\n <"x:1,').map(str.encode))
@settings(deadline=None, max_examples=300)
def test_any_bytes_are_looked_at_without_an_error(head: bytes) -> None:
    what_this_is(head)


def test_a_task_whose_first_records_all_fail_says_what_it_reads() -> None:
    task = pipeline_of(Doubler())
    with pytest.raises(
        TooManyFailuresError, match=r"^The input looks like one JSON array over several lines"
    ):
        for _ in task.predict_lines(read_blocks(io.BytesIO(OVER_LINES))):
            pass


@pytest.mark.parametrize("job", ["inline"], indirect=True)
def test_a_file_that_holds_no_records_is_refused_before_any_work(job: LocalJob) -> None:
    (job.directory / "in.json").write_bytes(OVER_LINES)
    ran = job.run("--quiet", "in.json")
    assert (ran.code, ran.output, ran.errors.count("\n")) == (1, b"", 1)
    assert ran.errors.startswith("The input in.json is no line-delimited JSON: it looks like one JSON array")
    (job.directory / "in.csv").write_bytes("n\n1\n".encode("utf-16"))
    ran = job.run("--quiet", "--input_protocol", "csv", "in.csv")
    assert (ran.code, ran.errors.count("\n")) == (1, 1)
    assert "it looks like text in UTF-16; read it with --encoding utf-16, or write it as UTF-8." in ran.errors


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_the_encoding_of_wide_text_is_named(encoding: str) -> None:
    assert wide_encoding(LINES.encode(encoding)) == encoding
    assert wide_encoding(LINES.encode()) is None
