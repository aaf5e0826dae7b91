"""Tables on one machine: what is read comes back with its predictions, whatever the format and its types."""

from __future__ import annotations

import datetime as dt
import json
import os
import resource
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import fastavro
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from local_jobs import TESTS, Ended, LocalJob, wait_until, write_records
from pyarrow import orc

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = 900
EXPLAINED = ("--output_protocol", "parquet", "--on_error", "explain")


def columns(rows: int = ROWS, first: int = 0) -> pa.Table:
    """Return a table whose types are those that text has no room for, with nulls in each column but n."""
    numbers = range(first, first + rows)
    day = dt.datetime.fromisoformat("2024-02-29T12:30")
    return pa.table(
        {
            "n": pa.array(numbers, pa.int64()),
            "do": pa.array(["refuse" if n % 90 == 7 else None for n in numbers], pa.string()),
            "large": pa.array([2**64 - 1 - n if n % 5 else None for n in numbers], pa.uint64()),
            "real": pa.array([float("nan") if n % 3 == 0 else 1e300 for n in numbers], pa.float64()),
            "when": pa.array([day + dt.timedelta(microseconds=n) for n in numbers], pa.timestamp("us")),
            "exact": pa.array([n * 1000 + 1 if n % 2 else None for n in numbers], pa.timestamp("ns", "UTC")),
            "price": pa.array([Decimal(n).scaleb(-2) for n in numbers], pa.decimal128(12, 2)),
            "raw": pa.array([b"\xff%d" % n if n % 4 else None for n in numbers], pa.binary()),
            "kind": pa.array(["a" if n % 2 else "b" for n in numbers], pa.string()).dictionary_encode(),
            "nested": pa.array(
                [{"list": [n, None], "deep": {"x": n / 8}} if n % 6 else None for n in numbers],
                pa.struct([("list", pa.list_(pa.int32())), ("deep", pa.struct([("x", pa.float64())]))]),
            ),
        }
    )


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> LocalJob:
    directory = tmp_path_factory.mktemp("tables")
    return LocalJob(directory, ("--model_qualified_name", "tabular", "--quiet"), measured=True)


@pytest.fixture(scope="module")
def source(job: LocalJob) -> Path:
    """Make a directory of files: one with an empty row group between others, and one without rows."""
    directory = job.directory / "in"
    directory.mkdir()
    with pq.ParquetWriter(directory / "a.parquet", columns(0).schema) as writer:
        writer.write_table(columns(300), row_group_size=100)
        writer.write_table(columns(0))
        writer.write_table(columns(300, 300))
    pq.write_table(columns(0), directory / "b.parquet")
    pq.write_table(columns(300, 600), directory / "c.parquet")
    (directory / "_SUCCESS").touch()
    (directory / ".c.parquet.crc").write_bytes(b"crc")
    return directory


@pytest.fixture(scope="module")
def explained(job: LocalJob, source: Path) -> tuple[Ended, Path]:
    """Parquet to Parquet, whose parts several readers look at."""
    output = job.directory / "explained"
    ended = job.run(
        *EXPLAINED, "-r", "local", "--output-dir", output, "--fingerprint", "--summary_file", "1", source
    )
    return ended, output


def test_rows_come_out_with_their_predictions_in_order_and_as_they_were(
    explained: tuple[Ended, Path],
) -> None:
    ended, output = explained
    assert (ended.code, ended.errors) == (0, "")
    names = sorted(path.name for path in output.iterdir())
    assert names == ["_SUCCESS", *(f"part-{n:05d}.parquet" for n in range(len(names) - 1))]
    table = pa.concat_tables(map(pq.read_table, sorted(output.glob("*.parquet"))))
    given = columns()
    assert table.column_names == [*given.column_names, "twice", "error_type", "error_message"]
    as_it_was = table.select(given.column_names).cast(given.schema)
    assert as_it_was.drop(["real"]).equals(given.drop(["real"]))
    assert as_it_was["real"].to_pylist()[1] == 1e300
    predictions = table["twice"].to_pylist()
    assert [n for n, value in enumerate(predictions) if value is None] == list(range(7, ROWS, 90))
    assert table["error_message"].to_pylist()[7] == "7 is refused"
    assert set(table["error_type"].to_pylist()) == {None, "ValueError"}


