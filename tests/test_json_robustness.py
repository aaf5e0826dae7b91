"""Whatever bytes a line holds: lines = predicted + failed + blank, and one good line for each record."""

import io
import json
from random import Random
from time import process_time
from typing import Any

import pytest
from fakes import Doubler, Echoes
from hypothesis import example, given, settings
from hypothesis import strategies as st
from iris_model.iris_predict import IrisModel
from pipelines import pipeline_of
from schema_fakes import PydanticDoubler

from model_mapreduce_job.formats.lines import read_blocks
from model_mapreduce_job.pipeline.pipeline import Pipeline

FUZZED_LINES = 100_000
VALID = [
    b'{"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}',
    b'{"sepal_length":7,"sepal_width":3.2e0,"petal_length":4.70,"petal_width":1.4,"id":18446744073709551617}',
    '{"x": 1.5, "é": "\\ud83e\\udd8b 🦋", "n": [null, true, {"a": []}]}'.encode(),
    b'{"x": -0, "s": "\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9", "e": 1E-7}',
    b' [ 1 , "x" ] ',
]
# What breaks readers of JSON; each goes in where a mutation puts it.
TOKENS = [
    b'"',
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"NaN",
    b"Infinity",
    b"-",
    b"e",
    b"0",
    b"1e400",
    b"\t",
    b"\r",
    b"\n",
]
TOKENS += [
    b"\x00",
    b"\xff",
    b"\xc3",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"\\ud800",
    b"null",
    b"\x85",
    b"\xe2\x80\xa8",
    b" ",
]
MODELS = [IrisModel(), Echoes(), Doubler(), PydanticDoubler()]
every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)


def refuse(constant: str) -> None:
    raise ValueError(constant)


STRICT = json.JSONDecoder(parse_constant=refuse)


def mutated(random: Random, line: bytes) -> bytes:
    """Return a line with one to three bytes or pieces changed, taken out, doubled or put in."""
    for _ in range(random.randint(1, 3)):
        start = random.randrange(len(line) + 1)
        end = min(len(line), start + random.choice((0, 0, 1, 1, 2, 9)))
        piece = random.choice(
            (b"", line[start:end] * 2, random.choice(TOKENS), bytes([random.randrange(256)]))
        )
        line = line[:start] + piece + line[end:]
    return line


def records_in(data: bytes) -> list[bytes]:
    """Return the lines that hold something, without what belongs to no record: marks and line ends."""
    bare = (line.removeprefix(b"\xef\xbb\xbf").removesuffix(b"\r") for line in data.split(b"\n"))
    return [line for line in bare if line.strip()]


def check(data: bytes, model: Any) -> Pipeline:
    """Run a task over data and check each line of its output against the simple way."""
    task = pipeline_of(model, explain=False, fail_fast=False)
    output = [
        line
        for lines in task.predict_lines(read_blocks(io.BytesIO(data), block_bytes=4096))
        for line in lines
    ]
    counters = task.report.counters
    records = records_in(data)
    assert counters.lines == counters.predicted + counters.failed + counters.blank
    assert len(output) == counters.predicted + counters.failed == len(records)
    for line, record in zip(output, records, strict=True):
        key, prediction = line.split(b"\t")
        assert STRICT.decode(key.decode()) == STRICT.decode(key_of(record).decode())
        assert key == key_of(record) or b"\t" in record or b"\r" in record
        STRICT.decode(prediction.decode())
    return task


def key_of(record: bytes) -> bytes:
    """Return what a record should come back as: the simple way."""
    try:
        STRICT.decode(record.decode())
    except (ValueError, RecursionError):
        return json.dumps(record.decode(errors="backslashreplace"), ensure_ascii=False).encode()
    return record


LINES = st.lists(st.binary(max_size=30) | st.sampled_from([*VALID, *TOKENS]), max_size=20).map(b"\n".join)


@every_model
@given(data=LINES)
@example(data=b"\n\n\xef\xbb\xbf\n\r\n \n")
@settings(deadline=None, max_examples=100)
def test_any_bytes_are_answered_line_by_line(data: bytes, model: Any) -> None:
    check(data, model)


@pytest.mark.parametrize("seed", [1])
def test_a_hundred_thousand_mutated_records_are_answered_line_by_line(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - repeatable, not secret
    started = process_time()
    counts = []
    for model in MODELS:
        lines = (mutated(random, random.choice(VALID)) for _ in range(FUZZED_LINES // len(MODELS)))
        counts.append(check(b"\n".join(lines), model).report.counters)
    assert sum(counters.lines for counters in counts) >= FUZZED_LINES
    assert all(counters.predicted > 500 and counters.failed > 500 and counters.blank for counters in counts)
    assert process_time() - started < 20
