"""Spark's types for Arrow's: what it has no type for, or would write as another one, is refused by name."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.spark_columns import (
    as_type,
    read_columns,
    spark_arrow_schema,
    written_columns,
)
from model_mapreduce_job.formats.table_format import TableRun
from model_mapreduce_job.formats.table_schemas import write_schema
from model_mapreduce_job.storage.table_files import TableFile
from model_mapreduce_job.task.messages import Surveyed
from model_mapreduce_job.task.table_survey import with_spark_columns
from model_mapreduce_job.task.task_options import TaskOptions

KEPT = {
    "byte": pa.int8(),
    "double": pa.float64(),
    "string": pa.dictionary(pa.int8(), pa.large_string()),
    "binary": pa.large_binary(),
    "decimal(12,2)": pa.decimal128(12, 2),
    "timestamp": pa.timestamp("us", "UTC"),
    "timestamp_ntz": pa.timestamp("us"),
}
# What Spark reads, and gives back as it is; what it writes of it would be another type.
READ = {
    "short": pa.uint8(),
    "decimal(20,0)": pa.uint64(),
    "timestamp_ntz": pa.timestamp("ms"),
    "timestamp": pa.timestamp("us", "Europe/Berlin"),
    "binary": pa.binary(4),
}
UNREAD = [
    pa.timestamp("ns"),
    pa.time64("us"),
    pa.duration("s"),
    pa.float16(),
    pa.null(),
    pa.decimal256(50, 2),
    pa.decimal128(5, -2),
    pa.struct([]),
    pa.list_(pa.int8(), 2),
    pa.list_(pa.struct([("x", pa.timestamp("ns"))])),
    pa.dense_union([pa.field("x", pa.int8())]),
]


def type_of(columns: str) -> object:
    """Return the type of the only column."""
    (field,) = json.loads(columns)["fields"]
    return field["type"]


def test_spark_is_given_the_columns_of_files_and_none_that_their_directories_name() -> None:
    """Text has none."""
    schema = pa.schema([("x", pa.int8()), ("year", pa.string())])
    file = TableFile("/a", (), partition=(("year", "2024"),))
    found = with_spark_columns(Surveyed(TableRun(read=write_schema(schema)), (file,)), TaskOptions())
    assert (type_of(found.for_spark[0]), found.for_spark[1]) == ("byte", "")


@pytest.mark.parametrize(("name", "kind"), [*KEPT.items(), *READ.items()], ids=str)
def test_what_spark_has_a_type_for_is_read(name: str, kind: pa.DataType) -> None:
    assert type_of(read_columns(pa.schema([("x", kind)]))) == name


@pytest.mark.parametrize("kind", UNREAD, ids=str)
def test_what_spark_has_no_type_for_is_refused_with_its_column(kind: pa.DataType) -> None:
    with pytest.raises(InputError, match=r"Spark can't read this: the column odd is .*--key"):
        read_columns(pa.schema([("n", pa.int64()), ("odd", kind)]))


@pytest.mark.parametrize("kind", [*READ.values(), pa.list_(pa.uint8())], ids=str)
def test_what_would_come_out_as_another_type_is_refused_with_its_column(kind: pa.DataType) -> None:
    with pytest.raises(InputError, match="the column odd is"):
        written_columns(pa.schema([("odd", kind)]), "parquet")


@pytest.mark.parametrize("kind", KEPT.values(), ids=str)
def test_times_alone_are_no_columns_of_orc(kind: pa.DataType) -> None:
    schema = pa.schema([("x", kind)])
    assert type_of(written_columns(schema, "parquet"))
    if pa.types.is_timestamp(kind):
        with pytest.raises(InputError, match="the column x is timestamp"):
            written_columns(schema, "orc")
    else:
        assert type_of(written_columns(schema, "orc"))


def test_nested_columns_keep_which_of_their_values_may_be_null() -> None:
    item = pa.field("item", pa.struct([pa.field("x", pa.int8(), nullable=False)]), nullable=False)
    lists = pa.map_(pa.large_string(), pa.field("value", pa.large_list(item), nullable=False))
    found = type_of(written_columns(pa.schema([("x", lists)]), "parquet"))
    element = {"name": "x", "type": "byte", "nullable": False, "metadata": {}}
    elements = {"type": "struct", "fields": [element]}
    assert found == {
        "type": "map",
        "keyType": "string",
        "valueType": {"type": "array", "elementType": elements, "containsNull": False},
        "valueContainsNull": False,
    }
    plain = pa.map_(pa.string(), pa.field("value", pa.list_(item), nullable=False))
    assert spark_arrow_schema(pa.schema([("x", lists)])).field("x").type == plain


def test_nested_values_are_the_same_in_another_type_where_a_struct_without_nulls_is_null_itself() -> None:
    inner = pa.struct([pa.field("x", pa.int8(), nullable=False), ("texts", pa.large_list(pa.large_string()))])
    wanted = pa.map_(pa.large_string(), pa.list_(pa.field("item", inner)))
    as_spark_has_it = pa.map_(
        pa.string(), pa.list_(pa.struct([("x", pa.int8()), ("texts", pa.list_(pa.string()))]))
    )
    values = [[("k", [{"x": 1, "texts": ["é", None]}, None])], None, [], [("a", None), ("b", [])]]
    column = pa.array([[("left", None)], *values], as_spark_has_it)[1:]
    found = as_type(column, wanted)
    found.validate(full=True)
    assert (found.type, found.to_pylist()) == (wanted, values)
    assert as_type(found, as_spark_has_it).to_pylist() == values


@pytest.mark.parametrize(
    ("kind", "value"), [(pa.dictionary(pa.int8(), pa.string()), "a"), (pa.uint64(), 2**64 - 1)], ids=str
)
def test_values_come_back_from_spark_s_type_to_their_own(kind: pa.DataType, value: object) -> None:
    from_spark = pa.array([value, None], pa.string() if isinstance(value, str) else pa.decimal128(20, 0))
    assert as_type(from_spark, kind).equals(pa.array([value, None], kind))
