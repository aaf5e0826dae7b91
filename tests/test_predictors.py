"""Records into outcomes: whole batches where they can be, one record where one is bad."""

import errno
import json
import math
from asyncio import CancelledError
from typing import Any

import numpy as np
import pytest
from fakes import (
    Answers,
    AnswersErrorsFor,
    AnswersNumpy,
    Doubler,
    DoublesOneByOne,
    IsRandom,
    LeavesTheProcess,
    OutOfMemoryOver,
    RaisesOn,
    ReversesItsAnswers,
    Table,
    numbers,
    records_of,
    twice,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from model_mapreduce_job.exceptions import MachineFaultError, ModelContractError
from model_mapreduce_job.formats.records import Failure
from model_mapreduce_job.pipeline.batch_sizing import BatchSizer
from model_mapreduce_job.pipeline.predictors import predictor_for


def predict(model: Any, records: list[Any], sizer: Any = None) -> Any:
    return plain(predictor_for(model, sizer or BatchSizer()).predict(records_of(*records)))


def plain(texts: list[Any]) -> list[Any]:
    return [text if isinstance(text, Failure) else json.loads(text) for text in texts]


def doubled(*values: Any) -> Any:
    return list(map(twice, numbers(*values)))


def test_a_model_that_can_gets_the_whole_batch_at_once() -> None:
    model = Doubler()
    assert predict(model, numbers(*range(100))) == doubled(*range(100))
    assert 100 in model.batch_sizes


def test_a_model_without_predict_batch_gets_record_by_record() -> None:
    assert predict(DoublesOneByOne(), numbers(1, -2, 3)) == [
        {"twice": 2},
        Failure("ValueError", "-2 is negative"),
        {"twice": 6},
    ]


@pytest.mark.parametrize("model", [Doubler(), DoublesOneByOne()])
def test_no_records_make_no_call(model: Any) -> None:
    assert predict(model, []) == []
    assert getattr(model, "batch_sizes", []) == []


@given(st.lists(st.integers(0, 9), max_size=40), st.sets(st.integers(0, 9)))
@settings(deadline=None)
def test_only_the_records_that_raise_fail_wherever_they_stand(values: Any, bad: Any) -> None:
    expected = [Failure("ValueError", f"{x} is bad") if x in bad else {"twice": 2 * x} for x in values]
    assert predict(RaisesOn(*bad), numbers(*values)) == expected


def test_one_bad_record_among_many_is_found_by_bisecting() -> None:
    model = RaisesOn(700)
    predict(model, numbers(*range(1024)))
    assert model.calls <= 2 * math.log2(1024) + 4


@pytest.mark.parametrize(
    "error",
    [ValueError, SystemExit, RecursionError, AssertionError, StopIteration, GeneratorExit, CancelledError],
)
def test_whatever_a_record_raises_it_costs_only_itself(error: type[BaseException]) -> None:
    outcomes = predict(RaisesOn(2, error=error), numbers(1, 2, 3))
    assert outcomes == [{"twice": 2}, Failure(error.__name__, "2 is bad"), {"twice": 6}]


def test_a_model_that_leaves_the_process_does_not() -> None:
    assert predict(LeavesTheProcess(), numbers(-1, 1)) == [Failure("SystemExit", "negative"), {"twice": 2}]


def test_ctrl_c_ends_the_task() -> None:
    with pytest.raises(KeyboardInterrupt):
        predict(RaisesOn(2, error=KeyboardInterrupt), numbers(1, 2))


def test_want_of_memory_halves_the_batch_and_goes_on() -> None:
    model, sizer = OutOfMemoryOver(10), BatchSizer(64)
    assert predict(model, numbers(*range(64)), sizer) == doubled(*range(64))
    assert sizer.size == 8
    assert predict(model, numbers(*range(8)), sizer) == doubled(*range(8))
    assert model.batch_sizes.count(8) == 9


@pytest.mark.parametrize(
    "model", [OutOfMemoryOver(0), RaisesOn(1, error=lambda _: OSError(errno.EMFILE, "x"))]
)
def test_a_fault_of_the_machine_is_no_failure_of_a_record_alone(model: Any) -> None:
    with pytest.raises(MachineFaultError):
        predict(model, numbers(1))


def test_exceptions_among_the_answers_are_failures() -> None:
    assert predict(AnswersErrorsFor(2), numbers(1, 2)) == [{"twice": 2}, Failure("ValueError", "2 is bad")]


def test_arrays_of_numpy_become_lists_of_numbers() -> None:
    assert predict(AnswersNumpy(), numbers(1, 2)) == [2.0, 4.0]


@pytest.mark.parametrize(
    ("answer", "outcomes"),
    [
        (tuple, [{"x": 1}, {"x": 2}]),
        (lambda records: np.array([[r["x"], 0] for r in records]), [[1, 0], [2, 0]]),
        (lambda records: np.array([r["x"] for r in records], dtype=object), [1, 2]),
    ],
)
def test_answers_may_be_tuples_and_arrays(answer: Any, outcomes: Any) -> None:
    assert predict(Answers(answer), numbers(1, 2)) == outcomes


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda records: records[:-1], "answered 1 result for 2 records"),
        (lambda records: [*records, None], "answered 3 results for 2 records"),
        (lambda _: [], "answered 0 results for 2 records"),
        (lambda records: np.zeros(len(records) + 1), "answered 3 results for 2 records"),
        (lambda records: dict(enumerate(records)), "answered a dict"),
        (lambda records: Table(len(records)), "answered a Table"),
        (lambda records: (record for record in records), "answered a generator"),
        (lambda _: np.float64(1), "answered a float64"),
        (lambda _: np.array(1), "answered a ndarray"),
        (lambda _: "ab", "answered a str"),
        (lambda _: {1, 2}, "answered a set"),
        (lambda _: None, "answered a NoneType"),
    ],
)
def test_answers_that_are_not_one_for_each_record_end_the_task_with_a_clear_message(
    answer: Any, words: Any
) -> None:
    with pytest.raises(ModelContractError, match=rf"^Answers\.predict_batch {words}") as refused:
        predict(Answers(answer), numbers(1, 2))
    assert "one" in str(refused.value)


