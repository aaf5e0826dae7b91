"""Batches of lines into records, failures and keys."""

from typing import Any

import pytest
from fakes import Number, lines_of, numbers

from model_mapreduce_job.formats.protocols import HeaderLine, JsonLineReader
from model_mapreduce_job.formats.reading import read_batch
from model_mapreduce_job.formats.records import Failure
from model_mapreduce_job.models.schemas import record_schema

NUMBERS = JsonLineReader(record_schema(Number))
ANYTHING = JsonLineReader(record_schema(None))
MARK = b"\xef\xbb\xbf"


class Words:
    """Reads words: its first line is a header, `bad` raises, and keys are the words in quotes."""

    line_is_key = False

    def read(self, line: bytes) -> Any:
        if not line.strip():
            raise ValueError("blank")
        if line == b"word":
            raise HeaderLine
        if line == b"exit":
            raise SystemExit
        return line.decode()

    def text(self, line: bytes) -> bytes:
        return b'"%b"' % line


def test_every_line_gives_its_record_and_itself_as_the_key() -> None:
    lines = lines_of(1, 2)
    batch = read_batch(NUMBERS, lines)
    assert batch.records.rows() == numbers(1, 2)
    assert batch.keys == lines
    assert (batch.failures, batch.blank, batch.headers) == ({}, 0, 0)


def test_no_lines_make_an_empty_batch() -> None:
    batch = read_batch(NUMBERS, [])
    assert (batch.records.rows(), batch.keys, batch.failures) == ([], [], {})


def test_a_line_that_can_not_be_read_is_a_failure_in_its_place() -> None:
    batch = read_batch(NUMBERS, [b'{"x": 1}', b"{", b'{"x": "a"}', b'{"x": 2}'])
    assert batch.records.rows() == numbers(1, 2)
    assert batch.failures == {
        1: Failure("DecodeError", "Input data was truncated"),
        2: Failure("ValidationError", "Expected `float`, got `str` - at `$.x`"),
    }
    assert batch.keys == [b'{"x": 1}', b'"{"', b'{"x": "a"}', b'{"x": 2}']


@pytest.mark.parametrize("blank", [b"", b" ", b"\t", b"\r", b" \t\r", b"\x0b\x0c", MARK, MARK + b"\r"])
def test_blank_lines_are_counted_and_are_no_records(blank: Any) -> None:
    batch = read_batch(NUMBERS, [blank, b'{"x": 1}', blank, b"x"])
    assert (batch.blank, batch.headers) == (2, 0)
    assert batch.records.rows() == numbers(1)
    assert batch.keys == [b'{"x": 1}', b'"x"']
    assert list(batch.failures) == [1]


def test_header_lines_are_counted_apart() -> None:
    batch = read_batch(Words(), [b"word", b"a", b"", b"word", b"exit", b"b"])
    assert (batch.blank, batch.headers) == (1, 2)
    assert batch.records.rows() == ["a", "b"]
    assert batch.keys == [b'"a"', b'"exit"', b'"b"']
    assert batch.failures == {1: Failure("SystemExit", "")}


def test_only_headers_and_blank_lines_make_no_records() -> None:
    batch = read_batch(Words(), [b"word", b""])
    assert (batch.records.rows(), batch.keys, batch.blank, batch.headers) == ([], [], 1, 1)


def test_a_protocol_whose_lines_are_no_json_writes_every_key() -> None:
    assert read_batch(Words(), [b"a", b"b"]).keys == [b'"a"', b'"b"']


@pytest.mark.parametrize("other", [b"", b"x", b'{"x": 2}'])
def test_crlf_and_byte_order_marks_do_not_come_back(other: Any) -> None:
    batch = read_batch(NUMBERS, [MARK + b'{"x": 1}\r', other])
    assert batch.records.rows()[0] == {"x": 1}
    assert batch.keys[0] == b'{"x": 1}'


def test_a_byte_order_mark_inside_a_text_stays() -> None:
    line = b'{"x": "%b"}' % MARK
    assert read_batch(ANYTHING, [line]).keys == [line]


@pytest.mark.parametrize("other", [b"", b"x", b'{"x": 2}', b"\xff"])
def test_a_tab_between_tokens_is_written_compactly_whatever_else_is_in_the_batch(other: Any) -> None:
    batch = read_batch(ANYTHING, [b'{"x":\t1.10,  "y": [\t]}', b'{"x": 1.10}', other])
    assert batch.keys[:2] == [b'{"x":1.10,"y":[]}', b'{"x": 1.10}']


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_line_that_is_no_utf8_fails_alone_even_where_no_field_holds_it(place: Any) -> None:
    lines = lines_of(1, 2, 3)
    lines[place] = b'{"x": 1, "unknown": "\xff"}'
    batch = read_batch(NUMBERS, lines)
    assert [failure.kind for failure in batch.failures.values()] == ["UnicodeDecodeError"]
    assert list(batch.failures) == [place]
    assert batch.keys[place] == rb'"{\"x\": 1, \"unknown\": \"\\xff\"}"'
    assert len(batch.records.rows()) == 2


def test_utf8_of_a_batch_is_that_of_its_lines() -> None:
    batch = read_batch(ANYTHING, [b'"\xc3', b'\xa9"', '"é"'.encode()])
    assert batch.records.rows() == ["é"]
    assert list(batch.failures) == [0, 1]


def test_what_became_of_a_batch_is_in_the_order_of_its_keys() -> None:
    batch = read_batch(NUMBERS, [b"x", b'{"x": 1}', b"y", b'{"x": 2}', b"z"])
    outcomes = batch.with_failures([b"one", b"two"])
    assert [o if isinstance(o, bytes) else o.kind for o in outcomes] == [
        "DecodeError",
        b"one",
        "DecodeError",
        b"two",
        "DecodeError",
    ]
