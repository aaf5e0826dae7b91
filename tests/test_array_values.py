"""Arrays and tables of the libraries that models use."""

from typing import Any

import numpy as np
import pytest

from model_mapreduce_job.formats.array_values import rows_of
from model_mapreduce_job.formats.encoding import prediction_texts


def texts(answers: Any) -> Any:
    rows = rows_of(answers)
    return None if rows is None else prediction_texts(rows)


def test_a_record_array_has_a_dict_for_each_row() -> None:
    rows = np.array([("a", 1.5), ("b", 2.0)], dtype=[("label", "U1"), ("p", "f8")])
    assert texts(rows) == [b'{"label": "a", "p": 1.5}', b'{"label": "b", "p": 2.0}']
    assert texts(rows.view(np.recarray)) == texts(rows)


def test_times_have_a_text_for_each_row() -> None:
    assert texts(np.array(["2020-01-02", "NaT"], dtype="M8[ns]")) == [
        b'"2020-01-02T00:00:00.000000000"',
        b"null",
    ]


@pytest.mark.parametrize("answers", [None, 1, "ab", {"a": 1}, {1, 2}, iter([1]), np.float64(1), np.array(1)])
def test_what_is_no_list_array_or_table_has_no_rows(answers: Any) -> None:
    assert rows_of(answers) is None


def test_frames_and_series_of_pandas_keep_their_names() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"label": ["a", "b"], "at": pandas.to_datetime(["2020-01-02", None])})
    expected = [b'{"label": "a", "at": "2020-01-02T00:00:00"}', b'{"label": "b", "at": null}']
    assert texts(frame) == expected
    assert texts([row for _, row in frame.iterrows()]) == expected
    assert texts(list(frame.itertuples(index=False))) == expected
    assert texts(frame["label"]) == [b'"a"', b'"b"']
    assert texts([pandas.Timedelta("1 days 90 s"), pandas.NA, pandas.NaT]) == [b'"P1DT90S"', b"null", b"null"]


def test_arrays_and_tables_of_arrow_are_rows() -> None:
    arrow = pytest.importorskip("pyarrow")
    table = arrow.table({"a": [1, None], "b": ["x", "y"]})
    assert texts(table) == [b'{"a": 1, "b": "x"}', b'{"a": null, "b": "y"}']
    assert texts(table["b"]) == texts(arrow.array(["x", "y"])) == [b'"x"', b'"y"']
    assert texts(list(table["a"])) == [b"1", b"null"]