def test_each_part_has_the_same_columns_and_zstd(explained: tuple[Ended, Path]) -> None:
    files = [pq.ParquetFile(path) for path in sorted(explained[1].glob("*.parquet"))]
    assert len({str(file.schema_arrow) for file in files}) == 1
    assert {file.metadata.row_group(0).column(0).compression for file in files} == {"ZSTD"}


@pytest.mark.parametrize("reader", ["pandas", "polars", "duckdb", "pyarrow"])
def test_others_read_the_parts_as_one_table(reader: str, explained: tuple[Ended, Path]) -> None:
    path = explained[1]
    match reader:
        case "pandas":
            found = pd.read_parquet(path)["n"].tolist()
        case "polars":
            polars = pytest.importorskip("polars")
            found = polars.scan_parquet(path / "*.parquet").collect()["n"].to_list()
        case "duckdb":
            duckdb = pytest.importorskip("duckdb")
            found = [n for (n,) in duckdb.read_parquet(f"{path}/*.parquet")["n"].fetchall()]
        case _:
            found = ds.dataset(path).to_table()["n"].to_pylist()
    assert sorted(found) == list(range(ROWS))


@pytest.fixture(scope="module")
def as_json(job: LocalJob, source: Path) -> Ended:
    return job.run("--summary_file", "2", "--fingerprint", source / "a.parquet", source / "c.parquet")


def test_rows_come_back_as_json_in_text_formats(as_json: Ended) -> None:
    assert as_json.code == 0
    key, value = as_json.pairs[1]
    assert key == {
        "n": 1,
        "do": None,
        "large": 2**64 - 2,
        "real": 1e300,
        "when": "2024-02-29T12:30:00.000001",
        "exact": "1970-01-01T00:00:00.000001001Z",
        "price": "0.01",
        "raw": "/zE=",
        "kind": "a",
        "nested": {"list": [1, None], "deep": {"x": 0.125}},
    }
    assert as_json.pairs[0][0]["real"] is None
    assert [key["n"] for key, _ in as_json.pairs] == list(range(ROWS))
    assert value == {"twice": 2}


def test_a_fingerprint_is_the_same_whichever_runner_and_however_batched(
    job: LocalJob, source: Path, explained: tuple[Ended, Path]
) -> None:
    del explained
    for runner, size, isolate in (("inline", 7, "never"), ("inline", 128, "always")):
        options = ("-r", runner, "--batch_size", size, "--isolate", isolate, "--fingerprint")
        output = job.directory / f"again-{size}"
        assert job.run(*EXPLAINED, *options, "--output-dir", output, "--summary_file", "3", source).code == 0
        found, before = (json.loads((job.directory / name).read_text()) for name in ("3", "1"))
        assert found["fingerprint"] == before["fingerprint"]


DEADLY = {7: "refuse", 41: "segfault"}


def test_a_record_that_ends_the_process_costs_itself(job: LocalJob) -> None:
    table = columns(60).set_column(1, "do", pa.array([DEADLY.get(n) for n in range(60)]))
    pq.write_table(table, job.directory / "fatal.parquet")
    output = job.directory / "fatal"
    ended = job.run(*EXPLAINED, "--output-dir", output, "fatal.parquet")
    assert ended.code == 0, ended.errors
    found = ds.dataset(output).to_table().to_pylist()
    assert [(row["n"], row["error_type"]) for row in found if row["error_type"]] == [
        (7, "ValueError"),
        (41, "ProcessDied"),
    ]


@pytest.mark.parametrize("kind", ["orc", "avro"])
def test_other_tables_give_what_parquet_gives(kind: str, job: LocalJob) -> None:
    rows = [{"n": n, "name": f"é{n}", "score": None if n % 4 else n / 8} for n in range(200)]
    table = pa.Table.from_pylist(rows)
    if kind == "orc":
        orc.write_table(table, job.directory / "t.orc", stripe_size=1024)
    else:
        fields = [
            {"name": "n", "type": "long"},
            {"name": "name", "type": "string"},
            {"name": "score", "type": ["null", "double"]},
        ]
        with (job.directory / "t.avro").open("wb") as file:
            fastavro.writer(file, {"type": "record", "name": "r", "fields": fields}, rows, sync_interval=500)
    pq.write_table(table, job.directory / "t.parquet")
    ended, as_parquet = (job.run(f"t.{ending}") for ending in (kind, "parquet"))
    assert (ended.code, ended.errors, ended.output) == (0, "", as_parquet.output)
    assert [key for key, _ in ended.pairs] == rows


