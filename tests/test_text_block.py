"""Lines in one piece of memory are what lists of lines are, wherever blocks begin and end."""

import io
from itertools import chain
from typing import Any, Literal, TypedDict

import numpy as np
import pyarrow as pa
import pytest
from fakes import as_model
from hypothesis import given, settings
from hypothesis import strategies as st

from model_mapreduce_job.formats.byte_arrays import byte_array
from model_mapreduce_job.formats.column_answers import ColumnAnswer
from model_mapreduce_job.formats.delimited import DelimitedReader
from model_mapreduce_job.formats.delimited_keys import JsonKeys, RowKeys
from model_mapreduce_job.formats.delimited_writer import DelimitedWriter, RowShape, RowStyle
from model_mapreduce_job.formats.lines import read_blocks
from model_mapreduce_job.formats.protocols import JsonPairWriter
from model_mapreduce_job.formats.records import Failure, OverlongLine
from model_mapreduce_job.formats.rows import Dialect
from model_mapreduce_job.formats.text_block import TextBlock, read_text_blocks
from model_mapreduce_job.formats.text_format import TextReader, TextWriter
from model_mapreduce_job.formats.text_forms import are_columns, whole_text
from model_mapreduce_job.models.column_maker import ColumnMaker
from model_mapreduce_job.models.columns import column_schema
from model_mapreduce_job.models.plain_fields import plain_columns
from model_mapreduce_job.models.schemas import record_schema
from model_mapreduce_job.pipeline.batch_sizing import BatchSizer
from model_mapreduce_job.pipeline.pipeline import Pipeline
from model_mapreduce_job.pipeline.predictors import predictor_for

LINE = st.binary(max_size=6).map(lambda line: line.replace(b"\n", b""))
LINES = st.lists(LINE, max_size=9)


@given(LINES, st.integers(-10, 10), st.integers(-10, 10))
def test_a_block_of_text_is_the_list_of_its_lines(lines: list[bytes], start: int, end: int) -> None:
    whole = TextBlock.of_lines([b"before", *lines, b"after"])
    for block in (TextBlock.of_lines(lines), TextBlock.of_text(b"".join(b"%b\n" % line for line in lines))):
        for some, expected in ((block, lines), (whole[1:-1], lines), (block[start:end], lines[start:end])):
            assert list(some) == expected
            assert len(some) == len(expected)
            assert [some[place] for place in range(-len(some), len(some))] == expected + expected
            assert some.text() == b"\n".join(expected)
            assert some.whole_text() == b"".join(b"%b\n" % line for line in expected)
            assert some.size == len(some.whole_text())
            assert list(some + block) == expected + lines
            assert list(some.__radd__(lines)) == lines + expected
            assert list(TextBlock.of_array(some.ended_array())) == expected


@given(LINES, st.dictionaries(st.integers(0, 12), LINE, max_size=4))
def test_lines_get_their_places_among_others(lines: list[bytes], more: dict[int, bytes]) -> None:
    more = {
        place: line
        for number, (place, line) in enumerate(sorted(more.items()))
        if place < len(lines) + number
    }
    expected = [*lines]
    for place, line in sorted(more.items()):
        expected.insert(place, line)
    assert list(TextBlock.of_lines(lines).with_lines(more)) == expected


@given(LINES, st.integers(0, 9))
def test_lines_are_followed_by_what_comes_after_each(lines: list[bytes], start: int) -> None:
    block = TextBlock.of_lines(lines)[start:]
    after = [b"%d" % number for number in range(len(block))]
    found = block.followed_by(byte_array(after))
    assert list(found) == [line + text for line, text in zip(lines[start:], after, strict=True)]
    assert found.size == len(found.whole_text())


def test_more_than_arrow_has_places_for_is_read_by_the_line() -> None:
    assert TextBlock.of_lines([b"a", b"b"]).fits_arrow
    assert not TextBlock(b"", np.array([1, 1 << 31])).fits_arrow


def test_a_line_that_holds_newlines_is_one_line() -> None:
    block = TextBlock.of_lines([b"a", b"b\nc", b""])
    assert list(block) == [b"a", b"b\nc", b""]
    assert not block.has_a_newline_each


@given(st.binary(max_size=60), st.integers(1, 12), st.integers(1, 30))
@settings(max_examples=400)
def test_any_bytes_are_read_as_lists_of_lines_are(data: bytes, block_bytes: int, most: int) -> None:
    expected = read_blocks(io.BytesIO(data), most, block_bytes)
    found = list(read_text_blocks(io.BytesIO(data), most, block_bytes))
    assert _flat(found) == _flat(list(expected))


def _flat(blocks: Any) -> list[Any]:
    return list(
        chain.from_iterable([block] if isinstance(block, OverlongLine) else block for block in blocks)
    )


class Flower(TypedDict):
    n: float
    i: int
    text: str


@as_model
class Labels:
    """Answers one of three labels, or a label and a score."""

    input_schema = Flower

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self.output_schema: Any = {"label": Label, "both": Both}.get(kind)

    def predict_columns(self, batch: pa.RecordBatch) -> Any:
        numbers = batch.column("n").to_pylist()
        labels = np.array(["a", "=b,", 'c"d'], np.object_)[[int(abs(number)) % 3 for number in numbers]]
        if self._kind == "value":
            return labels
        scores = np.array([number / 8 for number in numbers], np.float64)
        return {"label": labels} if self._kind != "both" else {"score": scores, "label": labels}


class Label(TypedDict):
    label: Literal["a", "=b,", 'c"d']


class Both(TypedDict):
    label: str
    score: float


