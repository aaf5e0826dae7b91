"""The fast lane of csv reads what the careful one reads: the same keys, records and failures."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import msgspec
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.delimited import DelimitedReader
from model_mapreduce_job.formats.delimited_keys import JsonKeys, RowKeys
from model_mapreduce_job.formats.delimited_writer import DelimitedWriter, RowShape, RowStyle
from model_mapreduce_job.formats.read_batch import ReadBatch
from model_mapreduce_job.formats.reading import read_batch
from model_mapreduce_job.formats.records import Failure
from model_mapreduce_job.formats.rows import Dialect, join_row
from model_mapreduce_job.formats.text_block import TextBlock
from model_mapreduce_job.formats.wide_rows import FEWEST_COLUMNS, WideRows
from model_mapreduce_job.models.column_maker import ColumnMaker
from model_mapreduce_job.models.columns import column_schema
from model_mapreduce_job.models.plain_fields import plain_columns
from model_mapreduce_job.models.schemas import record_schema
from model_mapreduce_job.models.validators import ValidationError

NAMES = ["n", "i", "flag", "text", "é"]


class Plain(TypedDict):
    n: float
    i: int
    flag: bool
    text: str


class Gaps(msgspec.Struct):
    n: Annotated[float, msgspec.Meta(ge=-10, lt=1e300)] | None
    i: int | None = None
    flag: bool | None = None
    text: str | None = None


class Choices(TypedDict):
    n: NotRequired[float]
    text: Literal["a", "true", "1"]
    i: NotRequired[int | None]


@dataclass
class Defaults:
    n: float
    i: int = 3
    flag: bool = True
    text: str = "none"


class Validated(pydantic.BaseModel):
    n: float = pydantic.Field(gt=-1e6)
    i: int | None = None
    flag: bool | None = None
    text: str | None = None


KINDS = [Plain, Gaps, Choices, Defaults, Validated, None]
LIKELY = ["1", "0", "-1", "1.5", "true", "False", "TRUE", "a", "", "12", "0.25", "x y", "-0", "1e5", "é"]
HOSTILE = [
    *(
        "1e400",
        "-1e400",
        "1e-400",
        "NaN",
        "nan",
        "inf",
        "Infinity",
        "007",
        "+5",
        ".5",
        "5.",
        "0x1",
        "0X1F",
        "1_000",
    ),
    *(
        " 1",
        "1 ",
        "\t1",
        " ",
        "\u00a0",
        "\u00a01",
        "'",
        '"',
        '"1"',
        '"a,b"',
        '"a""b"',
        'a"b',
        "\r",
        "a\rb",
        "\0",
    ),
    *(
        "\ufeff",
        "\ufeff1",
        "18446744073709551616",
        "9223372036854775808",
        "999999999999999999",
        "-9223372036854775808",
    ),
    *(
        "1234567890123456",
        "0.1234567890123456",
        "-0.0",
        "-",
        "+",
        "e5",
        "1e",
        "1E+05",
        "00",
        "-01",
        "=1+1",
        "@x",
        "-x",
    ),
    *(
        "\uff1d1",
        "\\",
        "a\\nb",
        "\x7f",
        "\x85",
        "\u2028",
        "null",
        "NA",
        "tRue",
        "yes",
        "n",
        "id",
        "1,5",
        "9" * 400,
    ),
    *("\x1c", "0.1e1", "1e05", "1.e5", "\ud800"),
]
CELLS = st.sampled_from(LIKELY) | st.sampled_from(HOSTILE) | st.text("0123456789.eE+-,", max_size=9)
ROWS = st.lists(st.sampled_from(LIKELY), min_size=5, max_size=5) | st.lists(CELLS, min_size=1, max_size=6)
RAW = st.sampled_from(
    [
        b"",
        b" ",
        b"\t",
        b",,,,",
        b"\t\t\t\t",
        b"\xff,1,1,1,1",
        "n,i,flag,text,é".encode(),
        " é\u00a0,i,n,flag,text".encode(),
    ]
)
DIALECTS = [
    Dialect(),
    Dialect("\t"),
    Dialect(";", decimal=","),
    Dialect(null_values=frozenset({"NA", "-1", "null"})),
    Dialect(null_values=frozenset({"NA", "", "-", "=", "é"})),
]


def lines_of(rows: list[Any], dialect: Dialect) -> list[bytes]:
    """Return rows as lines: quoted where need be, or as they stand; what is bytes already is a line."""
    lines = []
    for number, row in enumerate(rows):
        if isinstance(row, bytes):
            lines.append(row.replace(b",", dialect.delimiter.encode()))
        elif number % 2:
            lines.append(join_row(row, dialect.delimiter).replace(b"\n", b""))
        else:
            lines.append(dialect.delimiter.join(row).encode(errors="surrogatepass"))
    return lines


def everything(reader: Any, lines: list[bytes], maker: Any) -> Any:
    """Return all that a batch of lines holds, types of values and all; or the error that ends the run."""
    try:
        batch = read_batch(reader, lines, maker)
    except InputError as error:
        return str(error)
    rows, columns, failures = batch.records.rows(), [], batch.failures
    if maker:
        rows, columns, failures = in_columns(batch)
    return (
        list(batch.keys),
        failures,
        list(batch.lines),
        (batch.blank, batch.headers),
        repr(rows),
        repr(columns),
    )


def in_columns(batch: ReadBatch) -> tuple[list[Any], list[Any], dict[int, Failure]]:
    """Return records, their columns and failures, as a model gets them: one without room fails alone."""
    places = [place for place in range(len(batch.keys)) if place not in batch.failures]
    rows, columns, failures = [], [], dict(batch.failures)
    for at, place in enumerate(places):
        record = batch.records.part([at])
        try:
            columns += record.columns().to_pylist()
        except ValidationError as error:
            failures[place] = Failure.of(error)
        else:
            rows += record.rows()
    return rows, columns, dict(sorted(failures.items()))


def both(
    kind: Any, keys: Any, dialect: Dialect, *, columns: bool, names: list[str] = NAMES
) -> tuple[Any, Any, Any]:
    """Return the reader, the same without its fast lane, and what makes columns."""
    maker = ColumnMaker(column_schema(kind, "model")) if columns else None
    wanted = plain_columns(kind, maker.schema) if maker else None
    fast, careful = (DelimitedReader(record_schema(kind), names, dialect, keys, wanted) for _ in range(2))
    careful._plain = None
    return fast, careful, maker


@pytest.mark.parametrize("columns", [True, False], ids=["columns", "records"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: getattr(kind, "__name__", "no schema"))
@given(rows=st.lists(ROWS | RAW, min_size=2, max_size=9), dialect=st.sampled_from(DIALECTS), form=st.data())
@settings(deadline=None, max_examples=60)
def test_both_lanes_read_the_same(columns: bool, kind: Any, rows: Any, dialect: Dialect, form: Any) -> None:
    if columns and kind is None:
        return
    chosen = form.draw(st.sampled_from([(), ("é",), ("text", "n")]))
    written = dialect if dialect.decimal != "." else Dialect(form.draw(st.sampled_from(",\t|")))
    keys = form.draw(
        st.sampled_from(
            [JsonKeys(chosen), JsonKeys(chosen, as_texts=True), RowKeys(dialect.delimiter, written, chosen)]
        )
    )
    fast, careful, maker = both(kind, keys, dialect, columns=columns)
    if fast._plain and form.draw(st.booleans()):  # as rows of hundreds of columns are looked at
        fast._plain._wide = WideRows(fast._plain._rows.cells, NAMES, dialect.delimiter)
    lines = lines_of(rows, dialect)
    found, expected = (everything(reader, lines, maker) for reader in (fast, careful))
    assert found == expected


@pytest.mark.parametrize("columns", [True, False], ids=["columns", "records"])
@pytest.mark.parametrize("keys", [JsonKeys(), RowKeys()], ids=["json", "rows"])
def test_good_rows_take_the_fast_lane_and_bad_ones_cost_only_themselves(keys: Any, columns: bool) -> None:
    fast, _, _ = both(Plain, keys, Dialect(), columns=columns)
    good = [b"%d.5,%d,true,some text,7" % (number, number) for number in range(100)]
    assert fast.read_plain(good, is_utf_8=True).others == []
    for place, bad in ((3, b"asd,1,true,t,7"), (50, b"1,1,true,t"), (99, b'"1",1,true,t,7')):
        good[place] = bad
    assert fast.read_plain(good, is_utf_8=True).others == [3, 50, 99]


@pytest.mark.parametrize("columns", [True, False], ids=["columns", "records"])
def test_the_cells_of_a_table_are_the_inputs_own_texts(columns: bool) -> None:
    rows = [["1.50", "1", "TRUE", "a", "007"], ["1", "2", "1", "null", "1.50"], [" 7 ", "+5", "x", "", " "]]
    fast, _, maker = both(Plain, JsonKeys(as_texts=True), Dialect(), columns=columns)
    batch = read_batch(fast, [",".join(row).encode() for row in rows], maker)
    assert list(batch.failures) == [2]
    assert [list(msgspec.json.decode(key).values()) for key in batch.keys] == rows


@pytest.mark.parametrize("keys", [JsonKeys(), RowKeys()], ids=["json", "rows"])
def test_a_model_that_takes_columns_gets_nulls_where_cells_are_empty(keys: Any) -> None:
    fast, _, maker = both(Gaps, keys, Dialect(), columns=True)
    batch = read_batch(fast, [b"1.5,,,,", b",2,TRUE,x,", b"-11,1,true,x,"], maker)
    assert batch.records.columns().to_pylist() == [
        {"n": 1.5, "i": None, "flag": None, "text": None},
        {"n": None, "i": 2, "flag": True, "text": "x"},
    ]
    assert list(batch.failures) == [2]
    assert ">= -10" in batch.failures[2].message


@pytest.mark.parametrize("written", ["lines", "one block"])
def test_rows_of_hundreds_of_columns_are_read_as_any(written: str) -> None:
    """Numbers of all columns at once, beside rows that fail; one of them an infinity, one no row."""
    names = [f"f{place}" for place in range(FEWEST_COLUMNS)]
    kind = msgspec.defstruct("Wide", [*((name, float | None) for name in names[1:]), (names[0], str)])
    fast, careful, maker = both(kind, RowKeys(), Dialect(), columns=True, names=names)
    rows = [[f"{row}a", *(f"{row}.{place}" for place in range(len(names) - 1))] for row in range(6)]
    rows[1][7], rows[2][150], rows[3][9] = "", "1e400", "x"
    lines = [",".join(row).encode() for row in [*rows, rows[0][:-1], names, rows[5]]]
    given = TextBlock.of_lines(lines) if written == "one block" else lines
    assert everything(fast, given, maker) == everything(careful, lines, maker)
    assert fast.read_plain(lines, is_utf_8=True).others == [2, 3, 6, 7]


class Fussy(msgspec.Struct):
    n: float

    def __post_init__(self) -> None:
        if self.n > 1:
            raise ValueError("too much")


class Bounded(TypedDict):
    n: Annotated[float, msgspec.Meta(multiple_of=0.5)]


@pytest.mark.parametrize("kind", [Fussy, Bounded, Validated, {"type": "object"}, None])
def test_columns_do_not_stand_for_a_schema_that_checks_more_than_they_show(kind: Any) -> None:
    schema = ColumnMaker(column_schema(Plain, "model")).schema
    assert plain_columns(kind, schema) is None


class NumberOrText(TypedDict):
    n: float | str


@pytest.mark.parametrize("keys", [JsonKeys(), RowKeys()], ids=["json", "rows"])
def test_a_number_with_too_many_digits_for_a_float_is_rounded_and_comes_back_whole(keys: Any) -> None:
    cells = [b"9007199254740993", b"0.5"]
    for reader in both(NumberOrText, keys, Dialect(), columns=False, names=["n"])[:2]:
        batch = read_batch(reader, cells, None)
        assert batch.records.rows() == [{"n": 9007199254740992.0}, {"n": 0.5}]
        assert all(cell in key for cell, key in zip(cells, batch.keys, strict=True))


SHAPE = RowShape(["x"], ["label", "score"])
PREDICTED = st.sampled_from(
    [
        *(
            b'{"label": "a", "score": 0.5}',
            b'{"label": "b c", "score": 1e-05}',
            b'{"label": "", "score": -1}',
        ),
        *(
            b'{"label": "=1", "score": 1}',
            b'{"label": "a,b", "score": 1}',
            b'{"label": "a\\nb", "score": true}',
        ),
        *(b'{"label": null, "score": 1}', b'{"score": 1, "label": "a"}', b'{"label": "x"}', b"5", b'"a"'),
        *(b'{"label": "}", "score": 1}', b'{"label": ", score: ", "score": 1}', b'{"label": {"score": 1}}'),
        *('{"label": "\uff1d", "score": 1}'.encode(), '{"label": "é", "score": 1}'.encode()),
        *(b'{"label": "a", "score": [1]}', b'{"label": "a", "score": 1, "more": 2}'),
    ]
)


@given(predictions=st.lists(PREDICTED, max_size=9), explain=st.booleans(), failed=st.booleans())
@settings(deadline=None, max_examples=300)
def test_cells_of_predictions_are_the_same_together_and_one_by_one(
    predictions: Any, explain: bool, failed: bool
) -> None:
    outcomes = [*predictions, Failure("ValueError", "bad")] if failed else predictions
    writer = DelimitedWriter(SHAPE, RowStyle(explain=explain, keys_are_rows=True))
    one_by_one = [writer.write([b"1"], writer.checked([text]))[0] for text in outcomes]
    together = DelimitedWriter(SHAPE, RowStyle(explain=explain, keys_are_rows=True))
    together._known = {b"known %d" % number: b"" for number in range(1000)}
    assert together.write([b"1"] * len(outcomes), together.checked(outcomes)) == one_by_one


def test_a_row_that_has_no_room_in_the_columns_fails_alone() -> None:
    """Beside plain rows, a blank line, and a row that is none of the schema's."""
    big = b"2,9223372036854775808,true,b"
    reader, _, maker = both(Plain, JsonKeys(), Dialect(), columns=True, names=NAMES[:4])
    lines = [b"1,1,true,a", b"", big, b"x,1,true,c", b'4,4,true,"d"', b"5,5,true,e"]
    batch = read_batch(reader, lines, maker)
    no_room = "A column of int64 has no room for 9223372036854775808 - at `$.i`"
    assert batch.failures[1] == Failure("ValidationError", no_room)
    assert list(batch.failures) == [1, 2]
    assert batch.keys[1] == reader.text(big)
    assert batch.records.columns().column("text").to_pylist() == ["a", "d", "e"]
    assert [record["i"] for record in batch.records.rows()] == [1, 4, 5]
