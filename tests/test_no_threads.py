"""Where no thread can be started each format gives its whole output: Arrow's own threads are left unused."""

from __future__ import annotations

import csv
import json
import resource
import subprocess
import sys
from io import StringIO
from typing import TYPE_CHECKING, Any

import fastavro
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from iris_model.iris_predict import IrisModel
from iris_model.iris_schema import FIELDS
from local_jobs import PROJECT, LocalJob
from pyarrow import orc

if TYPE_CHECKING:
    from pathlib import Path

ROWS = [[n % 7 + 0.5, n % 4 + 0.1, n % 6 + 0.3, n % 3 + 0.2] for n in range(300)]
TABLES = ("parquet", "orc")


def without_threads() -> None:
    """Give this process's threads stacks for which there is no room."""
    resource.setrlimit(resource.RLIMIT_STACK, (64 << 30, 64 << 30))
    resource.setrlimit(resource.RLIMIT_AS, (16 << 30, 16 << 30))


@pytest.fixture(scope="module")
def species() -> list[Any]:
    batch = pa.record_batch(list(map(pa.array, zip(*ROWS, strict=True))), list(FIELDS))
    return list(IrisModel().predict_columns(batch)["species"].tolist())


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> LocalJob:
    directory = tmp_path_factory.mktemp("no_threads")
    rows = [dict(zip(FIELDS, row, strict=True)) for row in ROWS]
    table = pa.Table.from_pylist(rows)
    pq.write_table(table, directory / "in.parquet")
    orc.write_table(table, directory / "in.orc")
    fields = [{"name": name, "type": "double"} for name in FIELDS]
    with (directory / "in.avro").open("wb") as file:
        fastavro.writer(file, {"type": "record", "name": "r", "fields": fields}, rows)
    (directory / "in.ldjson").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    for name, mark in (("in.csv", ","), ("in.tsv", "\t")):
        lines = [mark.join(map(str, row)) for row in [list(FIELDS), *ROWS]]
        (directory / name).write_text("\n".join(lines) + "\n")
    options = ("--quiet", "--model_qualified_name", "iris_model")
    return LocalJob(directory, options, environment={"APP_SETTINGS": "ProdConfig"}, measured=False)


def predicted(directory: Path, kind: str) -> list[Any]:
    """Return the species in an output of a format."""
    if kind in TABLES:
        return list(ds.dataset(directory, format=kind).to_table()["species"].to_pylist())
    text = b"".join(part.read_bytes() for part in sorted(directory.glob("part-*")))
    if kind in {"csv", "tsv"}:
        mark = "\t" if kind == "tsv" else ","
        return [row[-1] for row in csv.reader(StringIO(text.decode()), delimiter=mark)]
    last = [line.rpartition(b"\t")[2] for line in text.splitlines()]
    return [(found.get("prediction") or found)["species"] for found in map(json.loads, last)]


@pytest.mark.parametrize(
    ("given", "written", "runner"),
    [
        ("ldjson", "ldjson", "inline"),
        ("csv", "csv", "local"),
        ("tsv", "json", "inline"),
        ("csv", "parquet", "inline"),
        ("parquet", "parquet", "local"),
        ("orc", "orc", "inline"),
        ("avro", "tsv", "inline"),
    ],
)
def test_the_whole_output_comes_out_where_no_thread_can_be_started(
    given: str, written: str, runner: str, job: LocalJob, species: list[Any]
) -> None:
    output = job.directory / f"{given}-{written}"
    ended = job.run(
        *("-r", runner, "--output_protocol", written, "--output-dir", output, f"in.{given}"),
        preexec_fn=without_threads,
    )
    assert (ended.code, ended.errors) == (0, "")
    assert predicted(output, written) == species


def test_arrow_reads_csv_with_no_thread_and_no_pipe_of_its_own() -> None:
    """It would keep both for Ctrl-C, and end a process that forks after they were closed."""
    script = """
import os
from model_mapreduce_job.formats.typed_columns import pa_csv, read_table

def held():
    return [len(os.listdir(f"/proc/self/{kind}")) for kind in ("task", "fd")]

before = held()
read_table(b"1,2\\n", ["a", "b"], pa_csv.ConvertOptions(), ",")
print(held() == before)
"""
    command = [sys.executable, "-c", script]
    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout == "True\n"
