"""Dialects of csv: delimiters, decimal marks, encodings, null values, rows of several lines, headers."""

from __future__ import annotations

import csv
import io
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypedDict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from local_jobs import LocalJob, output_of

from model_mapreduce_job.driver.header_once import header_once, without_later_headers
from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.column_order import ColumnOrder
from model_mapreduce_job.formats.delimited import DelimitedReader
from model_mapreduce_job.formats.delimited_keys import JsonKeys, RowKeys
from model_mapreduce_job.formats.delimited_writer import DelimitedWriter, RowShape, RowStyle
from model_mapreduce_job.formats.protocols import HeaderLine
from model_mapreduce_job.formats.reading import read_batch
from model_mapreduce_job.formats.records import Failure, OverlongLine
from model_mapreduce_job.formats.row_assembly import RowAssembly
from model_mapreduce_job.formats.rows import Dialect, check_columns, trimmed_names
from model_mapreduce_job.formats.text_encodings import Transcoded, check_encoding, splits_at_lines
from model_mapreduce_job.formats.text_reading import TextReading
from model_mapreduce_job.models.schemas import record_schema
from model_mapreduce_job.task.delimited_options import dialect_of
from model_mapreduce_job.task.delimited_rows import check_fields
from model_mapreduce_job.task.task_options import TaskOptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Measured(TypedDict):
    length: float
    name: str


class Optional(TypedDict):
    length: float | None
    name: str | None


GERMAN = Dialect(";", ",")


def reader(kind: Any, dialect: Dialect, columns: tuple[str, ...] = ("length", "name"), **more: Any) -> Any:
    return DelimitedReader(record_schema(kind), columns, dialect, **more)


def test_a_decimal_comma_is_read_as_a_number_and_json_has_a_point() -> None:
    rows = reader(Measured, GERMAN)
    assert rows.read(b"-1,50;a,b") == {"length": -1.5, "name": "a,b"}
    assert rows.text(b"-1,50;a,b") == b'{"length": -1.50, "name": "a,b"}'
    with pytest.raises(ValueError, match="got `str`"):
        rows.read(b"1.5;a")


def test_predictions_are_written_with_the_dialects_mark_and_negative_numbers_are_no_formulas() -> None:
    writer = DelimitedWriter(RowShape(["length"], ["score", "text"]), RowStyle(GERMAN, keys_are_rows=True))
    rows = reader(Measured, GERMAN, keys=RowKeys(";", GERMAN))
    assert writer.write([rows.text(b"-1,50;=x")], [b'{"score": -0.5, "text": "1.5"}']) == [
        b"-1,50;'=x;-0,5;1.5"
    ]


def test_null_values_are_missing_and_come_back_as_they_were() -> None:
    rows = reader(Optional, Dialect(null_values=frozenset({"NA", "-"})))
    assert rows.read(b"NA,-") == {"length": None, "name": None}
    assert rows.text(b"NA,-") == b'{"length": "NA", "name": "-"}'
    strict = reader(Measured, Dialect(null_values=frozenset({"NA"})))
    assert strict.read(b"1,") == {"length": 1.0, "name": ""}
    with pytest.raises(ValueError, match="missing required field `name`"):
        strict.read(b"1,NA")
    with pytest.raises(ValueError, match="missing required field `name`"):
        reader(Measured, Dialect(null_values=frozenset({"NA", ""}))).read(b"1,")


def test_blanks_around_names_are_left_out_where_the_model_has_the_bare_name() -> None:
    fields = record_schema(Measured).fields
    assert trimmed_names(["length ", " name", " other"], fields) == ["length", "name", " other"]
    assert trimmed_names(["name", " name"], fields) == ["name", " name"]
    rows = reader(Measured, Dialect(), ("length ", " name"))
    assert rows.read(b"1,a") == {"length": 1.0, "name": "a"}
    for header in (b"length , name", b"length,name"):
        with pytest.raises(HeaderLine):
            rows.read(header)
    with pytest.raises(InputError, match="another order"):
        rows.read(b"name,length")


