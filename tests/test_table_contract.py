"""What every format of tables does with hostile files: each row comes back once, or one line says why not."""

from __future__ import annotations

import json
import math
import shutil
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fakes import as_model
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pyarrow import orc

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.protocols import JsonPairWriter
from model_mapreduce_job.formats.registry import TABLES, table_format
from model_mapreduce_job.formats.table_reader import TableColumns, TableReader
from model_mapreduce_job.formats.text_format import TextWriter
from model_mapreduce_job.models.schemas import record_schema
from model_mapreduce_job.pipeline.batch_sizing import BatchSizer
from model_mapreduce_job.pipeline.pipeline import Pipeline
from model_mapreduce_job.pipeline.predictors import predictor_for
from model_mapreduce_job.storage.table_files import named_files, split_tables
from model_mapreduce_job.storage.table_source import open_table
from model_mapreduce_job.storage.table_survey import survey

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROWS = 40
HOSTILE: dict[str, tuple[pa.DataType, Callable[[int], Any]]] = {
    "n": (pa.int64(), lambda n: n),
    "null": (pa.string(), lambda _: None),
    "some": (pa.string(), lambda n: "é\u2028\n\0"[: n % 5] if n % 3 else None),
    "real": (pa.float64(), lambda n: (math.nan, math.inf, -math.inf, -0.0, 5e-324, 1.7e308)[n % 6]),
    "large": (pa.decimal128(20, 0), lambda n: Decimal(2**64 + n)),
    "raw": (pa.binary(), lambda n: bytes([255, n])),
    "list": (pa.list_(pa.int64()), lambda n: [n, None] * (n % 3)),
    "nested": (
        pa.struct([("x", pa.struct([("y", pa.list_(pa.string()))]))]),
        lambda n: {"x": {"y": [str(n)]}},
    ),
}
AVRO: dict[str, Any] = {
    "n": "long",
    "real": "double",
    "large": {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 0},
    "raw": "bytes",
    "list": {"type": "array", "items": ["null", "long"]},
    "nested": {
        "type": "record",
        "name": "outer",
        "fields": [
            {
                "name": "x",
                "type": {
                    "type": "record",
                    "name": "inner",
                    "fields": [{"name": "y", "type": {"type": "array", "items": "string"}}],
                },
            }
        ],
    },
}


def table(*numbers: int) -> pa.Table:
    schema = pa.schema([(name, kind) for name, (kind, _) in HOSTILE.items()])
    return pa.Table.from_pylist(
        [{name: make(n) for name, (_, make) in HOSTILE.items()} for n in numbers], schema
    )


def write_parquet(path: Path, rows: pa.Table) -> None:
    with pq.ParquetWriter(path, rows.schema) as writer:
        writer.write_table(rows.slice(0, 0))
        for start in range(0, len(rows), 7):
            writer.write_table(rows.slice(start, 7))
            writer.write_table(rows.slice(0, 0))


def write_orc(path: Path, rows: pa.Table) -> None:
    with orc.ORCWriter(path, compression="zlib", stripe_size=1024, batch_size=4) as writer:
        for start in range(0, len(rows), 7):
            writer.write(rows.slice(start, 7))
        writer.write(rows.slice(0, 0))


def write_avro(path: Path, rows: pa.Table) -> None:
    others = {field.name: "bytes" if pa.types.is_binary(field.type) else "string" for field in rows.schema}
    fields = [{"name": name, "type": AVRO.get(name, ["null", others[name]])} for name in rows.column_names]
    with path.open("wb") as file:
        schema = {"type": "record", "name": "row", "fields": fields}
        fastavro.writer(file, schema, rows.to_pylist(), sync_interval=100)


WRITE = {"parquet": write_parquet, "orc": write_orc, "avro": write_avro}


def test_each_format_of_tables_is_here() -> None:
    assert WRITE.keys() == TABLES


@as_model
class AnswersN:
    """Answers a record's n, and raises on 7."""

    input_schema = None
    output_schema = None

    def predict_batch(self, data: list[Any]) -> list[Any]:
        return [ValueError("7 is bad") if record["n"] == 7 else record["n"] for record in data]


def predicted(kind: str, *paths: Path, workers: int = 1, size: int = 5) -> tuple[list[tuple[Any, Any]], int]:
    """Return what comes back of the rows of files, with their predictions, and how many tasks that took."""
    form = table_format(kind)
    found = survey(form, named_files(map(str, paths)))
    names = tuple(found.schema.names)
    lines: list[bytes] = []
    splits = split_tables(found.files, workers)
    for split in splits:
        assert split.table is not None
        sizer = BatchSizer(size)
        task = Pipeline(
            TableReader(record_schema(None), TableColumns(names, names), as_texts=True),
            predictor_for(AnswersN(), sizer),
            TextWriter(JsonPairWriter(explain=True)),
            sizer,
            fail_fast=False,
        )
        with open_table(split, split.table, form) as source:
            for output in task.predict_lines(source.batches(found.schema)):
                lines += output
        assert task.report.counters.lines == split.table.rows
    return [tuple(map(json.loads, line.split(b"\t"))) for line in lines], len(splits)


