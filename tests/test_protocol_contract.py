"""The contract check that every protocol of the registry runs, each with every other: hostile lines."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from fakes import Doubler, Echoes
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from schema_fakes import JsonSchemaDoubler, PydanticDoubler, SchemaLibraryDoubler

from model_mapreduce_job.formats.lines import read_blocks
from model_mapreduce_job.formats.registry import INPUTS, OUTPUTS, TABLES
from model_mapreduce_job.formats.text_format import TextReader, TextWriter
from model_mapreduce_job.pipeline.batch_sizing import BatchSizer
from model_mapreduce_job.pipeline.pipeline import Pipeline
from model_mapreduce_job.pipeline.predictors import predictor_for
from model_mapreduce_job.task.lanes import lane_of
from model_mapreduce_job.task.task_options import TaskOptions
from model_mapreduce_job.task.text_protocols import reader_for, writer_for

TEXT_INPUTS = [name for name in INPUTS if name not in TABLES]
TEXT_OUTPUTS = [name for name in OUTPUTS if name not in TABLES]
DEEP = b"[" * 100_000 + b"]" * 100_000
MARK = b"\xef\xbb\xbf"

RECORDS = {
    "plain": b'{"x": 1.10}',
    "no number": b'{"x": "asd"}',
    "tab between tokens": b'{"x":\t1}',
    "tab in a text": b'{"x": 1, "y": "a\tb"}',
    "escaped tab": rb'{"x": 1, "y": "a\tb\n"}',
    "bare tabs and cells": b"1\t2\t3",
    "cells": b"1,2,3",
    "one cell": b"1.5",
    "quoted cell": b'"1.5"',
    "lost quote": b'"1.5',
    "formula": b"=1+1",
    "unicode": '{"x": 1, "é蝶": "🦋"}'.encode(),
    "line separators": '{"x": 1, "y": "\u2028\u2029\x85\x0b\x0c\x1c"}'.encode(),
    "line separators that JSON allows": '{"x": 1, "y": "\u2028\u2029\x85"}'.encode(),
    "nul": b'{"x": 1}\x00',
    "only a nul": b"\x00",
    "nul in a text": b'{"x": 1, "y": "\x00"}',
    "byte order mark": MARK + b'{"x": 1}',
    "two byte order marks": MARK * 2 + b'{"x": 1}',
    "crlf": b'{"x": 1}\r',
    "cr in between": b'{"x":\r1}\r\r',
    "invalid utf-8": b'{"x": 1, "y": "\xff\xfe"}',
    "cut utf-8": b'{"x": 1, "y": "\xc3"}',
    "surrogates in utf-8": b'{"x": 1, "y": "\xed\xa0\x80"}',
    "lone surrogate": rb'{"x": 1, "y": "\ud800"}',
    "lone surrogate in a name": rb'{"x": 1, "\udc00": 1}',
    "2**64": b'{"x": 18446744073709551616}',
    "2**64 elsewhere": b'{"x": 1, "id": 18446744073709551616}',
    "5000 digits": b'{"x": 1, "id": %b}' % (b"7" * 5000),
    "1e400": b'{"x": 1e400}',
    "1e400 elsewhere": b'{"x": 1, "y": -1e400}',
    "NaN": b'{"x": NaN}',
    "Infinity elsewhere": b'{"x": 1, "y": [-Infinity]}',
    "words": b'{"x": 1, "y": "NaN, Infinity, null"}',
    "depth 100,000": DEEP,
    "depth 100,000 inside": b'{"x": 1, "y": %b}' % DEEP,
    "two documents": b'{"x": 1}{"x": 2}',
    "two documents, spaced": b'{"x": 1} {"x": 2}',
    "half a document": b'{"x": ',
    "trailing comma": b'{"x": 1,}',
    "duplicate names": b'{"x": 1, "x": 2}',
    "no object": b"[1, 2]",
    "null": b"null",
    "true": b"true",
    "text": b'"asd"',
    "spaces around": b'  {"x": 1}  ',
}
BLANK = [b"", b" ", b"\t", b"\r", b" \t \r", MARK, MARK + b"\r"]
HOSTILE = [*RECORDS.values(), *BLANK]

MODELS = [Doubler(), Echoes(), PydanticDoubler(), SchemaLibraryDoubler(), JsonSchemaDoubler()]


def options(**given: Any) -> TaskOptions:
    return TaskOptions(**{"columns": "x"} | given)


def task(
    input_protocol: str, output_protocol: str, model: Any, given: TaskOptions, size: int | None
) -> Pipeline:
    sizer = BatchSizer(size)
    given = replace(given, input_protocol=input_protocol, output_protocol=output_protocol)
    return Pipeline(
        TextReader(reader_for(model, given, lane_of(model))),
        predictor_for(model, sizer),
        TextWriter(writer_for(model, given)),
        sizer,
        fail_fast=False,
    )


def output_of(job: Pipeline, lines: list[bytes]) -> list[bytes]:
    blocks = read_blocks(io.BytesIO(b"".join(line + b"\n" for line in lines)))
    return [line for batch in job.predict_lines(blocks) for line in batch]


def strictly_json(text: bytes) -> Any:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    return json.loads(text.decode(), parse_constant=refuse, parse_int=str)


def check_json(line: bytes) -> None:
    key, prediction = line.split(b"\t")
    strictly_json(key)
    strictly_json(prediction)


def check_ldjson(line: bytes) -> None:
    assert list(strictly_json(line)) == ["input", "prediction", "error"]


def check_row(line: bytes, delimiter: str) -> None:
    (row,) = csv.reader([line.decode()], delimiter=delimiter, strict=True)
    assert len(row) in {2, 4}
    assert not any(cell.startswith(("=", "@")) for cell in row)


CHECKS = {
    "json": check_json,
    "ldjson": check_ldjson,
    "csv": lambda line: check_row(line, ","),
    "tsv": lambda line: check_row(line, "\t"),
}


@pytest.fixture(
    params=[{}, {"on_error": "explain"}, {"key": ("x",)}, {"key": ("y", "x"), "on_error": "explain"}], ids=str
)
def given_options(request: pytest.FixtureRequest) -> Iterator[TaskOptions]:
    return options(**request.param)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
@pytest.mark.parametrize("output_protocol", TEXT_OUTPUTS)
@pytest.mark.parametrize("input_protocol", TEXT_INPUTS)
def test_every_line_that_is_not_blank_gives_one_good_line(
    input_protocol: Any, output_protocol: Any, model: Any, given_options: Any
) -> None:
    if len(given_options.key or ()) == 2 and {input_protocol, output_protocol} & {"csv", "tsv"}:
        given_options = replace(given_options, key=("x",))
    job = task(input_protocol, output_protocol, model, given_options, None)
    output = output_of(job, HOSTILE)
    assert len(output) == len(RECORDS)
    for line in output:
        assert b"\n" not in line
        CHECKS[output_protocol](line)
    counters = job.report.counters
    assert (counters.lines, counters.blank, counters.headers) == (len(HOSTILE), len(BLANK), 0)
    assert counters.predicted + counters.failed == len(RECORDS)


@pytest.mark.parametrize("output_protocol", TEXT_OUTPUTS)
@pytest.mark.parametrize("input_protocol", TEXT_INPUTS)
def test_a_line_gives_the_same_whatever_it_is_in_a_batch_with(
    input_protocol: Any, output_protocol: Any
) -> None:
    whole = output_of(task(input_protocol, output_protocol, Doubler(), options(), 1000), HOSTILE)
    alone = task(input_protocol, output_protocol, Doubler(), options(), 1)
    assert whole == [line for each in HOSTILE for line in output_of(alone, [each])]


@pytest.mark.parametrize("input_protocol", ["csv", "tsv"])
@pytest.mark.parametrize("header", [b"x", b'"x"', MARK + b"x\r"])
def test_a_header_is_recognised_wherever_it_stands_and_is_no_record(input_protocol: Any, header: Any) -> None:
    job = task(input_protocol, "json", Doubler(), options(), None)
    assert output_of(job, [header, b"1", header, b"2", header]) == [
        b'{"x": 1}\t{"twice": 2.0}',
        b'{"x": 2}\t{"twice": 4.0}',
    ]
    assert (job.report.counters.lines, job.report.counters.headers) == (5, 3)


@pytest.mark.parametrize(
    "name", [name for name in RECORDS if "tab between" not in name and "cr in" not in name]
)
def test_the_key_of_json_is_the_line_byte_for_byte(name: str) -> None:
    line = RECORDS[name].removeprefix(MARK).removesuffix(b"\r")
    (output,) = output_of(task("ldjson", "json", Echoes(), options(), None), [RECORDS[name]])
    try:
        strictly_json(line)
    except (ValueError, RecursionError):
        assert strictly_json(output.split(b"\t")[0]) == line.decode(errors="backslashreplace")
    else:
        assert output.split(b"\t")[0] == line


@pytest.mark.parametrize("name", RECORDS)
def test_with_key_a_line_is_its_fields_if_it_is_an_object_and_else_stands_whole(name: str) -> None:
    (key, whole) = (
        output_of(task("ldjson", "json", Echoes(), options(key=chosen), None), [RECORDS[name]])[0].split(
            b"\t"
        )[0]
        for chosen in (("x",), None)
    )
    found = strictly_json(whole)
    is_object = isinstance(found, dict)
    assert strictly_json(key) == ({"x": found.get("x")} if is_object else found)


PREDICTED = {
    "plain",
    "escaped tab",
    "tab between tokens",
    "unicode",
    "line separators that JSON allows",
    "byte order mark",
    "crlf",
    "cr in between",
    "lone surrogate",
    "lone surrogate in a name",
    "2**64",
    "2**64 elsewhere",
    "5000 digits",
    "1e400 elsewhere",
    "words",
    "duplicate names",
    "spaces around",
}


@pytest.mark.parametrize("name", RECORDS)
def test_a_line_is_predicted_exactly_when_it_is_json_that_the_schema_accepts(name: str) -> None:
    (output,) = output_of(task("ldjson", "json", Doubler(), options(), None), [RECORDS[name]])
    assert output.endswith(b"\tnull") == (name not in PREDICTED)


PIECES = st.binary(max_size=9) | st.sampled_from(
    [b"x", b"1.5", b'"', b"\t", b"\r", b'{"x": 1}', b"=", b" ", MARK, b"\xff"]
)
LINES = st.lists(st.lists(PIECES, max_size=4).map(b"".join), max_size=9).map(b"\n".join)


@pytest.mark.parametrize("output_protocol", TEXT_OUTPUTS)
@pytest.mark.parametrize("input_protocol", TEXT_INPUTS)
@given(data=LINES)
@example(data=b'x"\r\r')  # csv takes a CR after a row with quotes for its end
@settings(deadline=None, max_examples=40)
def test_any_bytes_are_answered_line_by_line(data: bytes, input_protocol: Any, output_protocol: Any) -> None:
    job = task(input_protocol, output_protocol, Echoes(), options(on_error="explain"), None)
    output = output_of(job, [data])
    for line in output:
        CHECKS[output_protocol](line)
    counters = job.report.counters
    assert len(output) == counters.predicted + counters.failed
    assert counters.lines == len(output) + counters.blank + counters.headers == data.count(b"\n") + 1