def test_orc_comes_out_as_one_table(job: LocalJob, source: Path) -> None:
    output = job.directory / "orc"
    options = ("--key", "n", "--key", "kind", "--output_protocol", "orc", "--output-dir", output)
    assert job.run(*options, source).code == 0
    table = ds.dataset(output, format="orc").to_table()
    assert table.column_names == ["n", "kind", "twice"]
    assert sorted(table["n"].to_pylist()) == list(range(ROWS))


@pytest.mark.measured
@pytest.mark.parametrize("kind", ["parquet", "orc"])
def test_an_input_without_rows_gives_a_part_with_the_columns(kind: str, job: LocalJob) -> None:
    directory = job.directory / f"without_rows_{kind}"
    directory.mkdir()
    for name in ("a.parquet", "b.parquet"):
        pq.write_table(columns(0).select(["n", "do"]), directory / name)
    output = job.directory / f"of_no_rows_{kind}"
    ended = job.run("--output_protocol", kind, "--output-dir", output, directory)
    assert (ended.code, ended.errors) == (0, "")
    assert sorted(path.name for path in output.iterdir()) == ["_SUCCESS", f"part-00000.{kind}"]
    table = ds.dataset(output, format=kind).to_table()
    assert (table.column_names, table.num_rows) == (["n", "do", "prediction"], 0)


def test_directories_named_as_hive_does_are_columns(job: LocalJob) -> None:
    """Without pandas, whose import takes 0.15 s: pyarrow imports it for values of Python."""
    hidden = job.directory / "no_pandas"
    hidden.mkdir()
    (hidden / "pandas.py").write_text("raise RuntimeError('a run imported pandas')\n")
    lean = replace(job, environment={"PYTHONPATH": f"{hidden}{os.pathsep}{TESTS}"})
    for year, city in ((2024, "a%20b"), (2025, "__HIVE_DEFAULT_PARTITION__")):
        directory = job.directory / f"hive/year={year}/city={city}"
        directory.mkdir(parents=True)
        pq.write_table(columns(3).select(["n"]), directory / "x.parquet")
    assert lean.run("--output_protocol", "orc", "--output-dir", "of_hive", "hive").code == 0
    ended = lean.run("hive")
    assert [key for key, _ in ended.pairs] == [
        *({"n": n, "year": 2024, "city": "a b"} for n in range(3)),
        *({"n": n, "year": 2025, "city": None} for n in range(3)),
    ]


@pytest.mark.measured
def test_text_becomes_a_table_of_its_own_texts(job: LocalJob) -> None:
    (job.directory / "t.csv").write_text('n,code\n1,007\n2,\n3,"a, b"\nx\n')
    output = job.directory / "of_csv"
    ended = job.run(*EXPLAINED, "--output-dir", output, "t.csv")
    assert ended.code == 0, ended.errors
    table = ds.dataset(output).to_table()
    assert table["code"].to_pylist() == ["007", "", "a, b", None]
    assert table["n"].to_pylist() == ["1", "2", "3", "x"]
    assert table["error_type"].to_pylist() == [None, None, None, "RowError"]


@pytest.mark.measured
def test_a_plan_counts_rows_by_the_files_own_metadata_and_starts_nothing(job: LocalJob, source: Path) -> None:
    output = job.directory / "planned"
    ended = job.run("--plan", *EXPLAINED, "--output-dir", output, source)
    assert ended.code == 0, ended.errors
    assert f"{ROWS:,} rows" in ended.output.decode()
    assert not output.exists()


@pytest.mark.measured
def test_one_row_is_predicted_alone(job: LocalJob, source: Path) -> None:
    ended, none = (job.run("--debug_record", number, source) for number in (302, ROWS + 1))
    assert ended.output == b'{"twice": 602}\n'
    assert "--debug_record 901 is no row of the input, which has 900." in none.errors


