"""Rows of text: csv and tsv in."""

import csv
import json
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, NotRequired, TypedDict, get_args

import msgspec
import pydantic
import pytest
import schema
from fakes import Number
from hypothesis import given, settings
from hypothesis import strategies as st
from schema_fakes import DataclassNumber, JsonSchemaDoubler, PydanticNumber, StructNumber

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.cells import is_exact_number, is_finite_number, is_integer, json_number
from model_mapreduce_job.formats.delimited import DelimitedReader
from model_mapreduce_job.formats.protocols import HeaderLine
from model_mapreduce_job.formats.rows import Dialect, RowError, check_columns, parse_columns
from model_mapreduce_job.models.fields import fields_of
from model_mapreduce_job.models.schemas import record_schema


class Mixed(TypedDict):
    n: float
    i: int
    flag: bool
    text: str
    kind: Literal["a", "1"]
    maybe: float | None
    absent: NotRequired[float]


COLUMNS = ["n", "i", "flag", "text", "kind", "maybe", "absent"]


def rows(kind: Any, columns: list[str], delimiter: str = ",") -> DelimitedReader:
    return DelimitedReader(record_schema(kind), columns, Dialect(delimiter))


MIXED = rows(Mixed, COLUMNS)


@pytest.mark.parametrize(
    "kind",
    [
        Number,
        DataclassNumber,
        StructNumber,
        PydanticNumber,
        JsonSchemaDoubler.input_schema,
        schema.Schema({"x": float}),
    ],
    ids=lambda kind: type(kind).__name__,
)
def test_text_becomes_the_number_that_the_schema_asks_for(kind: Any) -> None:
    record = rows(kind, ["x"]).read(b"1.50")
    value = record["x"] if isinstance(record, dict) else record.x
    assert (value, type(value)) == (1.5, float)


def test_every_cell_becomes_what_its_field_asks_for() -> None:
    assert MIXED.read(b"1.5,2,true,12,1,0.5,7") == {
        "n": 1.5,
        "i": 2,
        "flag": True,
        "text": "12",
        "kind": "1",
        "maybe": 0.5,
        "absent": 7.0,
    }


def test_an_empty_cell_is_absent_null_or_empty_text_as_its_field_allows() -> None:
    assert MIXED.read(b"1,2,False,,a,,") == {
        "n": 1,
        "i": 2,
        "flag": False,
        "text": "",
        "kind": "a",
        "maybe": None,
    }


def test_an_empty_cell_of_a_field_with_a_default_gets_the_default() -> None:
    @dataclass
    class Defaulted:
        x: float
        note: str | None = "none"
        level: int = 3

    assert rows(Defaulted, ["x", "note", "level"]).read(b"1,,") == Defaulted(1.0)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b",2,true,t,a,1,1", "missing required field `n`"),
        (b"asd,2,true,t,a,1,1", "Expected `float`, got `str` - at `$.n`"),
        (b"NaN,2,true,t,a,1,1", "Expected `float`, got `str` - at `$.n`"),
        (b"1e400,2,true,t,a,1,1", "Number out of range - at `$.n`"),
        (b"1,2.5,true,t,a,1,1", "Expected `int`, got `float` - at `$.i`"),
        (b"1,2,maybe,t,a,1,1", "Expected `bool`, got `str` - at `$.flag`"),
        (b"1,2,true,t,c,1,1", "Invalid enum value 'c' - at `$.kind`"),
    ],
)
def test_a_cell_that_does_not_fit_is_named(line: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=r".") as raised:
        MIXED.read(line)
    assert reason in str(raised.value)


@pytest.mark.parametrize(
    ("cell", "number"), [(b"+2", 2), (b" 2 ", 2), (b"-2", -2), (b"18446744073709551617", 2**64 + 1)]
)
def test_an_integer_may_be_written_with_a_sign_and_spaces(cell: str, number: Any) -> None:
    value = MIXED.read(b"1,%b,true,t,a,1,1" % cell)["i"]
    assert (value, type(value)) == (number, int)


