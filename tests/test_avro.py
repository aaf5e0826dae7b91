"""Avro's own types: what fastavro reads, and what it can't, which costs its record and not the file."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_mapreduce_job.formats.avro import FORMAT
from model_mapreduce_job.formats.table_values import python_rows, row_texts

if TYPE_CHECKING:
    import pyarrow as pa


def logical(kind: str, kind_of_value: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "logicalType": kind_of_value, **more}


PRICE = logical("bytes", "decimal", precision=6, scale=2)
MOMENT = {
    "type": "record",
    "name": "moment",
    "fields": [{"name": "at", "type": logical("long", "timestamp-micros")}],
}
TYPES: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "millis": (logical("long", "timestamp-millis"), st.integers(0, 10**12).map(lambda n: moment(n * 1000))),
    "local": (logical("long", "local-timestamp-micros"), st.datetimes()),
    "day": (["null", logical("int", "date")], st.none() | st.dates()),
    "time": (
        logical("int", "time-millis"),
        st.integers(0, 86_399).map(lambda n: moment(n * 10**6).time()),
    ),
    "price": (PRICE, st.decimals(-9999, 9999, places=2)),
    "prices": (
        {"type": "map", "values": PRICE},
        st.dictionaries(st.text(max_size=2), st.decimals(-9, 9, places=2), max_size=2),
    ),
    "fixed": (
        logical("fixed", "decimal", size=8, precision=12, scale=0, name="f8"),
        st.integers(-(10**11), 10**11).map(Decimal),
    ),
    "id": (logical("string", "uuid"), st.uuids().map(str)),
    "first": (MOMENT, st.integers(0, 10**15).map(lambda n: {"at": moment(n)})),
    "more": (
        {"type": "array", "items": "moment"},
        st.lists(st.integers(0, 10**15).map(lambda n: {"at": moment(n)}), max_size=2),
    ),
}
SCHEMA = {
    "type": "record",
    "name": "r",
    "fields": [{"name": name, "type": kind} for name, (kind, _) in TYPES.items()],
}


def moment(micros: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(microseconds=micros)


def read(data: bytes, *columns: str) -> list[pa.RecordBatch]:
    """Return what a file has, as a task of all of its blocks reads it."""
    file: Any = io.BytesIO(data)
    contents = FORMAT.contents(file)
    return list(FORMAT.read(file, contents.groups, 0, columns or contents.schema.names))


@given(
    st.lists(
        st.fixed_dictionaries({name: values for name, (_, values) in TYPES.items()}), min_size=1, max_size=4
    ),
    st.sampled_from(["null", "deflate"]),
)
@settings(deadline=None, max_examples=60)
def test_values_are_those_that_fastavro_reads(rows: list[dict[str, Any]], codec: str) -> None:
    file = io.BytesIO()
    fastavro.writer(file, SCHEMA, rows, codec=codec)
    (batch,) = read(file.getvalue())
    found, unheld = python_rows(batch)
    assert unheld == {}
    for row, expected in zip(found, fastavro.reader(io.BytesIO(file.getvalue())), strict=True):
        assert {**row, "prices": dict(row["prices"])} == {**expected, "id": str(expected["id"])}
        assert UUID(row["id"])


def written(rows: list[dict[str, Any]], types: dict[str, Any]) -> bytes:
    """Return a file whose values are any that its types' bytes have room for, as other writers' may."""

    def schema(kinds: dict[str, Any]) -> dict[str, Any]:
        fields = [{"name": name, "type": kind} for name, kind in kinds.items()]
        return {"type": "record", "name": "r", "fields": fields}

    file = io.BytesIO()
    plain = {name: kind["type"] for name, kind in types.items()}
    fastavro.writer(file, schema(plain), rows, metadata={"note": "x"})
    found = file.getvalue()
    blocks = found[header_size(found) :]
    empty = io.BytesIO()
    fastavro.writer(empty, schema(types), [], sync_marker=blocks[-16:])
    return empty.getvalue() + blocks


def header_size(data: bytes) -> int:
    return data.index(data[-16:]) + 16


def test_a_time_out_of_range_costs_its_record_and_comes_back_as_its_number() -> None:
    types = {"t": logical("long", "timestamp-millis"), "d": logical("int", "date")}
    rows = [{"t": 0, "d": 0}, {"t": 2**62, "d": 1}, {"t": 1, "d": 2**31 - 1}]
    (batch,) = read(written(rows, types))
    found, unheld = python_rows(batch)
    assert found[0] == {"t": moment(0), "d": dt.date(1970, 1, 1)}
    assert sorted(unheld) == [1, 2]
    assert "Python has no room for the value of t" in str(unheld[1])
    assert row_texts(batch)[1] == b'{"t": "<value out of range: %d>", "d": "1970-01-02"}' % 2**62


def test_a_decimal_of_more_digits_than_its_column_is_never_rounded() -> None:
    data = written([{"price": (12_345_678).to_bytes(4)}], {"price": PRICE})
    with pytest.raises(ValueError, match="precision"):
        read(data)
