"""Blocks on a real Hadoop: small files, columns in another order, reports that come home, damaged files."""

import bz2
import json
from pathlib import Path

import profile_facts
import pytest
from cluster_jobs import IRIS, IRIS_SETTINGS, fingerprint, inline_fingerprint, on_hadoop, summary_of
from local_hadoop import LocalHadoop
from local_jobs import LocalJob

from model_mapreduce_job.storage.compression import decompressed

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

ROW = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
FILES, ROWS = 120, 15
MOST_TASKS = 4  # two a core
BAD_FILE, BAD_LINE = 41, 7
COMPRESS = "mapreduce.output.fileoutputformat.compress"


@pytest.fixture
def job(hadoop: LocalHadoop, iris_bundle: Path, tmp_path: Path) -> LocalJob:
    return on_hadoop(hadoop, tmp_path, "--bundle", str(iris_bundle), *IRIS, **IRIS_SETTINGS)


def put(hadoop: LocalHadoop, directory: Path, target: str, *outputs: str) -> str:
    """Copy a directory to HDFS, and remove outputs of earlier runs; its URI there."""
    hadoop.hadoop("fs", "-rm", "-r", "-f", "-skipTrash", target, *outputs)
    hadoop.hadoop("fs", "-put", directory, target)
    return f"hdfs://{target}"


def rows_of(number: int) -> str:
    lines = [json.dumps(ROW | {"sepal_length": number + line / 100}) for line in range(1, ROWS + 1)]
    if number == BAD_FILE:
        lines[BAD_LINE - 1] = '{"sepal_length": "long"}'
    return "\n".join(lines) + "\n" * (number % 2)


def test_many_small_files_are_few_tasks_and_a_failure_is_found_in_its_file(
    hadoop: LocalHadoop, job: LocalJob, tmp_path: Path
) -> None:
    """As many as the plan has. Tasks compress their parts; the driver leaves nothing of their reports."""
    files = tmp_path / "small"
    files.mkdir()
    for number in range(FILES):
        (files / f"{number:03}.ldjson").write_text(rows_of(number))
    uri, summary = put(hadoop, files, "/small", "/small-out"), tmp_path / "summary.json"
    there, here = tmp_path / "there.json", tmp_path / "here.json"
    packed = ("--output_compression", "zst", "--output-dir", "hdfs:///small-out/1")
    planned = job.run("--plan", *packed, uri)
    ended = job.run("--summary_file", summary, "--profile", there, *packed, uri)
    inline = inline_fingerprint(tmp_path, *IRIS, "--profile", here, files, **IRIS_SETTINGS)
    assert fingerprint(ended) == inline
    profile_facts.assert_same(profile_facts.read(there), profile_facts.read(here))
    parts = parts_of(hadoop, "/small-out/1", tmp_path / "out")
    assert 1 <= len(parts) <= MOST_TASKS
    loaded = f"{len(parts)} tasks, the model is loaded {len(parts)} times"
    together = f"{loaded}: {FILES} files come together in {len(parts)} tasks"
    assert f"tasks          {together}" in planned.output.decode()
    assert {part.suffix for part in parts} == {".zst"}
    assert sum(map(lines_in, parts)) == FILES * ROWS
    found = summary_of(summary)
    assert found["examples_are_in"] == "this summary"
    (reason,) = found["reasons"]
    assert reason["example"].startswith("Expected `float`, got `str`")
    assert reason["place"]["file"].endswith(f"/small/{BAD_FILE:03}.ldjson")
    assert reason["place"]["line"] == BAD_LINE
    assert found["slowest_batches"]


def parts_of(hadoop: LocalHadoop, directory: str, copied: Path) -> list[Path]:
    """Copy an output from HDFS; its parts, beside which there is nothing but the mark of a result."""
    hadoop.hadoop("fs", "-get", directory, copied)
    parts = sorted(copied.glob("part-*"))
    assert sorted(copied.rglob("*")) == [copied / "_SUCCESS", *parts]
    return parts


def lines_in(part: Path) -> int:
    """Return how many lines a compressed file has."""
    with part.open("rb") as file:
        return len(decompressed(part.name, file).read().splitlines())