def checked(model: Any, *batches: Any) -> Any:
    predictor = predictor_for(model, BatchSizer())
    for batch in batches:
        predictor.predict(records_of(*numbers(*batch)))
    return predictor.check_batches()


def test_answers_in_another_order_end_the_task_with_both_orders() -> None:
    with pytest.raises(
        ModelContractError, match=r'another order .* \{"twice": 6.*\}, \{"twice": 4.*\}, .* one at a time'
    ):
        checked(ReversesItsAnswers(), (1, 2, 3))


def test_answers_in_another_order_are_found_by_the_first_batch_that_can_tell() -> None:
    assert checked(ReversesItsAnswers(), (5,), (7, 8, 7)) == ""
    with pytest.raises(ModelContractError):
        checked(ReversesItsAnswers(), (5,), (7, 8, 7), range(100), (1, 1))


def test_a_model_is_asked_nothing_but_its_batches_while_answers_are_wanted() -> None:
    model = Doubler()
    predictor = predictor_for(model, BatchSizer())
    predictor.predict(records_of(*numbers(1, 2, 3)))
    predictor.predict(records_of(*numbers(4, 5)))
    assert predictor.check_batches() == predictor.check_batches() == ""
    assert model.batch_sizes == [3, 2]


def test_a_model_that_answers_something_else_each_time_is_no_proof_of_another_order() -> None:
    assert checked(IsRandom(), (1, 2, 3)) == ""


def test_a_model_that_raises_on_a_record_alone_answers_by_the_batch() -> None:
    def answer(records: list[Any]) -> Any:
        if len(records) == 1:
            raise ValueError("needs company")
        return records

    assert "ValueError: needs company alone" in checked(Answers(answer), (1, 2))


def test_a_model_that_scales_by_the_batch_is_found_and_the_record_shown() -> None:
    def answer(records: list[Any]) -> Any:
        return [r["x"] / max(r["x"] for r in records) for r in records]

    assert "a record came out as 0.25 among others, as 1.0 alone" in checked(Answers(answer), (1, 2, 4))


def test_a_model_whose_answers_differ_by_rounding_does_not_answer_by_the_batch() -> None:
    def answer(records: list[Any]) -> Any:
        return [r["x"] + (1e-9 if len(records) > 1 else 0) for r in records]

    assert checked(Answers(answer), (1, 2, 3)) == ""


def test_a_batch_of_any_size_is_checked_by_a_few_records_and_an_honest_model_is_asked_two() -> None:
    class Sessions(Doubler):
        """Can't be copied whole, as what holds a session or a lock can't."""

        def __reduce_ex__(self, _protocol: Any) -> Any:
            raise TypeError("a session")

    model = Sessions()
    assert checked(model, range(1000), (1, 2)) == ""
    assert model.batch_sizes == [1000, 2, 1, 1]
    with pytest.raises(ModelContractError):
        checked(ReversesItsAnswers(), range(1000))