@pytest.fixture(scope="module", params=sorted(TABLES))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def whole(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hostile") / f"whole.{kind}"
    WRITE[kind](path, table(*range(ROWS)))
    return path


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_each_row_comes_back_once_with_its_prediction(kind: str, whole: Path, size: int) -> None:
    pairs, _ = predicted(kind, whole, size=size)
    assert [key["n"] for key, _ in pairs] == list(range(ROWS))
    values = [value["error"]["message"] if isinstance(value, dict) else value for _, value in pairs]
    assert values == ["7 is bad" if n == 7 else n for n in range(ROWS)]


def test_hostile_values_come_back_as_json_has_them(kind: str, whole: Path) -> None:
    keys = [key for key, _ in predicted(kind, whole)[0]]
    assert keys[3] == {
        "n": 3,
        "null": None,
        "some": None,
        "real": -0.0,
        "large": str(2**64 + 3),
        "raw": "/wM=",
        "list": [],
        "nested": {"x": {"y": ["3"]}},
    }
    assert [key["real"] for key in keys[:6]] == [None, None, None, -0.0, 5e-324, 1.7e308]
    assert (keys[4]["some"], keys[4]["list"]) == ("é\u2028\n\0", [4, None])


def test_a_file_may_be_read_by_several_tasks(kind: str, tmp_path: Path, whole: Path) -> None:
    """A task has at least 1 MiB, of which a row group, a stripe or a run of blocks may be a small part."""
    rows = pa.table({"n": list(range(30_000)), "some": [f"{n:0100}" for n in range(30_000)]})
    path = tmp_path / f"large.{kind}"
    if kind == "avro":
        write_avro(path, rows)
    elif kind == "parquet":
        pq.write_table(rows, path, row_group_size=1000, compression="none")
    else:
        orc.write_table(rows, path, stripe_size=1 << 18, dictionary_key_size_threshold=0)
    pairs, tasks = predicted(kind, path, workers=4, size=5000)
    assert [key["n"] for key, _ in pairs] == list(range(30_000))
    assert tasks > 1
    assert predicted(kind, whole, workers=4)[1] == 1


@pytest.mark.parametrize("own", ["parquet", "orc"])
def test_a_row_group_that_is_most_of_the_input_is_shared(own: str, tmp_path: Path) -> None:
    """As pandas writes a file: each worker has a task, and each row comes back once, in order."""
    rows = pa.table({"n": list(range(30_000)), "some": [f"{n * n:0100}" for n in range(30_000)]})
    path = tmp_path / f"one.{own}"
    if own == "parquet":
        pq.write_table(rows, path, compression="none", use_dictionary=False)
    else:
        orc.write_table(rows, path, compression="uncompressed", dictionary_key_size_threshold=0)
    pairs, tasks = predicted(own, path, workers=3, size=5000)
    assert [key["n"] for key, _ in pairs] == list(range(30_000))
    assert tasks == 3
    assert predicted(own, path, workers=1, size=5000) == (pairs, 1)


@pytest.mark.parametrize("compression", ["uncompressed", "zlib", "snappy", "zstd", "lz4"])
def test_stripes_are_read_whatever_compresses_them(compression: str, tmp_path: Path) -> None:
    path = tmp_path / "x.orc"
    with orc.ORCWriter(path, compression=compression, stripe_size=1024, batch_size=64) as writer:
        for start in range(0, 3000, 500):
            rows = list(range(start, start + 500))
            writer.write(pa.table({"n": rows, "some": [str(n * 2_654_435_761 % 2**32) for n in rows]}))
    with path.open("rb") as file:
        contents = table_format("orc").contents(file)
    assert sum(group.rows for group in contents.groups) == 3000
    assert (contents.groups[0].place < 0) == (compression == "lz4")
    assert [key["n"] for key, _ in predicted("orc", path)[0]] == list(range(3000))


def test_a_file_without_rows_has_none(kind: str, whole: Path) -> None:
    empty = whole.with_name(f"empty.{kind}")
    WRITE[kind](empty, table())
    assert predicted(kind, empty, whole)[0] == predicted(kind, whole)[0]


@given(st.floats(0, 1, exclude_max=True))
@settings(deadline=None, max_examples=40)
def test_a_file_that_is_cut_off_anywhere_is_one_line(kind: str, whole: Path, share: float) -> None:
    data = whole.read_bytes()
    cut = whole.with_name(f"cut.{kind}")
    left = data[: int(share * len(data))]
    # Avro says nowhere how many rows a file has: one that ends behind a block is whole
    assume(kind != "avro" or not left.endswith(data[-16:]))
    cut.write_bytes(left)
    with pytest.raises(InputError) as raised:
        predicted(kind, cut)
    message = str(raised.value)
    assert message.startswith(str(cut))
    assert "\n" not in message


@pytest.mark.parametrize("other", sorted(TABLES))
def test_a_file_of_another_format_under_that_name_is_one_line(kind: str, other: str, tmp_path: Path) -> None:
    if other == kind:
        other, text = "text", '{"n": 1}\n'
        (tmp_path / f"x.{kind}").write_text(text)
    else:
        WRITE[other](tmp_path / "x", table(1, 2))
        shutil.copy(tmp_path / "x", tmp_path / f"x.{kind}")
    with pytest.raises(InputError, match=rf"x.{kind} is no {kind} file: it (looks like|begins with)"):
        predicted(kind, tmp_path / f"x.{kind}")


@pytest.mark.parametrize("change", ["a column less", "another type"])
def test_columns_that_change_from_file_to_file_are_refused_with_both_named(
    kind: str, change: str, whole: Path
) -> None:
    binary = pa.array([b"x"])
    less, another = table(1).drop(["raw"]), table(1).set_column(1, "null", binary)
    other = whole.with_name(f"other.{kind}")
    rows = less if change == "a column less" else another
    WRITE[kind](other, rows)
    with pytest.raises(InputError) as raised:
        predicted(kind, whole, other)
    assert str(other) in str(raised.value)
    assert str(whole) in str(raised.value)
