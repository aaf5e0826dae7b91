"""Rows of text: csv and tsv out."""

import csv
import io
import json
import re
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_mapreduce_job.formats.cells import (
    escaped,
    is_exact_number,
    is_finite_number,
    json_number,
    neutralised_formula,
)
from model_mapreduce_job.formats.delimited_writer import DelimitedWriter, RowShape, RowStyle
from model_mapreduce_job.formats.records import Failure
from model_mapreduce_job.formats.rows import Dialect, join_row, split_row

IRIS = RowShape(["id", "x"], ["species", "score"])


def written(key: bytes, prediction: Any, shape: RowShape = IRIS, *, explain: bool = False) -> bytes:
    (line,) = DelimitedWriter(shape, RowStyle(explain=explain)).write([key], [prediction])
    return line


BAD = Failure("ValueError", "it's bad, \ud800")


@pytest.mark.parametrize(
    ("key", "prediction", "line"),
    [
        (b'{"x": 1.10, "id": 7}', b'{"species": "setosa", "score": 0.5}', b"7,1.10,setosa,0.5"),
        (b'{"x": 1, "more": 2}', b'{"score": null}', b",1,,"),
        (b'{"x": [1, 2], "id": {"a": "b"}}', b'{"species": true}', b'"{""a"": ""b""}","[1, 2]",true,'),
        (b'"not json"', BAD, b"not json,,,"),
        (b'{"id": "a,\\n\\"b\\""}', b"5", rb'"a,\n""b""",,5,'),
        (b'{"id": "\\u2028\\u0000"}', b"5", "\u2028\x00,,5,".encode()),
        (b'{"id": "x", "x": "\\ud800"}', b"[1]", rb"x,\ud800,[1],"),
        (b'{"id": "=1+1"}', b'{"species": "@cmd"}', b"'=1+1,,'@cmd,"),
    ],
)
def test_a_row_has_the_inputs_values_and_then_the_predictions(key: Any, prediction: Any, line: bytes) -> None:
    assert written(key, prediction) == line


def test_a_row_explains_a_failure_on_request() -> None:
    assert written(b'{"x": 1}', BAD, explain=True) == b',1,,,ValueError,"it\'s bad, \\ud800"'
    assert written(b'{"x": 1}', b'{"score": 2}', explain=True) == b",1,,2,,"


def test_without_columns_a_document_is_one_cell() -> None:
    assert written(b'{"x": 1}', b'"setosa"', RowShape()) == b'"{""x"": 1}",setosa'


def test_keys_and_predictions_that_do_not_pair_are_refused() -> None:
    with pytest.raises(ValueError, match="pair"):
        DelimitedWriter(IRIS, RowStyle()).write([b"1"], [])


@pytest.mark.parametrize(
    "cell",
    [
        "=1",
        "+a",
        "-a",
        "@a",
        "\ta",
        "\ra",
        "=",
        "+",
        "-",
        "\n=1",
        "\uff1d1",
        "\uff0ba",
        "\uff0da",
        "\uff20a",
        "+-1",
        "-1+1",
        "--1",
        "+49 30 123",
        "-1,5",
    ],
)
def test_what_a_spreadsheet_would_run_is_made_inert(cell: str) -> None:
    assert neutralised_formula(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["-1", "+1", "-1.5e-7", "-.5", "1=1", "a", "", "'=1", "1", " =1", "-1e400"])
def test_numbers_and_plain_text_stay_as_they_are(cell: str) -> None:
    assert neutralised_formula(cell) == cell


CELLS = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n")), min_size=1)


@pytest.mark.parametrize("delimiter", [",", "\t"])
@given(cells=CELLS)
@settings(deadline=None, max_examples=300)
def test_a_row_reads_back_as_the_cells_that_it_was_written_from(cells: Any, delimiter: str) -> None:
    line = join_row(cells, delimiter)
    if not line.isspace() and not line.decode().isspace():
        assert split_row(line.decode(), delimiter) == cells


@pytest.mark.parametrize("delimiter", [",", "\t"])
@given(cells=st.lists(st.text(st.sampled_from('a1", \t;\x00é'), max_size=4), min_size=1, max_size=4))
@settings(deadline=None, max_examples=300)
def test_cells_are_quoted_as_the_standard_library_does(cells: Any, delimiter: str) -> None:
    row = io.StringIO()
    csv.writer(row, delimiter=delimiter, lineterminator="").writerow(cells)
    assert join_row(cells, delimiter) == row.getvalue().encode()


TEXTS = st.text(st.sampled_from("\\\\nr\n\ra,"), max_size=9)


@given(cell=TEXTS)
@settings(deadline=None, max_examples=500)
def test_a_line_end_inside_a_cell_is_an_escape_that_reads_back(cell: str) -> None:
    text = escaped(cell)
    assert "\n" not in text
    assert "\r" not in text
    ends = {"\\n": "\n", "\\r": "\r", "\\\\": "\\"}
    assert re.sub(r"\\[\\nr]", lambda found: ends[found[0]], text) == cell


@pytest.mark.parametrize("cell", ["C:\\data", "a\\", "\\d+", "é"])
def test_a_backslash_that_is_no_escape_stays(cell: str) -> None:
    assert escaped(cell) == cell


def test_line_ends_stay_in_quotes_on_request() -> None:
    rows = DelimitedWriter(IRIS, RowStyle(Dialect(quoted_newlines=True)))
    (row,) = rows.write([b'{"id": "a\\nb", "x": "=1\\r"}'], [b'{"species": "\\n=1", "score": 1}'])
    (cells,) = csv.reader(io.StringIO(row.decode(), newline=""))
    assert cells == ["a\nb", "'=1\r", "'\n=1", "1"]


def checked(prediction: bytes, required: Any = ()) -> Any:
    shape = RowShape(["x"], ["species", "score"], frozenset(required))
    return DelimitedWriter(shape, RowStyle()).checked([prediction])[0]


@pytest.mark.parametrize(
    ("prediction", "required"),
    [
        (b'{"probability": 0.5}', ()),
        (b'{"species": "a", "score": 1, "more": 2}', ()),
        (b"{}", ["species"]),
        (b'{"score": 1}', ["species", "score"]),
    ],
)
def test_a_prediction_whose_fields_are_not_the_columns_is_a_failure_that_names_both(
    prediction: bytes, required: Any
) -> None:
    failure = checked(prediction, required)
    assert failure.kind == "PredictionError"
    assert "output_schema has species, score" in failure.message
    assert all(name in failure.message for name in json.loads(prediction))


@pytest.mark.parametrize("prediction", [b'{"score": 1}', b"{}", b"5", b'"a"', b'{"score": "\\ud800"}', BAD])
def test_a_prediction_that_fits_the_columns_stays(prediction: Any) -> None:
    assert checked(prediction) is prediction


def test_without_columns_of_the_prediction_any_fits() -> None:
    assert DelimitedWriter(RowShape(["x"]), RowStyle()).checked([b'{"a": 1}']) == [b'{"a": 1}']


@pytest.mark.parametrize("cell", ["-" + "1" * 200_000 + "x", "+" + "1" * 200_000, "=" * 200_000])
def test_a_long_cell_takes_time_in_proportion_to_its_length(cell: str) -> None:
    started = process_time()
    assert neutralised_formula(cell).endswith(cell)
    json_number(cell)
    is_exact_number(cell)
    is_finite_number(cell)
    assert process_time() - started < 2
