"""A model's objects may raise, lie or leave wherever they're touched: that costs their own record."""

from __future__ import annotations

import itertools
import json
import os
import signal
from asyncio import CancelledError
from typing import Any

import pytest
from fakes import Answers, as_model
from hypothesis import given, settings
from hypothesis import strategies as st
from test_pipeline import output_of, task_of

from model_mapreduce_job.exceptions import MachineFaultError
from model_mapreduce_job.formats.encoding import prediction_texts
from model_mapreduce_job.formats.records import Failure

MEMBERS = [
    "__repr__",
    "__str__",
    "__len__",
    "__iter__",
    "__getitem__",
    "__eq__",
    "__hash__",
    "__bool__",
    "__getattr__",
    "__getattribute__",
    "__index__",
    "__float__",
    "__reduce_ex__",
    "__copy__",
    "__deepcopy__",
    "tolist",
    "to_dict",
    "to_list",
    "to_pylist",
    "to_dicts",
    "dict",
    "model_dump",
    "as_py",
    "columns",
    "dtype",
    "shape",
    "isoformat",
    "value",
    "get_secret_value",
    "__array__",
    "_fields",
    "items",
    "keys",
    "values",
    "__dataclass_fields__",
    "__attrs_attrs__",
    "__pydantic_serializer__",
    "model_config",
    "__fields__",
    "nanosecond",
]
RAISED = [
    ValueError, KeyError, TypeError, AttributeError, StopIteration, GeneratorExit, SystemExit, CancelledError,
    BaseException, RecursionError,
]  # fmt: skip
BASES = [object, str, int, float, bytes, list, tuple, dict, set, frozenset]


def hostile(base: Any, members: list[str], error: Any) -> Any:
    """Return an object that raises in the members named, and that lies about its class."""

    def raise_it(*_: Any, **__: Any) -> Any:
        raise error("hostile")

    body: dict[str, Any] = dict.fromkeys(members, raise_it)
    body["__class__"] = property(raise_it)
    made = type("Hostile", (base,), {**body, "__new__": base.__new__} if base is object else body)
    return base.__new__(made)


def nested(thing: Any) -> list[Any]:
    return [thing, [thing], {"a": thing}, {"a": [1, {"b": thing}]}, (thing, 2)]


@given(
    st.sampled_from(BASES),
    st.lists(st.sampled_from(MEMBERS), max_size=8, unique=True),
    st.sampled_from(RAISED),
    st.integers(0, 4),
)
@settings(deadline=None, max_examples=400)
def test_an_answer_that_raises_wherever_it_is_touched_costs_its_record_alone(
    base: Any, members: list[str], error: Any, place: int
) -> None:
    answer = nested(hostile(base, members, error))[place]
    ordinary = [{"x": number} for number in range(30)]
    texts = prediction_texts([*ordinary, answer, *ordinary])
    expected = [b'{"x": %d}' % number for number in range(30)]
    assert texts[:30] == texts[31:] == expected
    assert isinstance(texts[30], Failure) or json.loads(texts[30]) is not Ellipsis
    assert texts[30] == prediction_texts([answer])[0]


@pytest.mark.parametrize("error", [*RAISED, KeyboardInterrupt])
def test_whatever_predict_raises_fails_its_record(error: Any) -> None:
    def answer(records: list[Any]) -> Any:
        if 2 in records:
            raise error("mine")
        return records

    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as in a worker
    try:
        lines = output_of(task_of(as_answers(answer)), [b"1", b"2", b"3"])
    finally:
        signal.signal(signal.SIGINT, before)
    assert lines == [b"1\t1", b"2\tnull", b"3\t3"]


def as_answers(answer: Any) -> Any:
    model = Answers(answer)
    model.input_schema = None  # type: ignore[attr-defined]  # a fake's members are its own
    return model


@pytest.mark.parametrize("error", RAISED)
def test_whatever_a_validator_raises_fails_its_record_and_every_loop_ends(error: Any) -> None:
    class Picky:
        """A validator that doesn't like twos."""

        @staticmethod
        def validate(data: Any) -> Any:
            if data == 2:
                raise error
            return data

    class Model(Answers):
        """Takes what the validator lets through."""

        input_schema = Picky

    task = task_of(Model(lambda records: records))
    assert output_of(task, [b"2", b"1", b"2", b"2", b"3"]) == [
        b"2\tnull",
        b"1\t1",
        b"2\tnull",
        b"2\tnull",
        b"3\t3",
    ]
    assert task.report.counters.failed == 3


class EndlessList(list[Any]):
    """Says that it goes on without end."""

    def __iter__(self) -> Any:
        return itertools.count()

    def __len__(self) -> int:
        return 7


def test_a_list_is_what_it_holds_and_not_what_it_says() -> None:
    assert output_of(task_of(as_answers(EndlessList)), [b"1", b"2"]) == [
        b"1\t1",
        b"2\t2",
    ]
    assert prediction_texts([EndlessList([1, {2}])]) == [b"[1, [2]]"]


@as_model
class Forks:
    """Forks, and lets the copy come back, or leave."""

    input_schema = output_schema = None

    def __init__(self, leave: Any) -> None:
        self.leave = leave

    def predict(self, _data: Any) -> Any:
        child = os.fork()
        if child == 0:
            self.leave()
            return "a copy's"
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def leaves_with(code: Any) -> Any:
    def leave() -> None:
        raise SystemExit(code)

    return leave


def raises() -> None:
    raise ValueError("in the copy")


@pytest.mark.parametrize(
    ("leave", "code"),
    [(lambda: None, 0), (leaves_with(None), 0), (leaves_with(3), 3), (leaves_with("no"), 1), (raises, 1)],
)
def test_a_forked_copy_of_the_process_never_goes_on_as_a_twin(leave: Any, code: int) -> None:
    assert output_of(task_of(Forks(leave)), [b"1"]) == [b"1\t%d" % code]


@pytest.mark.parametrize("alone", [False, True])
def test_a_record_that_memory_does_not_suffice_for_fails_only_alone_in_a_fresh_process(
    *, alone: bool
) -> None:
    @as_model
    class Hungry:
        """Wants more memory than there is."""

        input_schema = output_schema = None

        def predict(self, _data: Any) -> Any:
            raise MemoryError("Unable to allocate 8 TiB")

    task = task_of(Hungry(), explain=True, fresh_and_alone=alone)
    if alone:
        assert (
            b'"message": "Unable to allocate 8 TiB", "at": "test_hostile_objects.py:'
            in output_of(task, [b"1"])[0]
        )
    else:
        with pytest.raises(MachineFaultError, match="MemoryError: Unable to allocate 8 TiB"):
            output_of(task, [b"1"])