MISTAKES: dict[str, tuple[tuple[Any, ...], str]] = {
    "no directory": (("--output_protocol", "parquet", "in"), "Name it with --output-dir DIR"),
    "a cluster": (("-r", "spark", "union.avro"), "avro is not for -r spark up to now"),
    "mixed names": (("in", "t.txt"), "in/a.parquet is parquet by its name, and t.txt ldjson"),
    "cut off": (("cut.parquet",), "cut.parquet is cut off or damaged"),
    "empty": (("empty.parquet",), "empty.parquet is empty, and so no parquet file"),
    "cut off, in one sentence": (("cut.parquet",), "not a parquet file. Nothing of it was used"),
    "a time that Arrow's ORC has no room for": (("late.orc",), "late.orc has a time that can't be read: ORC"),
    "a union": (("union.avro",), "union.avro: Its column u is a union of int32 and string"),
    "no record": (("list.avro",), "list.avro: Its schema is no record"),
    "another format": (("really.parquet",), "really.parquet is no parquet file: it looks like an ORC file"),
    "text": (("text.parquet",), "text.parquet is no parquet file: it begins with b'{"),
    "another type": (
        ("in/a.parquet", "other.parquet"),
        "other.parquet has the column n as string, and in/a.parquet has the column n as int64",
    ),
    "another column": (
        ("--input_protocol", "parquet", "in/a.parquet", "more.parquet"),
        "more.parquet has the column more as int64, and in/a.parquet has no column more",
    ),
    "no such key": (("--key", "nn", "in"), "--key nn is no column of the input, which has n, do"),
    "standard input": (("--input_protocol", "parquet", "-"), "can't be read from standard input"),
    "avro out": (("--output_protocol", "avro", "in"), "invalid choice: 'avro'"),
}


def write_union(path: Path) -> None:
    union = ["null", "int", {"type": "enum", "name": "kind", "symbols": ["a", "b"]}]
    fields = [{"name": "n", "type": "int"}, {"name": "u", "type": union}, {"name": "k", "type": "kind"}]
    schema = {"type": "record", "name": "r", "fields": fields}
    rows = [{"n": n, "u": n if n % 2 else "a", "k": "b"} for n in range(5)]
    with path.open("wb") as file:
        fastavro.writer(file, schema, rows)


@pytest.fixture(scope="module")
def mistaken(job: LocalJob, source: Path) -> LocalJob:
    whole = (source / "a.parquet").read_bytes()
    table = columns(3)
    (job.directory / "cut.parquet").write_bytes(whole[:-100])
    (job.directory / "empty.parquet").touch()
    orc.write_table(table.select(["n"]), job.directory / "really.parquet")
    late = pa.array([dt.datetime.fromisoformat("2999-01-01T00:00")] * 3)
    orc.write_table(table.select(["n"]).append_column("late", late), job.directory / "late.orc")
    write_records(job.directory / "text.parquet", [{"n": 1}])
    write_records(job.directory / "t.txt", [{"n": 1}])
    write_union(job.directory / "union.avro")
    with (job.directory / "list.avro").open("wb") as file:
        fastavro.writer(file, {"type": "array", "items": "int"}, [[1]])
    pq.write_table(table.set_column(0, "n", pa.array(["1", "2", "3"])), job.directory / "other.parquet")
    pq.write_table(table.append_column("more", pa.array([1, 2, 3])), job.directory / "more.parquet")
    return job


@pytest.mark.measured
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line(mistake: str, mistaken: LocalJob) -> None:
    arguments, message = MISTAKES[mistake]
    ended = mistaken.run(*arguments)
    assert ended.code != 0
    assert message in ended.errors
    assert "Traceback" not in ended.errors
    assert ended.output == b""


@pytest.mark.measured
def test_the_columns_are_those_of_the_first_thousand_answers_whatever_the_row_groups(job: LocalJob) -> None:
    # the answer to the last of the first 1,000 rows is the only one that says anything
    table = pa.table({"n": range(1002), "do": [*["refuse"] * 999, None, None, None]})
    pq.write_table(table, job.directory / "late.parquet", row_group_size=100)
    output = job.directory / "late"
    ended = job.run("--output_protocol", "parquet", "--no_fail_fast", "--output-dir", output, "late.parquet")
    assert ended.code == 0, ended.errors
    assert ds.dataset(output).to_table()["twice"].to_pylist()[-4:] == [None, 1998, 2000, 2002]