def test_files_of_this_machine_may_have_their_columns_in_another_order_each(
    hadoop: LocalHadoop, job: LocalJob, tmp_path: Path
) -> None:
    """Also where a task begins in the middle of one, and Hadoop compresses the parts."""
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    names = list(ROW)
    for path, order in ((one, names), (two, names[::-1])):
        rows = ([f"{number % 70 / 10 + names.index(name)}" for name in order] for number in range(40_000))
        path.write_text("".join(f"{','.join(row)}\n" for row in [order, *rows]))
    codec = "org.apache.hadoop.io.compress.GzipCodec"
    packed = ("-D", f"{COMPRESS}=true", "-D", f"{COMPRESS}.codec={codec}")
    csv = ("--input_protocol", "csv", one, two)
    hadoop.hadoop("fs", "-rm", "-r", "-f", "-skipTrash", "/orders-out")
    ended = job.run("-D", "mapreduce.job.maps=4", *packed, "--output-dir", "hdfs:///orders-out/1", *csv)
    assert fingerprint(ended) == inline_fingerprint(tmp_path, *IRIS, *csv, **IRIS_SETTINGS)
    parts = hadoop.hadoop("fs", "-ls", "-C", "/orders-out/1/part-*").stdout.split()
    assert len(parts) >= 3
    assert all(part.endswith(".gz") for part in parts)


def test_rows_of_several_lines_in_another_encoding_are_read_from_their_files_start(
    job: LocalJob, tmp_path: Path
) -> None:
    """Files that can't be cut are a split each, and small ones come together all the same."""
    paths = [tmp_path / name for name in ("one.csv", "two.csv")]
    for number, path in enumerate(paths):
        rows = (f'{number},"3.{row % 9}\n",1.4,0.2' for row in range(3_000))
        text = "\n".join([",".join(ROW), *rows, "7,8,9"])
        path.write_bytes(text.encode("utf-16"))
    csv = ("--input_protocol", "csv", "--encoding", "utf-16", "--quoted_newlines", *paths)
    ended = job.run(*csv)
    assert fingerprint(ended) == inline_fingerprint(tmp_path, *IRIS, *csv, **IRIS_SETTINGS)
    assert "complete: 6,004 lines" in ended.errors


def test_without_blocks_the_output_is_the_same_and_hadoop_compresses_it(
    hadoop: LocalHadoop, job: LocalJob, tmp_path: Path
) -> None:
    """A setting of Hadoop's own that would compress a second time is refused before any work."""
    path, summary = tmp_path / "rows", tmp_path / "summary.json"
    path.write_text(rows_of(BAD_FILE))
    hadoop.hadoop("fs", "-rm", "-r", "-f", "-skipTrash", "/packed")
    asked = ("--output_compression", "gz", "--no_blocks")
    ended = job.run(*asked, "--summary_file", summary, "--output-dir", "hdfs:///packed/1", path)
    assert fingerprint(ended) == inline_fingerprint(tmp_path, *IRIS, path, **IRIS_SETTINGS)
    assert summary_of(summary)["examples_are_in"] == "the tasks' logs"
    parts = parts_of(hadoop, "/packed/1", tmp_path / "out")
    assert {part.suffix for part in parts} == {".gz"}
    assert sum(map(lines_in, parts)) == ROWS
    twice = ("--output_compression", "gz", "-D", f"{COMPRESS}=true")
    ended = job.run(*twice, "--output-dir", "hdfs:///packed/no", path)
    said = f"--output_compression gz and {COMPRESS}=true would compress the output twice."
    assert (ended.code, ended.errors.splitlines()[-1]) == (1, f"{said} Leave one of them out.")


def test_a_file_that_is_cut_off_fails_the_run_and_is_named(
    hadoop: LocalHadoop, job: LocalJob, tmp_path: Path
) -> None:
    """Its bz2 is cut behind a block, where Hadoop's own reader sees nothing missing."""
    text = "".join(rows_of(number) for number in range(0, 1200, 2)).encode()
    packed = bz2.compress(text, 1)
    files = tmp_path / "cut"
    files.mkdir()
    second_block = f"{int.from_bytes(packed):b}".find(f"{0x314159265359:048b}", 100) // 8
    (files / "cut.bz2").write_bytes(packed[:second_block])
    uri = put(hadoop, files, "/cut")
    ended = job.run("-q", "-D", "mapreduce.map.maxattempts=1", "--output-dir", "hdfs:///cut-out", uri)
    assert ended.code == 1
    line = ended.errors.splitlines()[-1]
    assert "/cut/cut.bz2 can't be read, or is cut off or damaged" in line, ended.errors
