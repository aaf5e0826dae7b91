"""A pyarrow.Schema of maps, fixed-size binary and views: what text and tables give to models."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pyarrow as pa
import pytest
from fakes import Doubler
from pipelines import output_of, pipeline_of

from model_mapreduce_job.exceptions import ModelContractError
from model_mapreduce_job.formats.table_fit import ColumnFit
from model_mapreduce_job.formats.table_reader import TableColumns, TableReader
from model_mapreduce_job.models.arrow_maps import as_dicts, as_pairs
from model_mapreduce_job.models.schemas import record_schema

SCHEMA = pa.schema(
    [
        ("by_name", pa.map_(pa.string(), pa.int8())),
        (
            "by_number",
            pa.map_(pa.int32(), pa.list_(pa.struct([("days", pa.map_(pa.date32(), pa.binary()))]))),
        ),
        ("code", pa.binary(3)),
        ("text", pa.string_view()),
        ("raw", pa.binary_view()),
    ]
)
RECORD = {
    "by_name": {"ab": 1, "c": None},
    "by_number": {7: [{"days": {dt.date(2026, 1, 31): b"a"}}]},
    "code": b"abc",
    "text": "x",
    "raw": b"\xff",
}
LINE = (
    b'{"by_name": {"ab": 1, "c": null}, "by_number": {"7": [{"days": {"2026-01-31": "YQ=="}}]},'
    b' "code": "YWJj", "text": "x", "raw": "/w=="}'
)


def turned(row: dict[str, Any], turn: Any) -> dict[str, Any]:
    return {name: turn(value, SCHEMA.field(name).type) for name, value in row.items()}


class IsTheRecord(Doubler):
    """Answers whether it is given the record."""

    input_schema = SCHEMA
    output_schema = None

    def predict_batch(self, data: list[Any]) -> list[Any]:
        return [record == RECORD for record in data]

    def predict_columns(self, batch: pa.RecordBatch) -> Any:
        assert batch.schema == SCHEMA
        return [turned(row, as_dicts) == RECORD for row in batch.to_pylist()]


def test_a_map_is_an_object_in_json_and_a_dict_to_a_model_of_records() -> None:
    lines = [
        LINE,
        b'{"code": "YWI="}',
        b'{"by_name": {"a": 128}}',
        b'{"by_number": {"seven": null}}',
    ]
    by_list, by_column = (
        output_of(pipeline_of(IsTheRecord(), lists=lists), lines) for lists in (True, False)
    )
    assert by_column == by_list
    first, *others = (json.loads(line.partition(b"\t")[2]) for line in by_list)
    assert first is True
    assert [other["error"]["message"] for other in others] == [
        "Expected `bytes` of length >= 3 - at `$.code`",
        "Expected `int` <= 127 - at `$.by_name[...]`",
        "Expected `int`, got `str` - at `key` in `$.by_number`",
    ]


def test_a_table_gives_both_kinds_of_models_the_same() -> None:
    """A key that comes twice fails its record where a dict has no room for it."""
    whole = turned(RECORD, as_pairs)
    twice = {**whole, "by_name": [("k", 1), ("k", 2)]}
    batch = pa.RecordBatch.from_pylist([whole, twice], SCHEMA)
    fit = ColumnFit.of(SCHEMA, SCHEMA)
    columns, rows = (
        TableReader(
            record_schema(SCHEMA), TableColumns(tuple(SCHEMA.names), ()), None, one, as_texts=True
        ).read(batch)
        for one in (fit, None)
    )
    assert columns.records.columns() == batch
    assert columns.records.part([0]).rows() == rows.records.rows() == [RECORD]
    assert not columns.failures
    assert rows.failures[1].message == 'by_name is a map with a key that comes twice: [["k", 1], ["k", 2]]'


@pytest.mark.parametrize("kind", [pa.map_(pa.bool_(), pa.int8()), pa.month_day_nano_interval()])
def test_a_type_that_json_has_nothing_for_is_refused(kind: Any) -> None:
    with pytest.raises(ModelContractError, match=r"has the column x of .*, which text can't hold"):
        record_schema(pa.schema([("x", kind)]))
