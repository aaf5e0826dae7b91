"""The core: lines in, lines with predictions out, and every one of them counted."""

import io
from typing import Any

import pytest
from fakes import (
    Answers,
    AnswersErrorsFor,
    Doubler,
    Echoes,
    OutOfMemoryOver,
    RaisesOn,
    ReversesItsAnswers,
    lines_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from pipelines import pipeline_of

from model_mapreduce_job.exceptions import ModelContractError, TooManyFailuresError
from model_mapreduce_job.formats.lines import read_blocks
from model_mapreduce_job.formats.records import Failure, OverlongLine
from model_mapreduce_job.pipeline.pipeline import Pipeline


def task_of(model: Any, batch_size: int | None = None, *, explain: bool = False, **more: Any) -> Pipeline:
    return pipeline_of(model, batch_size, explain=explain, **more)


def output_of(task: Pipeline, *blocks: Any) -> list[bytes]:
    return [line for lines in task.predict_lines(blocks) for line in lines]


def test_each_line_comes_out_with_its_prediction_in_order() -> None:
    assert output_of(task_of(Doubler()), lines_of(1.5, 2)) == [
        b'{"x":1.5}\t{"twice": 3.0}',
        b'{"x":2}\t{"twice": 4.0}',
    ]


def test_a_failed_record_has_a_null_prediction() -> None:
    assert output_of(task_of(RaisesOn(2)), [b'{"x": 2}', b'{"x": "a"}', b"?"]) == [
        b'{"x": 2}\tnull',
        b'{"x": "a"}\tnull',
        b'"?"\tnull',
    ]


def test_a_failed_record_is_explained_on_request() -> None:
    lines = output_of(task_of(RaisesOn(2), explain=True), [b'{"x": 2}', b'{"x": "a"}', b"?"])
    assert [line.partition(b"\t")[2] for line in lines] == [
        b'{"error": {"type": "ValueError", "message": "2.0 is bad", "at": "fakes.py:102"}}',
        b'{"error": {"type": "ValidationError", "message": "Expected `float`, got `str` - at `$.x`"}}',
        b'{"error": {"type": "DecodeError", "message": "JSON is malformed: invalid character (byte 0)"}}',
    ]


def test_every_line_is_counted_as_one_thing() -> None:
    task = task_of(AnswersErrorsFor(3))
    output_of(task, [b'{"x": 1}', b"", b'{"x": 3}'], OverlongLine(b"{"), [b" ", b"?", b'{"x": 2}'])
    counters = task.report.counters
    assert (counters.lines, counters.predicted, counters.failed, counters.blank, counters.headers) == (
        7,
        2,
        3,
        2,
        0,
    )
    assert counters.reasons == {"ValueError": 1, "OverlongLine": 1, "DecodeError": 1}
    assert counters.batches == 2
    assert counters.predict_ns > 0


def test_an_overlong_line_is_a_failure_in_its_place_that_shows_its_beginning() -> None:
    task = task_of(Doubler(), explain=True)
    data = b'{"x": 1}\n{"x": "' + b"9" * 2000 + b'\xff"}\n{"x": 2}'
    lines = output_of(task, *read_blocks(io.BytesIO(data), 1000))
    assert lines[0] == b'{"x": 1}\t{"twice": 2.0}'
    assert lines[1] == rb'"{\"x\": \"' + b"9" * 249 + (
        b'..."\t{"error": {"type": "OverlongLine", "message": "The line is longer than --max_record_bytes"}}'
    )
    assert lines[2] == b'{"x": 2}\t{"twice": 4.0}'


@pytest.mark.parametrize("line", [b'{"x": 1}', b'\xef\xbb\xbf{"x": 1}\r'])
def test_a_line_that_is_known_to_fail_comes_out_as_if_it_had_failed_here(line: bytes) -> None:
    task = task_of(Doubler(), explain=True)
    assert [*task.fail([line], Failure("Lost", "gone"))] == [
        b'{"x": 1}\t{"error": {"type": "Lost", "message": "gone"}}'
    ]
    assert (task.report.counters.lines, task.report.counters.failed) == (1, 1)


def test_an_answer_that_is_no_json_costs_only_its_record() -> None:
    task = task_of(Answers(lambda records: [float("nan") if r["x"] == 2 else r["x"] for r in records]))
    assert output_of(task, lines_of(1, 2, 3)) == [b'{"x":1}\t1.0', b'{"x":2}\tnull', b'{"x":3}\t3.0']
    assert task.report.counters.reasons == {"PredictionError": 1}


def test_a_model_that_breaks_its_contract_ends_the_task() -> None:
    with pytest.raises(ModelContractError, match="answered 0 results for 2 records"):
        output_of(task_of(Answers(lambda _: [])), lines_of(1, 2))
    with pytest.raises(ModelContractError, match="another order"):
        output_of(task_of(ReversesItsAnswers()), lines_of(1, 2))


def test_a_pinned_size_is_the_size_of_each_batch() -> None:
    model = Doubler()
    output_of(task_of(model, 10), lines_of(*range(25)), lines_of(*range(25)))
    assert [size for size in model.batch_sizes if size > 1] == [10] * 5


def test_batches_grow_while_that_pays() -> None:
    model = Echoes()
    task = task_of(model)
    output_of(task, *[[b"1"] * 1000] * 20)
    assert task.sizer.size > 16
    assert task.report.counters.predicted == 20_000


def test_want_of_memory_makes_the_batches_that_follow_smaller() -> None:
    model = OutOfMemoryOver(10)
    task = task_of(model, 64)
    assert len(output_of(task, lines_of(*range(640)))) == 640
    assert task.report.counters.failed == 0
    assert max(model.batch_sizes[20:]) <= 8


BAD = [b"?"] * 10


def test_a_task_whose_first_thousand_records_all_fail_ends_early_with_the_reason() -> None:
    task = task_of(Doubler(), 10)
    told = (
        r"The first 1,000 records of the input all failed, most of them with DecodeError: JSON is malformed"
    )
    with pytest.raises(TooManyFailuresError, match=told):
        output_of(task, *[BAD] * 10_000)


def test_a_task_whose_first_failures_are_fewer_goes_on() -> None:
    task = task_of(Doubler(), 10)
    assert len(output_of(task, *[BAD] * 99, lines_of(1), *[BAD] * 200)) == 2991


def test_a_task_that_does_not_fail_fast_goes_on() -> None:
    assert len(output_of(task_of(Doubler(), fail_fast=False), *[BAD] * 200)) == 2000


def test_the_fingerprint_is_that_of_the_output_in_any_order_and_any_parts() -> None:
    lines = [*lines_of(*range(50)), b"?", b""]
    together = task_of(Doubler(), fingerprint=True)
    output_of(together, lines, OverlongLine(b"x"))
    apart = task_of(Doubler(), 1, fingerprint=True)
    output_of(apart, OverlongLine(b"x"), lines[::-1])
    assert together.report.counters.fingerprint == apart.report.counters.fingerprint != 0
    output_of(apart, lines_of(1))
    assert together.report.counters.fingerprint != apart.report.counters.fingerprint


LINES = st.lists(
    st.sampled_from([b"", b" ", b"?", b"\xff", b'{"x": "a"}', *lines_of(1, 2, 3, 4)]), max_size=60
)


@given(LINES, st.integers(1, 9))
@settings(deadline=None, max_examples=300)
def test_a_batch_gives_what_its_lines_give_one_at_a_time(lines: list[bytes], size: int) -> None:
    whole, single = task_of(AnswersErrorsFor(4), size), task_of(AnswersErrorsFor(4), 1)
    assert output_of(whole, lines) == [line for each in lines for line in output_of(single, [each])]
    for count in ("lines", "predicted", "failed", "blank", "reasons"):
        assert getattr(whole.report.counters, count) == getattr(single.report.counters, count)
    for kind, example in whole.report.examples.items():
        assert example.place is not None
        alone = task_of(AnswersErrorsFor(4), 1)
        output_of(alone, lines[example.place.line - 1 : example.place.line])
        assert list(alone.report.counters.reasons) == [kind]