def test_a_first_column_without_a_name_is_taken_and_comes_back() -> None:
    rows = reader(Measured, Dialect(), ("", "length", "name"))
    assert rows.read(b"7,1,a") == {"length": 1.0, "name": "a"}
    assert rows.text(b"7,1,a") == b'{"": 7, "length": 1, "name": "a"}'
    for names in (["a", ""], ["", ""], [""]):
        with pytest.raises(InputError, match="a name of its own"):
            check_columns(names)


@pytest.mark.parametrize(
    ("line", "key"),
    [
        (b"1.50,TRUE", b"1.50,TRUE"),
        (b'"1.50","a""b"', b'"1.50","a""b"'),
        (rb" +5 ,C:\new", rb" +5 ,C:\new"),
        (b"1,=1+1", b"1,'=1+1"),
        (b'"1","=1+1"', b"1,'=1+1"),
        (b"1,a\rb", rb"1,a\rb"),
        (b"1", b"1,"),
        (b"\xff,2", rb'"\xff,2",'),
        (b"1,", b"1,"),
    ],
)
def test_a_rows_own_cells_come_back_byte_for_byte_but_for_formulas(line: bytes, key: Any) -> None:
    assert reader(Measured, Dialect(), keys=RowKeys()).text(line) == key


def test_rows_come_back_in_another_dialect_with_the_same_cells() -> None:
    keys = RowKeys("\t", Dialect(","))
    assert reader(Measured, Dialect("\t"), keys=keys).text(b"1,5\ta") == b'"1,5",a'
    assert reader(Measured, Dialect(), keys=RowKeys(chosen=("name",))).text(b"1,a") == b"a"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"delimiter": ";;"}, "one character"),
        ({"delimiter": '"'}, "one character"),
        ({"decimal": ","}, "Give another --delimiter"),
        ({"decimal": "1"}, "has another meaning"),
    ],
)
def test_a_dialect_that_could_not_be_read_is_refused(options: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        dialect_of("csv", TaskOptions(**options))


def test_a_tab_may_be_written_as_an_escape() -> None:
    assert dialect_of("csv", TaskOptions(delimiter="\\t")).delimiter == "\t"
    assert dialect_of("tsv", TaskOptions(delimiter=";")).delimiter == "\t"


def test_a_header_with_another_delimiter_says_which() -> None:
    model: Any = SimpleNamespace(input_schema=Measured)
    with pytest.raises(InputError, match=r"are length;name\. .* with --delimiter ';'"):
        check_fields(model, TaskOptions(input_protocol="csv", columns="length;name"))
    with pytest.raises(InputError, match="a header line that doesn't name them so has to go"):
        check_fields(model, TaskOptions(input_protocol="csv", columns="length,title"))


# Encodings

ENCODINGS = [
    "latin-1",
    "cp1252",
    "utf-16",
    "utf-16-le",
    "utf-32",
    "shift_jis",
    "gb18030",
    "cp037",
    "utf-8-sig",
]


class Slowly:
    """A source that gives a few bytes at a time."""

    def __init__(self, data: bytes, size: int) -> None:
        self._stream = io.BytesIO(data)
        self._size = size

    def read(self, size: int, /) -> bytes:
        return self._stream.read(min(size, self._size))


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("size", [1, 3, 100])
def test_text_in_another_encoding_is_read_as_utf_8(encoding: str, size: int) -> None:
    text = "a,b\n1,x\n2,y\n" + ("é\n" if encoding in {"latin-1", "cp1252", "utf-16", "utf-8-sig"} else "")
    source = TextReading(encoding=check_encoding(encoding)).in_utf_8(Slowly(text.encode(encoding), size))
    found = b"".join(iter(lambda: source.read(100), b""))
    assert found.removeprefix(b"\xef\xbb\xbf") == text.encode()


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "shift_jis", "gb18030", "euc_jp"])
@given(data=st.binary(max_size=40))
@settings(deadline=None, max_examples=60)
def test_bytes_that_an_encoding_does_not_have_fail_their_line_alone(encoding: str, data: bytes) -> None:
    source = Transcoded(Slowly(b"good\n" + data + b"\ngood", 3), encoding)
    lines = b"".join(iter(lambda: source.read(100), b"")).split(b"\n")
    assert len(lines) == data.count(b"\n") + 3
    assert (lines[0], lines[-1]) == (b"good", b"good")
    for line, given_line in zip(lines[1:-1], data.split(b"\n"), strict=True):
        try:
            expected = given_line.decode(encoding).encode()
        except UnicodeDecodeError:
            with pytest.raises(UnicodeDecodeError):
                line.decode()
        else:
            assert line == expected