def test_a_column_that_no_column_can_hold_costs_nothing_where_nobody_reads_it(job: LocalJob) -> None:
    write_union(job.directory / "unread.avro")
    ended = job.run("--key", "n", "--key", "k", "unread.avro")
    assert [key for key, _ in ended.pairs] == [{"n": n, "k": "b"} for n in range(5)], ended.errors


def slow_rows(job: LocalJob, count: int) -> Path:
    """Write a file of so many row groups, each of which takes a while."""
    table = pa.table({"n": range(count), "seconds": [0.05] * count})
    path = job.directory / "slow.parquet"
    pq.write_table(table, path, row_group_size=1)
    return path


def test_a_file_that_changes_during_the_run_ends_it(job: LocalJob) -> None:
    path = slow_rows(job, 60)
    output = job.directory / "changed"
    process = job.start("--output_protocol", "parquet", "--output-dir", output, "--batch_size", 1, path)
    staging = output.with_name(".changed.unfinished")
    wait_until(lambda: staging.exists() and any(staging.glob(".part-*")))
    with path.open("ab") as file:
        file.write(b"more")
    _, errors = process.communicate()
    assert (process.returncode, output.exists()) == (1, False)
    assert b"became longer while the run went on" in errors


def test_a_killed_run_is_resumed_with_the_parts_that_it_finished(job: LocalJob, source: Path) -> None:
    output = job.directory / "resumed"
    options = ("--output_protocol", "parquet", "--output-dir", output, "--batch_size", 3)
    process = job.start(*options, source)
    staging = output.with_name(".resumed.unfinished")
    wait_until(lambda: any(finished(staging)) or output.exists())
    os.kill(process.pid, 9)
    process.communicate()
    wait_until(lambda: not job.processes())
    kept = {path.name: path.stat().st_ino for path in finished(staging)}
    ended = job.run(*options, "--resume", source)
    assert ended.code == 0 or "nothing is left to resume" in ended.errors
    parts = {path.name: path.stat().st_ino for path in output.glob("part-*")}
    assert kept.items() <= parts.items()
    assert sorted(ds.dataset(output).to_table()["n"].to_pylist()) == list(range(ROWS))


@pytest.mark.parametrize("kind", ["parquet", "orc"])
def test_a_disk_that_is_full_ends_the_run_in_one_line(kind: str, job: LocalJob) -> None:
    """A limit on the size of files stands for it; coverage could not write either."""
    numbers = [pow(3, n, 2**61 - 1) for n in range(40_000)]
    pq.write_table(pa.table({"n": numbers}), job.directory / "many.parquet")
    output = job.directory / f"full-{kind}"
    unmeasured = replace(job, measured=False)
    options = ("--output_protocol", kind, "--output-dir", output, "many.parquet")
    ended = unmeasured.run(
        *options, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    )
    assert (ended.code, output.exists()) == (1, False)
    assert ended.errors.startswith("The output can't be written: File too large: ")
    assert ended.errors.count("\n") == 1


def finished(staging: Path) -> Iterator[Path]:
    """Yield the parts that are finished: those with a record."""
    for part in staging.glob("part-*"):
        if (staging / f".{part.name}.record").exists():
            yield part


AROUND = """
from model_mapreduce_job import MLModelMapReduceJob

class Own(MLModelMapReduceJob):
    {}

Own.run()
"""


@pytest.mark.measured
@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("def mapper(self, key, data): yield from super().mapper(key, data)", "this one has another."),
        ("def mapper_final(self): yield 'the', 'end'", "The step that predicts has mapper_final, which"),
        ("def combiner(self, key, values): yield key, 1", "for jobs of one mapper"),
    ],
)
def test_a_job_that_does_more_than_predict_has_no_tables(
    job: LocalJob, source: Path, tmp_path: Path, body: str, words: str
) -> None:
    """Its own code is given lines."""
    script = tmp_path / "own.py"
    script.write_text(AROUND.format(body))
    ran = replace(job, script=script).run("--output_protocol", "parquet", "--output-dir", "own", source)
    assert (ran.code, ran.errors.count("\n")) == (1, 1), ran.errors
    assert words in ran.errors
    assert not (job.directory / "own").exists()