@pytest.mark.parametrize(
    ("cell", "number"),
    [(b".5", 0.5), (b"5.", 5.0), (b"+5", 5.0), (b"-.5e1", -5.0), (b" +1.50 ", 1.5), (b"5.e-1", 0.5)],
)
def test_a_number_may_be_written_as_other_programs_write_it_and_comes_back_as_it_was(
    cell: bytes, number: float
) -> None:
    reader = rows(Number, ["x"])
    assert reader.read(cell) == {"x": number}
    assert json.loads(reader.text(cell)) == {"x": cell.decode()}


@pytest.mark.parametrize(
    "cell", [b".", b"+", b"-", b"e5", b".e5", b"007", b"1_0", b"0x1", b"1.0.0", "\uff11".encode()]
)
def test_what_is_no_number_is_none(cell: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        rows(Number, ["x"]).read(cell)


@pytest.mark.parametrize(
    "cell",
    ["v2.0", "007", "12e4567", "3.25", "release 1.0", " 42", "42 ", "+1", "1e5", "x", "-0", "-0.0", "TRUE"],
)
def test_a_column_of_numbers_or_texts_keeps_every_text(cell: str) -> None:
    class Coded(TypedDict):
        code: int | str

    reader = rows(Coded, ["code"])
    assert reader.read(cell.encode()) == {"code": cell}
    assert json.loads(reader.text(cell.encode())) == {"code": cell}
    assert reader.read(b"42") == {"code": 42}


@pytest.mark.parametrize("cell", ["12e4567", "1e5", "12345678901234567890123", "9007199254740993", "-0"])
def test_an_unknown_column_is_text_where_a_reader_could_read_another_number(cell: str) -> None:
    reader = rows(None, ["id"])
    assert reader.read(cell.encode()) == json.loads(reader.text(cell.encode())) == {"id": cell}


@pytest.mark.parametrize("cell", ["0", "-1", "1.10", "123456789012345", "0.00001", "-0.5"])
def test_an_unknown_column_is_a_number_where_every_reader_reads_the_same(cell: str) -> None:
    assert rows(None, ["x"]).text(cell.encode()) == b'{"x": %b}' % cell.encode()
    assert rows(None, ["x"]).read(cell.encode()) == {"x": float(cell)}


def test_a_decimal_is_made_from_the_text() -> None:
    class Priced(pydantic.BaseModel):
        price: Decimal
        other: Decimal | None = None

    record = rows(Priced, ["price", "other"]).read(b"0.1000000000000000000001,1.10")
    assert str(record.price) == "0.1000000000000000000001"
    assert str(record.other) == "1.10"


def test_a_list_may_stand_in_a_cell_as_json() -> None:
    class Listed(TypedDict):
        x: list[float]
        y: NotRequired[dict[str, int]]

    assert rows(Listed, ["x", "y"], "\t").read(b"[1, 2.5]\t{}") == {"x": [1.0, 2.5], "y": {}}
    with pytest.raises(msgspec.ValidationError, match="got `str`"):
        rows(Listed, ["x"], "\t").read(b"[1,")


class Aliased(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(populate_by_name=True)
    length: float = pydantic.Field(alias="Length in cm")
    width: float = pydantic.Field(
        validation_alias=pydantic.AliasChoices("w", "Width", pydantic.AliasPath("size", 1))
    )


@pytest.mark.parametrize(
    ("columns", "row"),
    [
        (["Length in cm", "w"], b"1,.5"),
        (["length", "Width"], b"1,.5"),
        (["length", "width"], b"1,.5"),
        (["length", "size"], b"1\t[0, 0.5]"),
    ],
)
def test_a_column_may_have_any_name_that_pydantic_knows_its_field_by(columns: list[str], row: bytes) -> None:
    record = rows(Aliased, columns, "\t" if b"\t" in row else ",").read(row)
    assert (record.length, record.width) == (1.0, 0.5)
    needed = [field.names for field in fields_of(Aliased) if field.required]
    assert all(set(names) & set(columns) for names in needed)


def outcome(read: Any, line: bytes) -> Any:
    try:
        record = read(line)
    except Exception as error:  # noqa: BLE001 - of any library
        return type(error).__name__
    value = record["x"] if isinstance(record, dict) else record.x
    return type(value), value


SUPPORTED = [
    int,
    float,
    bool,
    str,
    Decimal,
    date,
    datetime,
    int | str,
    float | str,
    float | None,
    Literal["a", "1"],
    Any,
]
LIKELY = st.sampled_from(
    [
        "1",
        "1.0",
        "-0",
        "1e2",
        "2012-01-01",
        "2012-01-01T00:00:00",
        "true",
        "a",
        " a ",
        "1e400",
        "v2.0",
        "007",
        "null",
    ]
)
CELLS = (
    LIKELY
    | st.integers().map(str)
    | st.floats(allow_nan=False).map(str)
    | st.text("0123456789.eE+-a", min_size=1)
)


@pytest.mark.parametrize("library", ["msgspec", "pydantic"])
@pytest.mark.parametrize("kind", SUPPORTED, ids=str)
@given(cell=CELLS)
@settings(deadline=None, max_examples=100)
def test_a_cell_and_the_json_value_of_its_text_are_the_same_for_the_model(
    kind: Any, library: str, cell: str
) -> None:
    schema = record_schema(KINDS[kind, library])
    takes = {int: is_integer, float: is_finite_number, bool: lambda text: text in ("true", "false")}
    wanted = get_args(kind) or (kind,)
    is_value = any(takes[part](cell) for part in wanted if part in takes) or (
        str not in wanted and set(wanted) & {int, float} and is_finite_number(cell)
    )
    if kind is Any:
        is_value = is_exact_number(cell)
    value = cell if is_value else json.dumps(cell)
    if str not in wanted and json_number(cell) not in (None, cell):
        return  # JSON has no such number
    if kind is bool and cell in ("0", "1"):
        return  # JSON's own is true
    if not is_value and float in wanted and json_number(cell):
        return  # out of range, in other words
    assert outcome(DelimitedReader(schema, ["x"]).read, cell.encode()) == outcome(
        schema.decode, b'{"x": %b}' % value.encode()
    )


KINDS = {
    (kind, library): TypedDict("Record", {"x": kind})
    if library == "msgspec"
    else pydantic.create_model("Record", x=(kind, ...))
    for kind in SUPPORTED
    for library in ("msgspec", "pydantic")
}


@pytest.mark.parametrize(
    ("cell", "truth"), [(b"true", True), (b"TRUE", True), (b"1", True), (b"False", False), (b"0", False)]
)
def test_a_truth_value_may_be_written_in_letters_or_as_a_digit(cell: str, truth: Any) -> None:
    assert MIXED.read(b"1,2,%b,t,a,1,1" % cell)["flag"] is truth


def test_without_a_schema_cells_are_numbers_where_they_look_like_one() -> None:
    assert rows(None, ["a", "b", "c"]).read(b"1.5,x,007") == {"a": 1.5, "b": "x", "c": "007"}


@pytest.mark.parametrize(("line", "count"), [(b"1", 1), (b"1,2,true,t,a,1", 6), (b"1,2,true,t,a,1,1,8", 8)])
def test_a_row_of_another_width_says_how_many_cells_there_should_be(line: bytes, count: Any) -> None:
    with pytest.raises(RowError, match=rf"Expected 7 cells \(n, i, .*\), got {count}"):
        MIXED.read(line)


@pytest.mark.parametrize("line", [b"", b" ", b"\t\t", b"\x0b"])
def test_a_blank_line_is_no_row(line: bytes) -> None:
    for delimiter in (",", "\t"):
        with pytest.raises(RowError):
            rows(None, ["a"], delimiter).read(line)


@pytest.mark.parametrize("line", [b"x", b'"x"'])
def test_a_line_of_the_columns_names_is_a_header(line: bytes) -> None:
    with pytest.raises(HeaderLine):
        rows(Number, ["x"]).read(line)


def test_quoted_cells_may_hold_anything_that_stays_on_one_line() -> None:
    reader = rows(None, ["a", "b"])
    assert reader.read(b'"x, ""y""\x00\t",') == {"a": 'x, "y"\x00\t'}
    assert rows(None, ["a", "b"], "\t").read(b'"x\ty"\t2') == {"a": "x\ty", "b": 2}


def test_a_quoted_cell_may_be_as_long_as_its_line() -> None:
    long = b"x" * 1_000_000
    assert rows(None, ["a", "b"]).read(b'"%b",2' % long) == {"a": long.decode(), "b": 2}


@pytest.mark.parametrize("line", [b'"x', b'"x"y,1', b'x"y"z'])
def test_quotes_that_do_not_fit_cost_only_their_line(line: bytes) -> None:
    reader = rows(None, ["a", "b"])
    with pytest.raises((csv.Error, RowError)):
        reader.read(line)
    assert json.loads(reader.text(line)) == line.decode()


@pytest.mark.parametrize(
    ("line", "key"),
    [
        (
            b"1.10,2.0,TRUE,12,a,,",
            b'{"n": 1.10, "i": 2.0, "flag": true, "text": "12", "kind": "a", "maybe": "", "absent": ""}',
        ),
        (
            b"asd,-0,no, t ,a,1e5,-",
            rb'{"n": "asd", "i": -0, "flag": "no", "text": " t ", "kind": "a", "maybe": 1e5, "absent": "-"}',
        ),
        (b"1,2", b'"1,2"'),
        (b"\xff,2,true,t,a,1,1", b'"\\\\xff,2,true,t,a,1,1"'),
    ],
)
def test_a_row_comes_back_as_a_json_object_with_numbers_as_they_were_written(line: bytes, key: Any) -> None:
    assert MIXED.text(line) == key
    json.loads(key)


def test_columns_may_have_spaces_quotes_and_any_letters() -> None:
    reader = rows(None, ["petal width", 'a"b', "é"])
    assert reader.text(b"1,2,3") == '{"petal width": 1, "a\\"b": 2, "é": 3}'.encode()
    assert reader.read(b"1,2,3") == {"petal width": 1, 'a"b': 2, "é": 3}


def test_columns_that_the_schema_does_not_know_are_in_the_key_and_not_in_the_way() -> None:
    reader = rows(Number, ["id", "x"])
    assert reader.read(b"18446744073709551617,1") == {"x": 1.0}
    assert reader.text(b"18446744073709551617,1") == b'{"id": "18446744073709551617", "x": 1}'


@pytest.mark.parametrize(
    ("line", "names"),
    [
        (b"a,b", ["a", "b"]),
        (b"\xef\xbb\xbfa,b\r", ["a", "b"]),
        (b'"petal width","a,b"', ["petal width", "a,b"]),
        (b"a", ["a"]),
    ],
)
def test_a_header_tells_the_columns(line: bytes, names: Any) -> None:
    assert parse_columns(line, ",") == names


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "blank"),
        (b"a,,b", "each needs a name of its own"),
        (b"a,b,a", "its own. Give them .* take the header out, which would be"),
        (b"\xff", "utf-8"),
        (b'"a', "never closed; .* need --quoted_newlines"),
    ],
)
def test_what_is_no_header_is_refused_in_one_line_that_says_what_to_do(line: bytes, reason: str) -> None:
    with pytest.raises(InputError, match=reason) as refused:
        parse_columns(line, ",")
    assert "--columns" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_columns_are_told_as_they_were_given_when_they_can_not_be_used() -> None:
    with pytest.raises(InputError, match="The columns 'a', 'a' can't be used"):
        check_columns(["a", "a"])
