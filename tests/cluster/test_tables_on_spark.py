"""Tables on a real Spark: its own readers and writers, and the output of one machine."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import profile_facts
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from cluster_jobs import broken_tables, fingerprint, summary_of
from local_jobs import LocalJob
from pyarrow import orc

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

SPARK = ("-r", "spark", "--spark-master", "local[2]")
INLINE = ("-r", "inline")
EXPLAINED = ("--output_protocol", "parquet", "--on_error", "explain")
SEVERAL = ("--model_qualified_name", "tabular", "--model_qualified_name", "mending")
ROWS = 300
BAD = {
    7: ("refuse", "ValueError"),
    41: ("segfault", "ProcessDied"),
    141: ("leave", "ProcessDied"),
    241: ("hang", "PredictTimeout"),
}


def columns(rows: int = ROWS, first: int = 0) -> pa.Table:
    """Return a table of the types that Spark writes unchanged, with nulls in each column but n."""
    numbers = range(first, first + rows)
    day = dt.datetime.fromisoformat("0001-01-01T12:30")
    deep = pa.struct([pa.field("x", pa.float64(), nullable=False), ("texts", pa.list_(pa.large_string()))])

    def some(value: Any) -> list[Any]:
        return [value(n) if n % 3 else None for n in numbers]

    return pa.table(
        {
            "n": pa.array(numbers, pa.int64()),
            "do": pa.array([BAD.get(n, (None,))[0] for n in numbers], pa.large_string()),
            "b`yte, {1}": pa.array(some(lambda n: n % 256 - 128), pa.int8()),
            "a.b": pa.array(some(lambda n: n % 2 == 0), pa.bool_()),
            "A.B": pa.array(some(lambda n: float("nan") if n % 2 else 1e30), pa.float32()),
            "when": pa.array(some(lambda n: day + dt.timedelta(microseconds=n)), pa.timestamp("us")),
            "zoned": pa.array(some(lambda n: day + dt.timedelta(days=n)), pa.timestamp("us", "UTC")),
            "day": pa.array(some(lambda n: day.date() + dt.timedelta(days=n * 10000)), pa.date32()),
            "price": pa.array(some(lambda n: Decimal(n).scaleb(-2)), pa.decimal128(12, 2)),
            "raw": pa.array(some(lambda n: b"\xff%d" % n), pa.binary()),
            "kind": pa.array(some(lambda n: "ab"[n % 2]), pa.string()).dictionary_encode(),
            "nested": pa.array(some(lambda n: {"x": n / 8, "texts": ["é", None]}), deep),
            "pairs": pa.array(some(lambda n: [("k", n)]), pa.map_(pa.string(), pa.int16())),
        }
    )


def plain(path: Path, kind: str = "parquet") -> pa.Table:
    """Return an output by the order of n, with the one type of texts that files have, and nulls anywhere."""
    table = ds.dataset(path, format=kind).to_table().sort_by("n")

    def of(kind: pa.DataType) -> pa.DataType:
        if pa.types.is_dictionary(kind):
            return kind.value_type
        if pa.types.is_struct(kind):
            return pa.struct([(field.name, of(field.type)) for field in kind])
        if pa.types.is_list(kind):
            return pa.list_(of(kind.value_type))
        return pa.string() if pa.types.is_large_string(kind) else kind

    return table.cast(pa.schema([(field.name, of(field.type)) for field in table.schema]))


@pytest.fixture
def job(tmp_path: Path) -> LocalJob:
    """Give the job with a model of rows, which does what a row says."""
    options = ("--no-conf", "--model_qualified_name", "tabular", "--fingerprint")
    return LocalJob(tmp_path, options)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Make a directory whose directories are columns, with an empty file and hidden ones."""
    for first, year, city in ((0, 2024, "a%20b"), (150, 2025, "__HIVE_DEFAULT_PARTITION__")):
        directory = tmp_path / f"in put/year={year}/city={city}"
        directory.mkdir(parents=True)
        pq.write_table(columns(150, first), directory / "größe, [x].parquet", row_group_size=40)
        pq.write_table(columns(0), directory / "none.parquet")
    (tmp_path / "in put" / "_SUCCESS").touch()
    (tmp_path / "in put" / ".x.parquet.crc").write_bytes(b"crc")
    return tmp_path / "in put"


def test_parquet_of_each_type_comes_out_as_on_one_machine(job: LocalJob, source: Path) -> None:
    """With stamps, and of two models: rows that kill their process, or hang, cost themselves with one.

    Each row counts once, and the files say how many.
    """
    there, here = job.directory / "there", job.directory / "here"
    summary = job.directory / "summary.json"
    options = (*SEVERAL, *EXPLAINED, "--stamp", "--predict_timeout", "3", "--output-dir")
    ended = job.run(*SPARK, *options, there, "--summary_file", summary, source)
    assert fingerprint(ended) == fingerprint(job.run(*INLINE, *options, here, source))
    found, expected = (plain(place).drop_columns(["run_id", "run_time"]) for place in (there, here))
    assert list(map(str, found.schema)) == list(map(str, expected.schema))
    assert found.drop_columns("A.B").equals(expected.drop_columns("A.B"))
    assert str(found["A.B"].to_pylist()) == str(expected["A.B"].to_pylist())  # there are NaNs
    errors = zip(found["n"].to_pylist(), found["tabular.error_type"].to_pylist(), strict=True)
    assert {n: kind for n, kind in errors if kind} == {n: kind for n, (_, kind) in BAD.items()}
    counts = summary_of(summary)["counts"]
    assert (counts["lines"], counts["predicted"], counts["failed"]) == (ROWS, ROWS - 4, 4)
    models = summary_of(summary)["counts_of_models"]
    assert {name: counts["failed"] for name, counts in models.items()} == {"tabular": 4, "mending": 0}
    assert (there / "_SUCCESS").exists()
    assert job.processes() == []