GOOD = st.builds(
    lambda n, i, text: f"{n},{i},{text}", st.integers(-9, 9), st.integers(0, 99), st.sampled_from("xyz")
)
OTHER = st.sampled_from(
    [
        "asd,1,x",
        "",
        "n,i,text",
        '"1",2,"a,b"',
        "1,2",
        "=1,2,x",
        "1,2,=x",
        "1,2,é",
        "1e400,1,x",
        "1,1,\udcff",
        "\ufeff3,4,x",
    ]
)
ROWS = st.lists(GOOD, max_size=12) | st.lists(GOOD | OTHER, max_size=12)


def pipeline(kind: str, writes: str, *, is_fast: bool, size: int) -> Pipeline:
    """Return the pipeline of a csv run, with its fast lane or without it."""
    model = Labels(kind)
    maker = ColumnMaker(column_schema(Flower, "model"))
    wanted = plain_columns(Flower, maker.schema)
    names = list(Flower.__annotations__)
    keys: Any = RowKeys() if writes == "csv" else JsonKeys()
    reader = DelimitedReader(record_schema(Flower), names, Dialect(), keys, wanted)
    if not is_fast:
        reader._plain = None
    shape = RowShape(names, ["label", "score"] if kind == "both" else ["label"] if kind == "label" else [])
    rows = DelimitedWriter(shape, RowStyle(explain=True, keys_are_rows=True))
    sizer = BatchSizer(size)
    return Pipeline(
        TextReader(reader, maker),
        predictor_for(model, sizer, columns=True),
        TextWriter(rows if writes == "csv" else JsonPairWriter(explain=True)),
        sizer,
        fail_fast=False,
        check_batches=False,
        fingerprint=True,
    )


@pytest.mark.parametrize("writes", ["csv", "json"])
@pytest.mark.parametrize("kind", ["value", "label", "both", "no schema"])
@given(rows=ROWS, end=st.sampled_from(["\n", "\r\n"]), cut=st.tuples(st.integers(1, 80), st.integers(1, 7)))
@settings(deadline=None, max_examples=60)
def test_a_run_by_the_block_writes_what_a_run_by_the_line_writes(
    kind: str, writes: str, rows: list[str], end: str, cut: tuple[int, int]
) -> None:
    data = "".join(row + end for row in rows).encode(errors="surrogateescape")
    fast = pipeline(kind, writes, is_fast=True, size=cut[1])
    careful = pipeline(kind, writes, is_fast=False, size=cut[1])
    blocks = read_text_blocks(io.BytesIO(data), 1 << 20, cut[0])
    found = b"".join(whole_text(lines) for lines in fast.predict_lines(blocks) if len(lines))
    lines = [line for batch in careful.predict_lines(read_blocks(io.BytesIO(data))) for line in batch]
    assert found == b"".join(b"%b\n" % line for line in lines)
    for name in ("lines", "predicted", "failed", "blank", "headers", "fingerprint", "reasons"):
        assert getattr(fast.report.counters, name) == getattr(careful.report.counters, name)


_TEXTS = st.sampled_from(
    ["a", "", "=1", "x,y", 'q"', "line\nend", "é", "null", "1.5", "\uff1d", ";", "-", "'"]
)
_FLOATS = st.floats(allow_nan=False, allow_infinity=False)
_COLUMNS = [
    st.lists(_TEXTS, min_size=4, max_size=4).map(pa.array),
    st.lists(st.none() | _TEXTS, min_size=4, max_size=4).map(lambda values: pa.array(values, pa.string())),
    st.lists(_FLOATS, min_size=4, max_size=4).map(pa.array),
    st.lists(st.none() | _FLOATS, min_size=4, max_size=4).map(lambda values: pa.array(values, pa.float64())),
    st.lists(st.booleans(), min_size=4, max_size=4).map(pa.array),
    st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), min_size=4, max_size=4).map(
        lambda values: pa.array(values, pa.int64())
    ),
]
DIALECTS = [Dialect(), Dialect("\t"), Dialect(";", decimal=","), Dialect("|", quoted_newlines=True)]


@st.composite
def outcomes_of_columns(draw: Any) -> Any:
    """Draw what a model of columns answered, as texts, with some failures between them."""
    names = draw(
        st.none() | st.lists(st.sampled_from(["label", "score", "é%"]), min_size=1, max_size=3, unique=True)
    )
    columns = [draw(st.one_of(_COLUMNS)) for _ in names or [""]]
    texts = ColumnAnswer(tuple(names) if names else None, columns).texts()
    assert are_columns(texts)
    failed = sorted(draw(st.sets(st.integers(0, 4), max_size=2)))
    return texts.with_failures({place: Failure("ValueError", f"{place}, bad") for place in failed})


@given(
    outcomes=outcomes_of_columns(),
    shape=st.sampled_from([[], ["label"], ["score", "label"], ["é%", "label", "score"]]),
    dialect=st.sampled_from(DIALECTS),
    explain=st.booleans(),
)
@settings(deadline=None, max_examples=300)
def test_columns_of_predictions_are_written_as_each_by_itself(
    outcomes: Any, shape: list[str], dialect: Dialect, explain: bool
) -> None:
    keys = [b"key %d" % number for number in range(len(outcomes))]
    for writer in (
        DelimitedWriter(RowShape(["x"], shape), RowStyle(dialect, explain=explain, keys_are_rows=True)),
        JsonPairWriter(explain=explain),
    ):
        checked = getattr(writer, "checked", lambda given: given)
        one_by_one = [
            line
            for key, outcome in zip(keys, outcomes, strict=True)
            for line in writer.write([key], checked([outcome]))
        ]
        assert list(writer.write(TextBlock.of_lines(keys), checked(outcomes))) == one_by_one
    assert [outcomes[place] for place in range(len(outcomes))] == list(outcomes)
