"""Lines of an earlier output: those with a prediction stay, and the rest is what a first run makes of it."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models.mending import BROKEN, Mending
from models.other import Other
from msgspec.structs import replace
from test_protocol_contract import HOSTILE

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.lines import read_blocks
from model_mapreduce_job.formats.records import OverlongLine
from model_mapreduce_job.formats.rows import join_row
from model_mapreduce_job.formats.table_format import TableRun
from model_mapreduce_job.formats.text_format import TextReader, TextWriter
from model_mapreduce_job.pipeline.batch_sizing import BatchSizer
from model_mapreduce_job.pipeline.pipeline import Pipeline
from model_mapreduce_job.pipeline.predictors import predictor_for
from model_mapreduce_job.task import several_models
from model_mapreduce_job.task.lanes import lane_of
from model_mapreduce_job.task.replays import replaying
from model_mapreduce_job.task.task_options import RunModel, TaskOptions
from model_mapreduce_job.task.text_protocols import reader_for, writer_for

if TYPE_CHECKING:
    from collections.abc import Sequence

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
TABLES = TableRun()
ON_ERROR = st.sampled_from(["null", "explain"])
CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0'"), max_size=6)


def pipeline(options: TaskOptions, models: Sequence[Any] = (Mending(),)) -> Pipeline:
    """Return a run of models as a task has it."""
    sizer = BatchSizer()
    more: dict[str, Any] = {}
    if len(models) == 1:
        reader: Any = TextReader(reader_for(models[0], options, lane_of(models[0])))
        writer: Any = TextWriter(writer_for(models[0], options))
        more["predictor"] = predictor_for(models[0], sizer)
    else:
        members = several_models.members_of(list(models), options, TABLES)
        reader = several_models.reader_of(
            members, options, lambda one: TextReader(reader_for(one.model, one.options, one.lane))
        )
        writer = several_models.writer_of(members, options, TABLES)
        more["predictor"] = more["several"] = several_models.predictor_of(members, sizer, int)
    if options.is_replay:
        reader = replaying(reader, models, options, writer.header)
    return Pipeline(reader=reader, writer=writer, sizer=sizer, fail_fast=False, **more)


def run(options: TaskOptions, lines: Sequence[bytes], *models: Any) -> tuple[list[bytes], Pipeline]:
    """Return the output of lines, and what has made it."""
    task = pipeline(options, models or (Mending(),))
    blocks = read_blocks(io.BytesIO(b"".join(line + b"\n" for line in lines)))
    return [line for batch in task.predict_lines(blocks) for line in batch], task


def replayed(
    options: TaskOptions, lines: Sequence[bytes], broken: pytest.MonkeyPatch, *models: Any
) -> tuple[list[bytes], Pipeline]:
    """Return the replay of what broken models have made of lines, and check what holds of any."""
    whole, _ = run(options, lines, *models)
    broken.setenv(BROKEN, "1")
    earlier, before = run(options, lines, *models)
    again = replace(options, is_replay=True)
    assert run(again, earlier, *models)[0] == earlier, "the same models give the same bytes"
    broken.delenv(BROKEN)
    output, task = run(again, earlier, *models)
    counters = task.report.counters
    assert counters.lines == len(earlier) == counters.answered == counters.records
    assert counters.kept <= before.report.counters.predicted
    assert output == whole, "mended ones give what a first run gives"
    return output, task


@pytest.fixture(params=["null", "explain"])
def options(request: pytest.FixtureRequest) -> TaskOptions:
    """Return the options of a run with this --on_error."""
    return TaskOptions(
        model_qualified_name="mending", on_error=request.param, no_fail_fast=True, max_record_bytes=1 << 20
    )


@pytest.mark.parametrize("protocol", ["json", "ldjson"])
def test_hostile_lines_are_what_a_first_run_makes_of_them(
    options: TaskOptions, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [b'{"n": %d}' % n for n in range(-3, 9)]
    lines = [*(line.replace(b'"x"', b'"n"') for line in HOSTILE), *records, b"  %b " % records[6]]
    _, task = replayed(replace(options, output_protocol=protocol), lines, monkeypatch)
    assert task.report.counters.kept


@settings(deadline=None, max_examples=20)
@given(
    st.lists(
        st.builds(lambda n, more: {"n": n, **more}, st.integers(-9, 9), st.dictionaries(st.text(), JSON))
    )
)
@pytest.mark.parametrize("on_error", ["null", "explain"])
@pytest.mark.parametrize("protocol", ["json", "ldjson"])
def test_any_records_are_what_a_first_run_makes_of_them(
    protocol: str, on_error: str, records: list[Any]
) -> None:
    lines = [json.dumps(record, ensure_ascii=False).encode(errors="surrogatepass") for record in records]
    options = TaskOptions(model_qualified_name="mending", output_protocol=protocol, on_error=on_error)
    with pytest.MonkeyPatch.context() as patch:
        replayed(options, lines, patch)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.tuples(st.integers(-9, 9) | CELLS, CELLS, CELLS), max_size=20), ON_ERROR, st.booleans())
@pytest.mark.parametrize("protocol", ["csv", "tsv", "json", "ldjson"])
def test_any_rows_are_what_a_first_run_makes_of_them(
    protocol: str, rows: list[Any], on_error: str, header: bool
) -> None:
    # of a row with nothing after its first cell an output says nothing more than of a line that is no row
    given_rows = [[str(n), text, other] for n, text, other in rows if text or other]
    lines = [join_row(cells, ",") for cells in given_rows]
    options = TaskOptions(
        model_qualified_name="mending",
        input_protocol="csv",
        output_protocol=protocol,
        columns="n,text,other",
        on_error=on_error,
        header=header and protocol in {"csv", "tsv"},
    )
    with pytest.MonkeyPatch.context() as patch:
        replayed(options, lines, patch)


@pytest.mark.parametrize("protocol", ["json", "ldjson", "csv"])
def test_of_several_models_a_record_that_one_has_failed_is_predicted_again_by_all(
    options: TaskOptions, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    several = (RunModel("mending"), RunModel("other"))
    rows = {"input_protocol": "csv", "columns": "n,text"} if protocol == "csv" else {}
    options = replace(options, model_qualified_name=None, several=several, output_protocol=protocol, **rows)
    lines = [b"%d,a%d" % (n, n) if rows else b'{"n": %d, "text": null}' % n for n in range(9)]
    lines = lines if rows else [line.replace(b"null", b'"a"') for line in lines]
    _, task = replayed(options, [*lines, b"no record, at all"], monkeypatch, Mending(), Other())
    assert (task.report.counters.kept, task.report.counters.predicted) == (3, 6)
    for own in task.report.models.values():
        assert (own.counters.kept, own.counters.predicted, own.counters.failed) == (3, 6, 1)


def test_what_a_spreadsheet_would_run_reaches_the_model_as_it_was(
    options: TaskOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = {"input_protocol": "csv", "output_protocol": "csv", "columns": "n,text"}
    output, _ = replayed(replace(options, **rows), [b"3,=a", b"3,@b", b'3,"-c, d"', b"6,-1"], monkeypatch)
    ends = b",," if options.on_error == "explain" else b""
    assert output == [
        line + ends for line in (b"3,'=a,6,'=a", b"3,'@b,6,'@b", b'3,"\'-c, d",6,"\'-c, d"', b"6,-1,12,-1")
    ]


def test_a_line_that_was_no_row_is_predicted_by_no_model(options: TaskOptions) -> None:
    """Not even where its text, which stands in the first cell, would make a record."""

    class Texts(Mending):
        input_schema = None

        def predict(self, data: Any) -> Any:
            return {"twice": 1, "text": str(data)}

    rows = {"input_protocol": "csv", "output_protocol": "csv", "columns": "n,text"}
    options = replace(options, **rows)
    lines = [b"3", b"1,2,3", b'"open', b"\xff,1"]
    earlier, _ = run(options, lines, Texts())
    output, task = run(replace(options, is_replay=True), earlier, Texts())
    assert output == earlier
    kinds = {"RowError", "UnicodeDecodeError"} if options.on_error == "explain" else {"NoRecord"}
    assert set(task.report.counters.reasons) == kinds


def test_a_row_of_nothing_but_separators_is_not_lost(options: TaskOptions) -> None:
    rows = {"input_protocol": "tsv", "output_protocol": "tsv", "columns": "n,text"}
    earlier, _ = run(replace(options, **rows), [b'""\t'])
    blank = [b"\t" * 3] if options.on_error == "null" else [earlier[0].removeprefix(b'""')]
    output, task = run(replace(options, is_replay=True, **rows), [*earlier, *blank])
    assert output == [*earlier, *blank]
    assert (task.report.counters.failed, task.report.counters.blank) == (2, 0)


def test_an_explained_output_is_replayed_without_reasons_and_the_other_way_round() -> None:
    options = TaskOptions(model_qualified_name="mending", on_error="explain")
    lines = [b'{"n": 1}', b'{"n": "a"}', b"none"]
    explained, plain = run(options, lines)[0], run(replace(options, on_error="null"), lines)[0]
    assert run(replace(options, on_error="null", is_replay=True), explained)[0] == plain
    back, _ = run(replace(options, is_replay=True), plain)
    assert back[:2] == explained[:2]
    assert back[2].startswith(b'"none"\t{"error": {"type": "NoRecord", ')


def test_lines_with_a_prediction_need_no_call_of_the_model() -> None:
    class Refuses(Mending):
        def predict(self, data: Any) -> Any:
            raise AssertionError(data)

    options = TaskOptions(model_qualified_name="mending")
    earlier, _ = run(options, [b'{"n": %d}' % n for n in range(100)])
    output, task = run(replace(options, is_replay=True), earlier, Refuses())
    assert output == earlier
    assert (task.report.counters.kept, task.report.counters.predicted) == (100, 0)


NO_LINES_OF_ITS_OUTPUT = {
    "json": {
        b'{"n": 1}': "it is no JSON, TAB, JSON",
        b'{"n": 1}\t{"twice": 2, "te': "it is no JSON, TAB, JSON",
        b'{"n": 1}\t{"other": 2}': "the model answers text, twice",
        b'{"text": "a"}\t{"twice": 2, "text": ""}': "the model needs n, which an output made with --key",
        b'{"n": 1}\t{"prediction": null, "stamp": {"model_name": "a"}}': "it has a stamp",
        b"": "it is no JSON, TAB, JSON",
    },
    "ldjson": {
        b'{"n": 1}': 'it has no "input"',
        b'{"input": {"n": 1}, "prediction": {"twice": 2': "it is no JSON",
        b'{"input": {"n": 1}, "output": 1}': "it has no input, prediction and error",
        b'{"input": {"n": 3}, "prediction": null, "error": null} ': "it is written in another way",
    },
    "csv": {
        b"1,a,2": "it has 3 cells, and with these options a row has 4",
        b'1,"a,2,': "A quoted cell is never closed",
        b"1,\xff,2,": "invalid start byte",
        b"": "it has 1 cell,",
        b"3,a,,\r": "it ends in CR",
    },
}


@pytest.mark.parametrize(
    ("protocol", "line", "words"),
    [(protocol, *pair) for protocol, lines in NO_LINES_OF_ITS_OUTPUT.items() for pair in lines.items()],
)
def test_a_line_of_another_output_ends_the_run(protocol: str, line: bytes, words: str) -> None:
    rows = {"input_protocol": "csv", "columns": "n,text"} if protocol == "csv" else {}
    options = TaskOptions(model_qualified_name="mending", output_protocol=protocol, is_replay=True, **rows)
    good, _ = run(replace(options, is_replay=False), [b"1,a" if rows else b'{"n": 1}'])
    with pytest.raises(InputError, match=words):
        run(options, [line])
    if words != "it has a stamp" and "the model" not in words:  # which the first line of a batch shows
        with pytest.raises(InputError, match=words):
            run(options, [*good, line])


def test_a_line_that_is_too_long_ends_the_run_for_it_may_have_a_prediction() -> None:
    task = pipeline(TaskOptions(model_qualified_name="mending", is_replay=True))
    with pytest.raises(InputError, match="longer than --max_record_bytes"):
        list(task.predict_lines([OverlongLine(b'{"n": 1, "text"')]))