def test_orc_comes_out_as_text_and_text_as_orc(job: LocalJob) -> None:
    """With a header, a stamp, a --key, a profile, and types that Spark reads as others."""
    table = pa.table(
        {
            "n": pa.array(range(ROWS), pa.int64()),
            "do": pa.array([None] * ROWS, pa.string()),
            "name": pa.array([f"é\n{n}" for n in range(ROWS)], pa.string()),
        }
    )
    orc.write_table(table, job.directory / "a.orc", stripe_size=1024)
    keys = ("--key", "n", "--key", "name", "--profile")
    runs = [job.run(*where, *keys, f"{where[1]}.json", "a.orc") for where in (SPARK, INLINE)]
    assert runs[0].output == runs[1].output != b""
    assert runs[1].code == 0, runs[1].errors
    there, here = (profile_facts.read(job.directory / f"{where[1]}.json") for where in (SPARK, INLINE))
    profile_facts.assert_same(there, here)
    (job.directory / "t.csv").write_bytes(b'n,code\n1,007\r\n2,\n3,"a, b"\nx\n')
    output = ("--output_protocol", "orc", "--output-dir")
    runs = [job.run(*where, *output, place, "t.csv") for where, place in ((SPARK, "there"), (INLINE, "here"))]
    assert fingerprint(runs[0]) == fingerprint(runs[1])
    assert plain(job.directory / "there", "orc").equals(plain(job.directory / "here", "orc"))


def test_a_replay_of_a_table_predicts_again_what_has_failed(job: LocalJob) -> None:
    """Spark's own output can be replayed on one machine."""
    earlier, whole = broken_tables(job.directory, "parquet")
    mending = ("--model_qualified_name", "mending", "--input_protocol", "parquet", *EXPLAINED)
    ended = job.run(*SPARK, *mending, "--output-dir", "again", "--replay", earlier)
    assert fingerprint(ended) == whole
    assert "complete: 3,000 lines = 2,000 kept + 1,000 predicted + 0 failed + 0 blank" in ended.errors
    assert plain(job.directory / "again").equals(plain(job.directory / "whole"))
    ended = job.run(*INLINE, *mending, "--output-dir", "twice", "--replay", "again")
    assert "complete: 3,000 lines = 3,000 kept + 0 predicted" in ended.errors, ended.errors


REFUSED = {
    "nanoseconds": "Spark can't read this: the column odd is timestamp[ns].",
    "unsigned": "Spark writes another type in parquet: the column odd is uint8.",
    "cut": "cut.parquet is cut off or damaged",
    "other": "has the column n as string, and",
}


def test_what_spark_can_not_carry_is_refused_before_it_starts(job: LocalJob) -> None:
    rows = {"n": [1, 2], "do": pa.array([None, None], pa.string())}
    for name, kind in (("nanoseconds", pa.timestamp("ns")), ("unsigned", pa.uint8())):
        table = pa.table({**rows, "odd": pa.array([1, None], kind)})
        pq.write_table(table, job.directory / f"{name}.parquet")
    whole = (job.directory / "unsigned.parquet").read_bytes()
    (job.directory / "cut.parquet").write_bytes(whole[:-9])
    (job.directory / "other").mkdir()
    pq.write_table(pa.table(rows), job.directory / "other" / "a.parquet")
    pq.write_table(pa.table({**rows, "n": ["a", "b"]}), job.directory / "other" / "b.parquet")
    for name, message in REFUSED.items():
        path = name if name == "other" else f"{name}.parquet"
        ended = job.run("-q", *SPARK, "--output_protocol", "parquet", "--output-dir", "out", path)
        assert (ended.code, len(ended.errors.splitlines())) == (1, 1), ended.errors
        assert message in ended.errors


def test_a_table_that_is_damaged_inside_is_named_with_what_is_wrong_with_it(job: LocalJob) -> None:
    path = job.directory / "damaged.parquet"
    pq.write_table(pa.table({"n": range(3000)}), path, compression="zstd", use_dictionary=False)
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + bytes(byte ^ 0x5A for byte in whole[100:900]) + whole[900:])
    ended = job.run(*SPARK, "--output-dir", "out", path.name)
    assert ended.code == 1
    *before, last = ended.errors.splitlines()
    assert last.startswith("A task failed: damaged.parquet can't be read: Data corruption detected")
    assert last.endswith(". If it is cut off or damaged, get a whole copy of it.")
    assert not [line for line in before if "\\tat " in line or "Warning" in line]
    assert not (job.directory / "out").exists()
