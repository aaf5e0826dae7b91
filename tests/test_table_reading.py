"""A table's rows as records: the quick lane of columns and the careful lane of rows say the same."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import Annotated, Any, Literal, TypedDict

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_mapreduce_job.formats.arrow_records import rows_at
from model_mapreduce_job.formats.prediction_columns import (
    PredictionReader,
    prediction_schema,
    schema_of_texts,
)
from model_mapreduce_job.formats.records import Failure
from model_mapreduce_job.formats.registry import format_of
from model_mapreduce_job.formats.table_fit import ColumnFit
from model_mapreduce_job.formats.table_reader import TableColumns, TableReader
from model_mapreduce_job.formats.table_values import python_rows, row_texts
from model_mapreduce_job.formats.unknown_columns import why_unknown
from model_mapreduce_job.models.column_maker import ColumnMaker
from model_mapreduce_job.models.columns import column_schema
from model_mapreduce_job.models.schemas import record_schema

Positive = Annotated[float, msgspec.Meta(gt=0, le=1e9)]


class Fields(TypedDict):
    """Fields of each plain type, with what a schema may ask of them."""

    a: Positive
    b: int | None
    c: Literal["x", "y"]


FLOATS = st.one_of(st.none(), st.floats(width=32), st.sampled_from([0.0, 1e9, math.nan, math.inf]))
TYPES = {
    "a": [pa.float64(), pa.float32(), pa.int32(), pa.string()],
    "b": [pa.int64(), pa.uint64(), pa.int8(), pa.float64()],
    "c": [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())],
}
VALUES = {
    "a": {pa.string(): st.one_of(st.none(), st.text(max_size=3)), pa.int32(): st.integers(-2, 2)},
    "b": {pa.uint64(): st.integers(2**63 - 2, 2**63 + 2), pa.float64(): st.sampled_from([1.0, 1.5, None])},
    "c": {},
}


@st.composite
def batches(draw: st.DrawFn) -> pa.RecordBatch:
    """Return batches whose columns are of some of the types that a file may have."""
    rows = draw(st.integers(1, 6))
    columns = {}
    for name, kinds in TYPES.items():
        kind = draw(st.sampled_from(kinds))
        plain = {
            "a": FLOATS,
            "b": st.integers(-100, 100) | st.none(),
            "c": st.sampled_from(["x", "y", "z", None]),
        }
        values = VALUES[name].get(kind, plain[name])
        columns[name] = pa.array(draw(st.lists(values, min_size=rows, max_size=rows)), kind)
    return pa.record_batch(columns)


def reader(fit: ColumnFit | None, maker: ColumnMaker) -> TableReader:
    columns = TableColumns(("a", "b", "c"), ("a",))
    return TableReader(record_schema(Fields), columns, maker, fit, as_texts=True)


@given(batches())
def test_both_lanes_give_the_same_records_and_the_same_failures(batch: pa.RecordBatch) -> None:
    maker = ColumnMaker(column_schema(Fields, "Model"))
    fit = ColumnFit.of(Fields, maker.schema)
    assert fit is not None
    quick, careful = (reader(one, maker).read(batch) for one in (fit, None))
    assert quick.failures == careful.failures
    assert quick.keys == careful.keys
    assert len(quick.records) == len(careful.records)
    assert str(columns_of(quick.records)) == str(columns_of(careful.records))


def columns_of(records: Any) -> Any:
    """Return the columns of records, or what they raise."""
    try:
        return records.columns().to_pydict()
    except Exception as error:  # noqa: BLE001 - a column may have no room for a value
        return type(error)


HOSTILE: list[tuple[pa.DataType, Any, Any, str | None]] = [
    (pa.uint64(), 2**64 - 1, 2**64 - 1, "18446744073709551615"),
    (pa.float64(), math.inf, math.inf, "null"),
    (pa.float64(), 1e300, 1e300, "1e300"),
    (pa.timestamp("us", "+02:00"), 1, None, '"1970-01-01T02:00:00.000001+02:00"'),
    (pa.timestamp("ns"), 1, ValueError, '"1970-01-01T00:00:00.000000001"'),
    (pa.date32(), 10_000_000, ValueError, '"29349-01-26"'),
    (pa.date32(), 1, dt.date(1970, 1, 2), '"1970-01-02"'),
    (pa.decimal128(5, 2), Decimal("1.10"), Decimal("1.10"), '"1.10"'),
    (pa.binary(), b"\xff", b"\xff", '"/w=="'),
    (pa.list_(pa.float64()), [math.nan], None, "[null]"),
    (pa.map_(pa.string(), pa.int8()), [("k", 1)], [("k", 1)], '[["k", 1]]'),
    (pa.struct([("t", pa.timestamp("ns"))]), {"t": 1000}, None, '{"t": "1970-01-01T00:00:00.000001"}'),
    (pa.string(), "\x7f\t\u2028", "\x7f\t\u2028", '"\x7f\\t\u2028"'),
    (pa.time64("ns"), 1, ValueError, '"00:00:00.000000001"'),
    (pa.list_(pa.time64("ns")), [1000, None], [dt.time(0, 0, 0, 1), None], '["00:00:00.000001", null]'),
    (pa.list_(pa.time64("ns")), [1], ValueError, '["00:00:00.000000001"]'),
    (pa.list_(pa.duration("ns"), 2), [1000, 2000], [dt.timedelta(0, 0, 1), dt.timedelta(0, 0, 2)], None),
    (pa.list_(pa.time64("ns"), 2), [1, 1000], ValueError, '["00:00:00.000000001", "00:00:00.000001"]'),
    (
        pa.struct([("t", pa.time64("ns")), ("n", pa.int8())]),
        {"t": 1, "n": 2},
        ValueError,
        '{"t": "00:00:00.000000001", "n": 2}',
    ),
    (
        pa.map_(pa.string(), pa.time64("ns")),
        [("k", 1000)],
        [("k", dt.time(0, 0, 0, 1))],
        '[["k", "00:00:00.000001"]]',
    ),
    (
        pa.map_(pa.string(), pa.timestamp("ns")),
        [("k", 1)],
        ValueError,
        '[["k", "1970-01-01T00:00:00.000000001"]]',
    ),
    (pa.list_(pa.date32()), [10_000_000, 1], ValueError, '["29349-01-26", "1970-01-02"]'),
    (pa.date32(), -1_000_000, ValueError, '"-0768-02-04"'),
    (pa.date32(), 2**31 - 1, ValueError, '"<value out of range: 2147483647>"'),
    (pa.date64(), 2**62, ValueError, '"<value out of range: 4611686018427387904>"'),
    (pa.timestamp("s"), 2**63 - 1, ValueError, '"<value out of range: 9223372036854775807>"'),
    (pa.timestamp("s", "UTC"), -(2**63) + 1, ValueError, '"<value out of range: -9223372036854775807>"'),
    (pa.duration("s"), -(2**62), ValueError, '"-PT4611686018427387904S"'),
    (pa.duration("ns"), 86_400_000_000_120, ValueError, '"PT86400.00000012S"'),
]


@pytest.mark.parametrize(("kind", "value", "as_python", "as_json"), HOSTILE, ids=lambda one: str(one)[:20])
def test_a_value_of_any_type_reaches_models_and_comes_back(
    kind: pa.DataType, value: Any, as_python: Any, as_json: str | None
) -> None:
    batch = pa.record_batch([pa.array([None, value], kind)], ["x"])
    texts = row_texts(batch)
    assert texts[0] == b'{"x": null}'
    assert as_json is None or texts[1] == b'{"x": %b}' % as_json.encode()
    rows, errors = python_rows(batch)
    assert rows[0] == {"x": None}
    if as_python is ValueError:
        assert "Python has no room for the value of x" in str(errors[1])
    elif as_python is not None:
        assert rows[1] == {"x": as_python}


def test_records_are_had_as_often_as_models_ask_for_them() -> None:
    """The second of several models gets them made anew, each row of the batch and none more."""
    reader = TableReader(record_schema(None), TableColumns(("n",), ("n",)), as_texts=True)
    found = reader.read(pa.record_batch({"n": pa.array([1, 2])})).records
    assert [found.rows(), found.rows()] == [[{"n": 1}, {"n": 2}]] * 2


def test_text_that_is_no_utf_8_comes_back_with_its_bytes_escaped() -> None:
    offsets = pa.array([0, 2], pa.int32()).buffers()[1]
    column = pa.Array.from_buffers(pa.string(), 1, [None, offsets, pa.py_buffer(b"\xff\xfe")])
    batch = pa.record_batch([column], ["x"])
    assert row_texts(batch) == [b'{"x": "\\\\xff\\\\xfe"}']
    assert list(python_rows(batch)[1]) == [0]


@pytest.mark.parametrize("kind", [pa.list_(pa.string()), pa.dictionary(pa.int8(), pa.string())])
@pytest.mark.parametrize("has_fit", [True, False])
def test_text_that_is_no_utf_8_costs_its_row_alone_at_any_depth(kind: pa.DataType, has_fit: bool) -> None:
    text = [b"good", b"\xff", b"fine"]
    raw = pa.array(text) if pa.types.is_dictionary(kind) else pa.array([[each] for each in text])
    broken = pa.Array.from_buffers(pa.string(), 3, pa.array(text).buffers())
    column = (
        broken.dictionary_encode()
        if pa.types.is_dictionary(kind)
        else pa.ListArray.from_arrays(raw.offsets, broken)
    )
    schema = pa.schema([("x", column.type)])
    fit = ColumnFit.of(schema, schema) if has_fit else None
    columns = TableColumns(("x",), ("x",))
    reader = TableReader(record_schema(schema), columns, ColumnMaker(schema), fit, as_texts=True)
    found = reader.read(pa.record_batch([column], ["x"]))
    shown = '["\\\\xff"]' if raw.type != pa.binary() else "\\xff"
    assert {place: each.message for place, each in found.failures.items()} == {
        1: f"x has text that is no UTF-8: {shown}"
    }
    assert len(found.records.columns()) == 2
    assert len(found.keys) == 3


def test_a_value_that_is_not_held_costs_its_row_alone() -> None:
    """Casts of nested columns look at what is beside a row as well."""
    kind = pa.list_(pa.time64("ns"))
    batch = pa.record_batch([pa.array([[1000], [1], None, [2000]], kind)], ["x"])
    rows, errors = python_rows(batch)
    assert list(errors) == [1]
    times = [dt.time(0, 0, 0, 1), dt.time(0, 0, 0, 2)]
    assert [rows[place]["x"] for place in (0, 2, 3)] == [[times[0]], None, [times[1]]]


class Answer(TypedDict):
    """What a model answers."""

    score: float
    label: Literal["a", "b"]
    inner: list[int] | None


@pytest.mark.parametrize(
    ("output_schema", "columns"),
    [
        (Answer, {"score": "double", "label": "string", "inner": "list<item: int64>"}),
        (float, {"prediction": "double"}),
        (int | None, {"prediction": "int64"}),
        ({"type": "object", "properties": {"x": {"type": ["number", "null"]}}}, {"x": "double"}),
        (pa.schema([("x", pa.int8()), ("y", pa.date32())]), {"x": "int8", "y": "string"}),
        (pa.schema([("x", pa.list_(pa.float32(), 2))]), {"x": "list<item: float>"}),
        (pa.schema([("x", pa.large_list(pa.int8()))]), {"x": "list<item: int8>"}),
        (pa.schema([("x", pa.dictionary(pa.int8(), pa.int16()))]), {"x": "int16"}),
        (None, None),
        (dict, None),
    ],
)
def test_an_output_schema_says_which_columns_predictions_have(output_schema: Any, columns: Any) -> None:
    found = prediction_schema(output_schema)
    assert (found and {field.name: str(field.type) for field in found}) == columns


@pytest.mark.parametrize("kind", [pa.int8(), pa.uint8(), pa.int32(), pa.uint32(), pa.int64()], ids=str)
def test_an_integer_fits_its_column_or_fails(kind: pa.DataType) -> None:
    own = PredictionReader(pa.schema([("n", kind)]))
    unsigned, bits = str(kind).startswith("u"), kind.bit_width
    least, most = (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    texts = own.checked([b'{"n": %d}' % number for number in (least - 1, least, most, most + 1)])
    assert own.columns(texts)[0].to_pylist() == [None, least, most, None]


@pytest.mark.parametrize(
    ("kind", "most"), [(pa.float16(), 2**11), (pa.float32(), 2**24), (pa.float64(), 2**53)], ids=str
)
def test_a_whole_number_that_a_column_of_floats_would_round_is_a_failure(
    kind: pa.DataType, most: int
) -> None:
    own = PredictionReader(pa.schema([("x", kind), ("n", pa.list_(pa.struct([("y", kind)])))]))
    good = [b'{"x": %d, "n": [{"y": -%d}]}' % (most, most + 2), b'{"x": 0.12345678901234567, "n": null}']
    bad = [b'{"x": %d, "n": null}' % (most + 1), b'{"x": 0, "n": [{"y": -%d}]}' % (most + 1)]
    texts = own.checked([*good, *bad])
    assert [type(text) for text in texts] == [bytes, bytes, Failure, Failure]
    assert isinstance(texts[2], Failure)
    assert f"{most + 1} would be rounded in a column of floats" in texts[2].message
    single = PredictionReader(pa.schema([("prediction", kind)]))
    assert [type(text) for text in single.checked([b"0.5", b"%d" % (most + 1)])] == [bytes, Failure]


LONG = b"longer than what a view has inline"
HARD_TO_TAKE = {
    "string_view": pa.array(["a", None, LONG.decode()], pa.string_view()),
    "binary_view": pa.array([b"a", None, LONG], pa.binary_view()),
    "list_view": pa.array([[1], None, [2, 3]], pa.list_view(pa.int64())),
    "lists of views": pa.array([["a"], None, [None, "b"]], pa.list_(pa.string_view())),
    "structs of views": pa.array([{"x": b"a"}, None, {"x": LONG}], pa.struct([("x", pa.binary_view())])),
    "run-ends": pa.RunEndEncodedArray.from_arrays(pa.array([1, 3], pa.int32()), pa.array(["a", "b"])),
}


@pytest.mark.parametrize("column", HARD_TO_TAKE.values(), ids=HARD_TO_TAKE)
@given(
    places=st.permutations(range(3)).flatmap(lambda all_of: st.sampled_from([all_of[:n] for n in range(4)]))
)
def test_rows_are_had_of_any_type_of_column(column: pa.Array, places: list[int]) -> None:
    batch = pa.record_batch({"x": column, "n": [0, 1, 2]})
    rows = batch.to_pylist()
    assert rows_at(batch, places).to_pylist() == [rows[place] for place in places]


@pytest.mark.parametrize("kind", ["string_view", "binary_view", "list_view", "structs of views"])
def test_a_bad_row_among_views_costs_itself(kind: str) -> None:
    class Fields(TypedDict):
        n: int

    batch = pa.record_batch({"n": [0, None, 2], "x": HARD_TO_TAKE[kind]})
    reader = TableReader(record_schema(Fields), TableColumns(("n", "x"), ("x",)), as_texts=True)
    read = reader.read(batch)
    assert list(read.failures) == [1]
    assert read.records.rows() == [{"n": 0}, {"n": 2}]
    assert read.records.part([1]).rows() == [{"n": 2}]
    assert len(read.keys) == 3


def test_a_view_of_no_utf_8_is_a_failure_and_its_bytes_are_shown() -> None:
    views = pa.array([b"ab\xff", b"fine"], pa.binary_view())
    column = pa.Array.from_buffers(pa.string_view(), 2, views.buffers())
    batch = pa.record_batch({"x": column})
    assert list(python_rows(batch)[1]) == [0]
    assert row_texts(batch) == [b'{"x": "ab\\\\xff"}', b'{"x": "fine"}']


def test_first_answers_say_it_where_no_schema_does() -> None:
    """Half a surrogate pair, which JSON can write and no column holds, is a text like others."""
    found = schema_of_texts([b'{"a": 1, "b": null}', b'{"a": 1.5, "c": ["\\ud83d"]}'])
    assert found is not None
    assert {field.name: str(field.type) for field in found} == {
        "a": "double",
        "b": "string",
        "c": "list<item: string>",
    }


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        ([], "are failures or null"),
        ([b"1", b'"a"'], "are numbers and texts"),
        ([b'{"a": 1}', b"true"], "are booleans and objects"),
        ([b'{"a": 1, "b": "x"}', b'{"a": 2.5, "b": false}'], "have booleans and texts in the column b"),
        ([b'{"a": 18446744073709551616}'], "have whole numbers beyond int64 in the column a"),
        ([b'{"a": [1, "x"]}'], "have lists of several types in the column a"),
    ],
)
def test_predictions_that_no_columns_hold_are_named(texts: list[bytes], why: str) -> None:
    assert schema_of_texts(texts) is None
    assert why_unknown(texts) == why


def test_a_prediction_without_room_in_the_columns_is_a_failure_and_never_cut() -> None:
    schema = pa.schema([("n", pa.int64()), ("s", pa.string())])
    own = PredictionReader(schema)
    texts = own.checked(
        [b'{"n": 1, "s": "x"}', b'{"n": 1.5, "s": "x"}', b'{"n": 18446744073709551616}', b'{"m": 1}', b"3"]
    )
    assert [type(text) for text in texts] == [bytes, Failure, Failure, Failure, Failure]
    assert [column.to_pylist() for column in own.columns(texts)] == [
        [1, None, None, None, None],
        ["x", *[None] * 4],
    ]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a.csv", "csv"),
        ("A.CSV.gz", "csv"),
        ("a.tsv.zst", "tsv"),
        ("d/a.parquet", "parquet"),
        ("a.parquet.gz", "ldjson"),
        ("a.orc", "orc"),
        ("a.avro", "avro"),
        ("a.json", "ldjson"),
        ("csv", "ldjson"),
        ("-", "ldjson"),
    ],
)
def test_a_name_stands_for_a_format(path: str, name: str) -> None:
    assert format_of(path) == name
