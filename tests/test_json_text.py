"""What JSON is, where its readers differ: NaN, half surrogate pairs, numbers that no float holds."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from time import process_time
from typing import Any, TypedDict

import msgspec
import pytest
import schema
from fakes import Echoes, Number
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from model_mapreduce_job.formats.protocols import JsonLineReader, KeyFieldReader, NanLineReader
from model_mapreduce_job.formats.reading import read_batch
from model_mapreduce_job.models.json_text import first_constant, without_constants
from model_mapreduce_job.models.schemas import record_schema


class Modelled(BaseModel):
    x: float
    t: str = ""
    maybe: float | None = None


class Typed(TypedDict, total=False):
    x: float
    t: str
    maybe: float | None
    many: list[float]


class Structured(msgspec.Struct):
    x: float
    t: str = ""
    maybe: float | None = None


@dataclass
class Data:
    x: float
    t: str = ""
    maybe: float | None = None


NUMBER = {"properties": {"x": {"type": "number"}, "maybe": {"type": ["number", "null"]}}}
ANY = schema.Schema({"x": float, "maybe": schema.Or(float, None), schema.Optional(str): object})
FIELDS_ALONE = [Number, Modelled, Typed, Structured, Data]
EVERYTHING = [None, NUMBER, schema.Schema({str: object})]


def read(kind: Any, line: bytes, reader: Any = JsonLineReader) -> Any:
    batch = read_batch(reader(record_schema(kind)), [line])
    return batch.records.rows()[0] if batch.records.rows() else batch.failures[0].message


def value(record: Any, name: str = "x") -> Any:
    return record[name] if isinstance(record, dict) else getattr(record, name)


@pytest.mark.parametrize("kind", FIELDS_ALONE)
@pytest.mark.parametrize("lone", [rb"\ud83d", rb"\uD83D\u0041", rb"\udc00", rb"\ud83dx", rb"a\\\udfff"])
def test_half_a_surrogate_pair_in_a_field_that_the_model_has_not_does_no_harm(kind: Any, lone: bytes) -> None:
    assert value(read(kind, b'{"x": 1, "y": "%b", "z": {"%b": 2}}' % (lone, lone))) == 1.0


@pytest.mark.parametrize("kind", [*FIELDS_ALONE[1:], *EVERYTHING])
def test_half_a_surrogate_pair_in_the_models_own_field_is_named(kind: Any) -> None:
    assert "half of a surrogate pair" in read(kind, rb'{"x": 1, "t": "cut \ud83d"}')
    assert read(kind, rb'{"x": 1, "t": "\ud83d\ude00 \\ud83d"}') != ""


@pytest.mark.parametrize("kind", [*FIELDS_ALONE, *EVERYTHING])
@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_nan_as_python_writes_it_is_named_with_the_way_out(kind: Any, constant: str) -> None:
    message = read(kind, b'{"x": 1, "y": "NaN", "z": [%b]}' % constant.encode())
    assert message.startswith(f"{constant} is no JSON, though Python and pandas write it")
    assert "--allow_nan" in message


@pytest.mark.parametrize("kind", [Modelled, Typed, Structured, Data, NUMBER, ANY, None])
def test_allowed_nan_is_null_where_the_schema_takes_one_and_else_nan(kind: Any) -> None:
    record = read(kind, b'{"x": NaN, "maybe": NaN, "other": "NaN"}', NanLineReader)
    assert math.isnan(value(record))
    assert value(record, "maybe") is None or (kind is None and math.isnan(value(record, "maybe")))
    assert value(read(kind, b'{"x": -Infinity, "maybe": null}', NanLineReader)) == -math.inf


def test_allowed_nan_is_found_at_any_depth_by_the_place_that_it_stands_in() -> None:
    class Deep(TypedDict):
        points: list[dict[str, float | None]]
        many: list[float]

    record = read(Deep, b'{"points": [{"a": NaN}, {"b": 1}], "many": [1, NaN, 2]}', NanLineReader)
    assert record["points"] == [{"a": None}, {"b": 1.0}]
    assert math.isnan(record["many"][1])


def test_allowed_nan_in_a_field_that_takes_no_number_is_a_failure() -> None:
    class Text(TypedDict):
        x: str

    assert "Expected `str`" in read(Text, b'{"x": NaN}', NanLineReader)


@pytest.mark.parametrize(
    ("line", "key"),
    [
        (b'{"x": NaN, "y": "NaN", "x": -Infinity}', b'{"x": null, "y": "NaN", "x": null}'),
        (b'{"x": 1.10}', b'{"x": 1.10}'),
        (b"NaN", b"null"),
        (b"NaNa", b'"NaNa"'),
        (b"[NaN", b'"[NaN"'),
        (b'["NaN\xff", NaN]', rb'"[\"NaN\\xff\", NaN]"'),
    ],
)
def test_allowed_nan_comes_back_as_null_and_all_else_as_it_was(line: bytes, key: bytes) -> None:
    batch = read_batch(NanLineReader(record_schema(None)), [line])
    assert batch.keys == [key]
    assert read_batch(KeyFieldReader(NanLineReader(record_schema(None)), ["y"]), [b'{"x": NaN}']).keys == [
        b'{"y": null}'
    ]


@pytest.mark.parametrize("kind", [Number, Modelled, Typed, Structured, Data, NUMBER, None])
@pytest.mark.parametrize("text", [b"1e400", b"-1e400", b"1" + b"0" * 400, b"1E+999"])
def test_a_number_that_no_float_holds_is_out_of_range_for_every_schema(kind: Any, text: bytes) -> None:
    record = read(kind, b'{"x": %b}' % text)
    whole = kind in (NUMBER, None) and b"e" not in text.lower()
    assert record == {"x": int(text)} if whole else "Number out of range" in record


@pytest.mark.parametrize("kind", FIELDS_ALONE)
def test_a_number_that_no_float_holds_does_no_harm_where_the_model_does_not_look(kind: Any) -> None:
    assert value(read(kind, b'{"x": 1, "y": 1e400}')) == 1.0


@pytest.mark.parametrize("kind", [*FIELDS_ALONE, NUMBER, None])
def test_large_integers_zeros_and_names_that_come_twice_are_one_for_every_schema(kind: Any) -> None:
    assert value(read(kind, b'{"x": 18446744073709551616}')) == 2.0**64
    assert value(read(kind, b'{"x": -0}')) == 0
    assert value(read(kind, b'{"x": 1, "x": 2}')) == 2


@pytest.mark.parametrize(
    "text",
    [
        b'NaN "' + b'\\"' * 500_000,
        b"[" * 50_000 + b"NaN," * 100_000,
        b"[" * 99 + b"NaN," * 100_000 + b"0" + b"]" * 99,
        b'{"\\ud83d' * 50_000,
        b"1" * 500_000,
    ],
)
def test_a_long_text_takes_time_in_proportion_to_its_length(text: bytes) -> None:
    started = process_time()
    for reader in (JsonLineReader, NanLineReader):
        read_batch(reader(record_schema(Typed)), [text])
    assert process_time() - started < 10


TEXTS = st.recursive(
    st.none() | st.floats() | st.text('NaIfinty-"\\x', max_size=9),
    lambda below: (
        st.lists(below, max_size=3) | st.dictionaries(st.text('Na"\\:,', max_size=4), below, max_size=3)
    ),
    max_leaves=9,
)


@given(TEXTS)
@settings(deadline=None, max_examples=200)
def test_without_its_constants_what_python_writes_is_json_with_null_in_their_place(document: Any) -> None:
    text = json.dumps(document).encode()
    strict = json.loads(without_constants(text), parse_constant=pytest.fail)
    assert strict == json.loads(text, parse_constant=lambda _: None)
    assert (first_constant(text) is None) == (without_constants(text) == text)
    assert without_constants(text, lambda _: True) == text


@given(st.binary(max_size=40) | st.text('NaInfity-"\\{}[]:,\\ud8', max_size=40).map(str.encode))
@settings(deadline=None, max_examples=300)
def test_any_bytes_are_a_record_or_a_failure_with_a_key_that_is_json(line: bytes) -> None:
    line = line.replace(b"\n", b"")
    for reader in (JsonLineReader, NanLineReader):
        batch = read_batch(reader(record_schema(Echoes.input_schema)), [line])
        assert len(batch.keys) == len(batch.records.rows()) + len(batch.failures) == 1 - batch.blank
        for key in batch.keys:
            json.loads(key, parse_constant=pytest.fail)