def test_a_byte_that_the_encoding_does_not_have_is_shown_and_named_as_it_is() -> None:
    """In the form of JSON and of rows, and in the message."""
    text = Transcoded(io.BytesIO(b"1,\x80\n2,\x81\n3,x"), "cp1252").read(100)
    for keys, shown in ((JsonKeys(), rb'"2,\\x81"'), (RowKeys(",", Dialect(";")), rb"2,\x81;")):
        protocol = reader(None, Dialect(encoding="cp1252"), ("n", "t"), keys=keys)
        batch = read_batch(protocol, text.split(b"\n"))
        assert batch.keys[1].startswith(shown)
        message = "'cp1252' codec can't decode byte 0x81 in position 2: no character of this encoding"
        assert batch.failures == {1: Failure("UnicodeDecodeError", message)}


def test_only_encodings_whose_line_feeds_are_bytes_of_their_own_are_cut_into_splits() -> None:
    whole = {"utf-16", "utf-32", "cp037", "utf-7", "hz", "iso2022_jp"}
    assert {name for name in [*ENCODINGS, *whole] if not splits_at_lines(check_encoding(name))} == {
        *whole,
        "utf-16-le",
    }


@pytest.mark.parametrize("name", ["nonsense", "base64", "rot13", "idna", "undefined"])
def test_what_is_no_encoding_of_text_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=f"--encoding {name} is no encoding"):
        check_encoding(name)


def test_text_that_can_not_be_decoded_at_all_is_a_mistake_in_one_line() -> None:
    with pytest.raises(InputError, match="can't be read with --encoding utf-16"):
        Transcoded(io.BytesIO(b"ab"), "utf-16").read(10)


# Rows of several lines


def rows_of(text: bytes, delimiter: str = ",", most: int = 1000) -> list[Any]:
    reading = TextReading(most, delimiter_of_long_rows=delimiter)
    blocks = reading.blocks(io.BytesIO(text))
    return [row for block in blocks for row in ([block] if isinstance(block, OverlongLine) else block)]


CELLS = st.text(st.sampled_from('ab,";\n '), max_size=5)


@given(
    rows=st.lists(st.lists(CELLS, min_size=2, max_size=4), min_size=1, max_size=6),
    ends=st.sampled_from(["\n", "\r\n"]),
)
@settings(deadline=None, max_examples=300)
def test_rows_are_put_together_as_the_standard_library_reads_them(rows: Any, ends: str) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator=ends).writerows(rows)
    found = rows_of(text.getvalue().encode())
    assert [next(csv.reader([row.decode().removesuffix("\r")])) for row in found] == rows


def test_a_quote_that_opens_no_cell_costs_its_own_line_alone() -> None:
    text = b'1,a"b\n2,"c"d\n3,"e\nf"\n"4"x"\n5,g'
    assert rows_of(text) == [b'1,a"b', b'2,"c"d', b'3,"e\nf"', b'"4"x"', b"5,g"]


def test_a_cell_that_is_never_closed_takes_no_more_than_a_record_may_have() -> None:
    found = rows_of(b'1,"open\n' + b"2,b\n" * 10 + b"3,c\n", most=30)
    assert isinstance(found[0], OverlongLine)
    assert found[0].head.startswith(b'1,"open\n2,b')
    assert found[-1] == b"3,c"
    assert rows_of(b'1,a\n2,"open\n3,b') == [b"1,a", b'2,"open\n3,b']


def test_chunks_of_a_stream_end_where_rows_do() -> None:
    reading = TextReading(1000, delimiter_of_long_rows=",")
    text = b'1,"a\nb"\n' * 50
    chunks = list(reading.chunks(io.BytesIO(text), 40))
    assert b"".join(chunks) == text
    assert all(chunk.count(b'"') % 2 == 0 for chunk in chunks)


def test_a_long_row_with_many_quotes_takes_time_in_proportion() -> None:
    line = b'"' * 200_001
    assert list(RowAssembly(",", 1 << 20).rows([[line, b"x"]])) == [[line + b"\nx"]]


