"""The JSON protocols: which lines come back as they were, and which as text; how predictions are written."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_mapreduce_job.formats.protocols import (
    JsonLineReader,
    JsonObjectWriter,
    JsonPairWriter,
    KeyFieldReader,
    is_json,
)
from model_mapreduce_job.formats.records import Failure
from model_mapreduce_job.models.schemas import record_schema

READER = JsonLineReader(record_schema(None))
BAD = Failure("ValueError", 'a "bad" \ud800 one')


def is_strictly_json(text: bytes) -> bool:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        json.loads(text.decode(), parse_constant=refuse)
    except (ValueError, RecursionError):
        return False
    return True


@pytest.mark.parametrize(
    "line",
    [
        b'{"b": 1, "a": 2, "b": 3}',
        b'{"id": 18446744073709551617, "price": 1.10, "far": 1e400, "zero": -0.0, "one": 1E+0}',
        b"1" * 5000,
        b' { "a" : [ ] } ',
        b'"\\u00e9\\/\\ud83d\\ude00"',
        '"é蝶🦋\u2028\u2029"'.encode(),
        b'"\x7f"',
        rb'"\ud800"',
        rb'{"\udc00": 1}',
        b"null",
        b"[" * 100 + b"]" * 100,
    ],
)
def test_json_comes_back_byte_for_byte(line: bytes) -> None:
    assert READER.text(line) == line


@pytest.mark.parametrize(
    ("line", "key"),
    [
        (b"asd", b'"asd"'),
        (b"{'a': 1}", b"\"{'a': 1}\""),
        (b'{"a": NaN}', rb'"{\"a\": NaN}"'),
        (b"[Infinity]", b'"[Infinity]"'),
        (b"{} {}", b'"{} {}"'),
        (b"a\tb", rb'"a\tb"'),
        (b'{"a": 1}\x00', rb'"{\"a\": 1}\u0000"'),
        (b'"\x01"', rb'"\"\u0001\""'),
        (b'"\xff"', rb'"\"\\xff\""'),
        (b'"\xed\xa0\x80"', rb'"\"\\xed\\xa0\\x80\""'),
        ("蝶\u2028".encode(), '"蝶\u2028"'.encode()),
        (b'"\t"', rb'"\"\t\""'),
        (rb'{"a": "\ud800"', rb'"{\"a\": \"\\ud800\""'),
        (b"[" * 100_000, b'"' + b"[" * 100_000 + b'"'),
    ],
)
def test_what_is_no_json_comes_back_as_a_json_string_of_its_text(line: bytes, key: Any) -> None:
    assert READER.text(line) == key
    json.loads(key)


@pytest.mark.parametrize(
    ("line", "key"),
    [
        (b'{"a":\t1.10,\t"a" : 2}', b'{"a":1.10,"a":2}'),
        (b"\t[1, 2]\r", b"[1,2]"),
        (b'{"a":\r"\\t"}', rb'{"a":"\t"}'),
        (b'{"a":\t"\\ud800", "b": 1}', rb'{"a":"\ud800", "b": 1}'),
    ],
)
def test_a_tab_between_tokens_is_written_compactly_again(line: bytes, key: Any) -> None:
    assert READER.text(line) == key


@given(st.text() | st.text('[]{}",:\\ud80tfnNaIy1e+-.0 \t'))
@settings(deadline=None, max_examples=500)
def test_json_is_what_the_standard_library_reads_strictly(text: bytes) -> None:
    assert is_json(text.encode()) == is_strictly_json(text.encode())


@given(st.binary())
@settings(deadline=None, max_examples=300)
def test_the_key_of_any_line_is_json_without_tab_or_newline(line: bytes) -> None:
    key = READER.text(line.replace(b"\n", b""))
    assert is_strictly_json(key)
    assert b"\n" not in key
    assert b"\t" not in key


def test_pairs_are_the_key_a_tab_and_the_prediction() -> None:
    lines = JsonPairWriter(explain=False).write([b"1", b"2"], [b'{"a": 1}', BAD])
    assert [*lines] == [b'1\t{"a": 1}', b"2\tnull"]


def test_pairs_explain_a_failure_on_request() -> None:
    (line,) = JsonPairWriter(explain=True).write([b"1"], [BAD])
    assert line == rb"1" + b"\t" + rb'{"error": {"type": "ValueError", "message": "a \"bad\" \ud800 one"}}'


def test_objects_have_input_prediction_and_error() -> None:
    lines = JsonObjectWriter(explain=False).write([b"1", b"2"], [b'{"a": 1}', BAD])
    assert lines == [
        b'{"input": 1, "prediction": {"a": 1}, "error": null}',
        b'{"input": 2, "prediction": null, "error": null}',
    ]


def test_objects_explain_a_failure_on_request() -> None:
    (line,) = JsonObjectWriter(explain=True).write([b"1"], [BAD])
    error = json.loads(line)["error"]
    assert error == {"type": "ValueError", "message": 'a "bad" \ud800 one'}


@pytest.mark.parametrize("writer", [JsonPairWriter, JsonObjectWriter])
@pytest.mark.parametrize("predictions", [[], [b"1", b"2"]])
def test_keys_and_predictions_that_do_not_pair_are_refused(writer: Any, predictions: Any) -> None:
    with pytest.raises(ValueError, match=r"zip|sequence of size"):
        writer(explain=False).write([b"1"], predictions)


@pytest.mark.parametrize(
    ("fields", "line", "key"),
    [
        (["id"], b'{"a": 1, "id": 18446744073709551617}', b'{"id": 18446744073709551617}'),
        (["b", "a"], b'{"a" :1.10, "b": {"c": [1,  2]}}', b'{"b": {"c": [1,  2]}, "a": 1.10}'),
        (["a"], b'{"a": 1, "a": 2}', b'{"a": 2}'),
        (["lost"], b'{"a": 1}', b'{"lost": null}'),
        (["é"], '{"é": "ü"}'.encode(), '{"é": "ü"}'.encode()),
        (["é"], rb'{"\u00e9": 1}', '{"é": 1}'.encode()),
        (['say "x"'], rb'{"say \"x\"": 1}', rb'{"say \"x\"": 1}'),
        (["a"], b'{"a":\t[1,\t2]}', b'{"a": [1,2]}'),
        (["a"], b"{}", b'{"a": null}'),
        (["a"], b"[1, 2]", b"[1, 2]"),
        (["a"], b"null", b"null"),
        (["a"], b"asd", b'"asd"'),
        (["a"], b'{"a": 1, "b": "\xff"}', rb'"{\"a\": 1, \"b\": \"\\xff\"}"'),
        (["a"], b'{"a": 1', rb'"{\"a\": 1"'),
        (["a"], b'{"a":' + b"[" * 100_000, rb'"{\"a\":' + b"[" * 100_000 + b'"'),
        (["\udc80"], b'{"a": 1}', rb'{"\\udc80": null}'),
        (["b"], rb'{"a": "\ud800", "b": "~0 \\ud800 \uDC00", "c": 1}', rb'{"b": "~0 \\ud800 \uDC00"}'),
        (["b", "a"], b'{"\\udc00":\t"~0", "b":\t[1]}', b'{"b": [1], "a": null}'),
        (["a"], b'{"a": NaN}', rb'"{\"a\": NaN}"'),
    ],
)
def test_chosen_fields_come_back_as_they_were_written(fields: Any, line: bytes, key: Any) -> None:
    assert KeyFieldReader(READER, fields).text(line) == key
    json.loads(key)


def test_chosen_fields_leave_the_record_as_it_was() -> None:
    assert KeyFieldReader(READER, ["a"]).read(b'{"a": 1, "b": 2}') == {"a": 1, "b": 2}