def test_a_row_of_several_lines_is_put_into_the_runs_order() -> None:
    assert ColumnOrder(",", (1, 0)).rearranged(b'"a\nb",1') == b'1,"a\nb"'


# Headers

PARTS = st.lists(st.lists(st.sampled_from([b"1,a", b"2,b", b"h,p2"]), max_size=3), min_size=1, max_size=4)


@given(parts=PARTS, size=st.integers(1, 9))
@settings(deadline=None, max_examples=200)
def test_parts_put_together_have_one_header(parts: Any, size: int) -> None:
    def chunks(marks: bool) -> Iterator[bytes]:
        for part in parts:
            text = b"".join(line + b"\n" for line in [b"h,p", *part])
            yield from (text[at : at + size] for at in range(0, len(text), size))
            yield from [b""] if marks else []

    expected = b"h,p\n" + b"".join(line + b"\n" for part in parts for line in part)
    assert b"".join(header_once(chunks(marks=True))) == expected
    assert b"".join(without_later_headers(chunks(marks=False))) == expected


def test_a_header_names_the_inputs_columns_and_the_predictions_under_names_of_their_own() -> None:
    shape = RowShape(["", "species"], ["species", "score"])
    writer = DelimitedWriter(shape, RowStyle(explain=True, header=True), "iris_model")
    assert writer.header == b",species,iris_model_species,score,error_type,error_message"


# Whole runs

ROWS = 'n;note\n1;"a\nü"\nNA;b\n3,5;=c\n'


@pytest.fixture(params=["inline", "local"])
def job(request: pytest.FixtureRequest, tmp_path: Path) -> LocalJob:
    """Give the job on each of the two local runners."""
    options = (
        "-r",
        request.param,
        "--model_qualified_name",
        "obedient",
        "--quiet",
        "--input_protocol",
        "csv",
    )
    return LocalJob(tmp_path, options)


@pytest.mark.measured
def test_a_run_reads_and_writes_a_dialect(job: LocalJob) -> None:
    dialect = [
        "--delimiter",
        ";",
        "--decimal",
        ",",
        "--encoding",
        "utf-16",
        "--quoted_newlines",
        "--null_values",
        "NA",
    ]
    (job.directory / "in.csv").write_bytes(ROWS.encode("utf-16"))
    arguments = (*dialect, "--output_protocol", "csv", "--header", "--on_error", "explain")
    ended = job.run(*arguments, "in.csv")
    assert ended.code == 0, ended.errors
    rows = list(csv.reader(io.StringIO(ended.output.decode(), newline=""), delimiter=";"))
    assert rows[0][:2] == ["n", "note"]
    assert [row[:2] for row in rows[1:]] == [["1", "a\nü"], ["NA", "b"], ["3,5", "'=c"]]
    assert rows[2][-2] == "KeyError"
    again = job.run(*arguments, stdin=ROWS.encode("utf-16"))
    assert again.output == ended.output, again.errors
    by_name = LocalJob(job.directory, ("--model_qualified_name", "obedient", "--quiet"))
    assert by_name.run(*arguments, "in.csv").output == ended.output
    isolated = job.run(*arguments, "--isolate", "always", "--output-dir", "out", "in.csv")
    assert isolated.code == 0, isolated.errors
    assert output_of(job.directory / "out") == ended.output


@pytest.mark.measured
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-r", "spark", "--encoding", "utf-16"), "can only be read from its start"),
        (("-r", "spark", "--quoted_newlines"), "can only be read from its start"),
        (("--header",), "--header is for csv and tsv output"),
        (
            ("--input_protocol", "ldjson", "--encoding", "latin-1"),
            "--encoding latin-1 is for csv and tsv input",
        ),
        (("--input_protocol", "tsv", "--delimiter", ";"), "neither input nor output is csv"),
    ],
)
def test_an_option_that_can_not_be_followed_is_refused_in_one_line(
    tmp_path: Path, arguments: Any, words: str
) -> None:
    job = LocalJob(tmp_path, ("--model_qualified_name", "obedient", "--input_protocol", "csv"))
    (tmp_path / "in.csv").write_text("n\n1\n")
    ended = job.run(*arguments, "in.csv")
    assert ended.code == 1
    assert words in ended.errors
    assert ended.errors.count("\n") == 1
