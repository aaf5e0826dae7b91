"""Predictions as JSON text."""

import datetime as dt
import decimal
import ipaddress
import json
import math
import os
import subprocess
import sys
import uuid
from collections import OrderedDict, defaultdict
from dataclasses import dataclass
from enum import Enum, IntEnum
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import attrs
import msgspec
import numpy as np
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import v1
from pydantic.dataclasses import dataclass as pydantic_dataclass

from model_mapreduce_job.formats.encoding import prediction_texts
from model_mapreduce_job.formats.records import Failure


class Answer(pydantic.BaseModel):
    score: float = pydantic.Field(alias="the score")
    more: Any = None
    model_config = pydantic.ConfigDict(populate_by_name=True)


class OlderAnswer(v1.BaseModel):
    score: float


@dataclass
class Point:
    x: Any


@dataclass
class DataclassError(Exception):
    x: int = 1


class Packed(msgspec.Struct):
    x: Any


class Colour(Enum):
    RED = "red"


class Pair(NamedTuple):
    a: int
    b: int


def text_of(prediction: Any) -> Any:
    (text,) = prediction_texts([prediction])
    return text


@pytest.mark.parametrize(
    ("prediction", "text"),
    [
        ({"species": "setosa"}, b'{"species": "setosa"}'),
        ({"a": [1, 2.5, {"b": []}], "c": {}}, b'{"a": [1, 2.5, {"b": []}], "c": {}}'),
        ("null", b'"null"'),
        (None, b"null"),
        ({"a": None, "b": "é"}, '{"a": null, "b": "é"}'.encode()),
        ('"\n\t\\\x00\u2028\x7f', '"\\"\\n\\t\\\\\\u0000\u2028\x7f"'.encode()),
        (True, b"true"),
        (-0.0, b"-0.0"),
        (2**70, b"1180591620717411303424"),
        ([2**70, None], b"[1180591620717411303424, null]"),
        ([1.7e308, None], b"[1.7e308, null]"),
        (1e22, b"1e22"),
        ((1, 2), b"[1, 2]"),
        (Pair(1, 2), b'{"a": 1, "b": 2}'),
        ({3}, b"[3]"),
        (b"\xff", b'"/w=="'),
        (decimal.Decimal("1.10"), b'"1.10"'),
        (dt.datetime(2020, 1, 2, tzinfo=dt.UTC), b'"2020-01-02T00:00:00Z"'),
        (dt.date(2020, 1, 2), b'"2020-01-02"'),
        (uuid.UUID(int=1), b'"00000000-0000-0000-0000-000000000001"'),
        (Colour.RED, b'"red"'),
        (OrderedDict(b=1, a=2), b'{"b": 1, "a": 2}'),
        (defaultdict(int, a=1), b'{"a": 1}'),
        ({1: 2, 1.5: 3}, b'{"1": 2, "1.5": 3}'),
        ({True: 0.9, False: 0.1}, b'{"true": 0.9, "false": 0.1}'),
        ({None: 1}, b'{"null": 1}'),
        (Point({"a": 1}), b'{"x": {"a": 1}}'),
        (Packed(np.float32(0.5)), b'{"x": 0.5}'),
        (Answer(score=1), b'{"the score": 1.0, "more": null}'),
        (Answer(score=1, more=np.array([1, 2])), b'{"the score": 1.0, "more": [1, 2]}'),
        (OlderAnswer(score=1), b'{"score": 1.0}'),
        (np.float64(0.5), b"0.5"),
        (np.float32(0.5), b"0.5"),
        (np.int64(3), b"3"),
        (np.True_, b"true"),
        (np.str_("a"), b'"a"'),
        (np.array([[1.5, 2.0], [3.0, 4.0]]), b"[[1.5, 2.0], [3.0, 4.0]]"),
        (np.array([1, None], dtype=object), b"[1, null]"),
        ({np.int64(1): np.array([True]), np.str_("b"): 2}, b'{"1": [true], "b": 2}'),
        ({np.True_: 1}, b'{"true": 1}'),
        ("\ud800", b'"\\ud800"'),
        ({"\udc00": "\ud800"}, b'{"\\udc00": "\\ud800"}'),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_prediction_of_any_common_kind_is_written_as_json(prediction: Any, text: bytes) -> None:
    assert text_of(prediction) == text
    json.loads(text)


NOT_FINITE = [
    math.nan,
    math.inf,
    -math.inf,
    {"a": math.nan},
    {"a": None, "b": [{"c": math.inf}]},
    (1, math.nan),
    np.float64("nan"),
    np.float32("inf"),
    np.array([1.0, np.nan]),
    {"a": np.array([[np.inf]])},
    Answer(score=math.nan),
    Answer(score=1, more={"a": [math.nan]}),
    Point(math.nan),
    Packed([math.inf]),
    {"\ud800": math.nan},
    {True: math.nan},
]


@pytest.mark.parametrize("prediction", NOT_FINITE, ids=repr)
def test_nan_and_infinity_are_failures_that_say_so(prediction: Any) -> None:
    assert text_of(prediction) == Failure(
        "PredictionError",
        "The prediction can't be written as JSON: it holds NaN or Infinity, which JSON has no number for",
    )


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def in_itself() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("prediction", "reason"),
    [
        (1j, "it holds a complex"),
        (object(), "it holds a object"),
        (range(2), "it holds a range"),
        ({"a": {"b": ValueError("inside")}}, "it holds a ValueError"),
        ({(1, 2): 3}, "keys"),
        ((n for n in [1]), "it holds a generator"),
        (nested(100_000), "recursion"),
        (in_itself(), "recursion"),
        (10**5000, "4300"),
        (np.array([1j]), "it holds a complex"),
        (Answer, "it holds the class Answer"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_json_can_not_express_is_a_failure_that_says_what_it_is(prediction: Any, reason: str) -> None:
    failure = text_of(prediction)
    assert failure.kind == "PredictionError"
    assert failure.message.startswith("The prediction can't be written as JSON: ")
    assert reason in failure.message
    assert "\n" not in failure.message


@attrs.define
class AttrsError(Exception):
    x: int = 1


@pytest.mark.parametrize(
    "error", [ValueError("bad"), SystemExit("bad"), DataclassError(), AttrsError()], ids=repr
)
def test_an_exception_among_the_answers_is_that_records_failure(error: type[BaseException]) -> None:
    assert prediction_texts([1, error, 2]) == [b"1", Failure.of(error), b"2"]


def test_a_failure_stays_itself() -> None:
    failure = Failure("ValueError", "bad")
    assert prediction_texts([failure, {"a": 1}, failure]) == [failure, b'{"a": 1}', failure]


def test_no_outcomes_have_no_texts() -> None:
    assert prediction_texts([]) == []


class Written:
    """Counts how often it's written."""

    times = 0

    def tolist(self) -> list[int]:
        self.times += 1
        return [1]


def test_an_object_that_comes_again_and_again_is_written_once() -> None:
    answer = Written()
    assert prediction_texts([answer] * 100) == [b"[1]"] * 100
    assert answer.times == 1


@pytest.mark.parametrize("distinct", [0, 1, 15, 16, 17, 18, 40, 300])
def test_few_objects_or_many_are_written_alike(distinct: int) -> None:
    error, shared, nan = ValueError("bad"), {"a": 1}, float("nan")
    numbers = [n + 0.5 for n in range(distinct)]
    outcomes = [shared, error, shared, *numbers, nan, *[shared, error] * 300, *numbers]
    assert prediction_texts(outcomes) == list(map(text_of, outcomes))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
MIXED = st.lists(
    JSON
    | st.sampled_from(
        [math.nan, ValueError("bad"), {True: 1}, "\ud800", "null", "\x7f", '"\x7f', ["\x7f"], {"\x7f": None}]
    )
)


@given(JSON)
@settings(deadline=None, max_examples=300)
def test_a_text_reads_back_as_the_prediction_and_is_spaced_as_json_dumps_does(prediction: Any) -> None:
    text = text_of(prediction)
    assert json.loads(text) == prediction
    assert b"\n" not in text
    assert b"\t" not in text
    assert text.count(b" ") == json.dumps(prediction).encode().count(b" ")


@given(MIXED)
@settings(deadline=None, max_examples=300)
def test_the_text_of_a_prediction_does_not_depend_on_the_others(predictions: Any) -> None:
    assert prediction_texts(predictions) == [text_of(prediction) for prediction in predictions]


@given(st.lists(JSON, min_size=1, max_size=3), st.integers(0, 60))
@settings(deadline=None)
def test_objects_that_are_shared_are_written_as_they_are_alone(predictions: Any, times: int) -> None:
    assert prediction_texts(predictions * times) == list(map(text_of, predictions)) * times


class Text(str):
    """A text of a class of its own."""

    __slots__ = ()


class Rounded(float):
    """A number that shows itself in another way."""

    def __repr__(self) -> str:
        return "about 2"


class Level(IntEnum):
    HIGH = 3


class Linked(pydantic.BaseModel):
    url: pydantic.HttpUrl = pydantic.HttpUrl("https://a.example/b")
    secret: pydantic.SecretStr = pydantic.SecretStr("hidden")
    rounded: Annotated[
        float, pydantic.PlainSerializer(lambda value: round(value, 2), return_type=float, when_used="json")
    ] = 0.123456
    raw: bytes = b"abc"
    tags: frozenset[str] = frozenset("cba")


class ByItsName(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(serialize_by_alias=False)
    score: float = pydantic.Field(1.0, alias="the score")


@pydantic_dataclass
class Located:
    path: Path = Path("/a")
    url: pydantic.HttpUrl | None = None


@attrs.define
class Attrs:
    x: Any = None


class Renamed(msgspec.Struct, rename="camel", tag_field="kind", omit_defaults=True):
    some_name: Any = None
    other: int = 3


RECORDS = np.array([("a", 1.5), ("b", 2.0)], dtype=[("label", "U1"), ("p", "f8")])


@pytest.mark.parametrize(
    ("prediction", "text"),
    [
        ({"c", "a", "b"}, b'["a", "b", "c"]'),
        ({"t": frozenset([10, 9, 1])}, b'{"t": [1, 10, 9]}'),
        ({frozenset([2, 1]), frozenset([3])}, b"[[1, 2], [3]]"),
        ({1, "a", None}, b'["a", 1, null]'),
        (Point({"b", "a"}), b'{"x": ["a", "b"]}'),
        (Attrs({"b", "a"}), b'{"x": ["a", "b"]}'),
        (Renamed({"b", "a"}), b'{"kind": "Renamed", "someName": ["a", "b"]}'),
        (Renamed(other=4), b'{"kind": "Renamed", "other": 4}'),
        ({"row": Pair(1, 2)}, b'{"row": {"a": 1, "b": 2}}'),
        (Text("a"), b'"a"'),
        ({"a": Rounded(2.5), "b": Level.HIGH}, b'{"a": 2.5, "b": 3}'),
        (RECORDS[0], b'{"label": "a", "p": 1.5}'),
        ({"rows": RECORDS}, b'{"rows": [{"label": "a", "p": 1.5}, {"label": "b", "p": 2.0}]}'),
        (np.longdouble(1.5), b"1.5"),
        (np.array([1.5], dtype=np.longdouble), b"[1.5]"),
        (np.float16(0.5), b"0.5"),
        (np.datetime64("2020-01-02T03:04:05.5", "ms"), b'"2020-01-02T03:04:05.500"'),
        (np.datetime64("NaT"), b"null"),
        (np.array(["2020-01-02", "NaT"], dtype="M8[D]"), b'["2020-01-02", null]'),
        (np.timedelta64(90, "m"), b'"PT5400S"'),
        (np.timedelta64(-1500, "ms"), b'"-PT1.5S"'),
        (dt.timedelta(milliseconds=-1500), b'"-PT1.5S"'),
        (np.timedelta64(2, "D"), b'"P2D"'),
        (np.ma.array([1, 2], mask=[False, True]), b"[1, null]"),
        (ipaddress.ip_address("1.2.3.4"), b'"1.2.3.4"'),
        ({"net": ipaddress.ip_network("10.0.0.0/8")}, b'{"net": "10.0.0.0/8"}'),
        (Path("/a/b"), b'"/a/b"'),
        (pydantic.SecretStr("hidden"), b'"**********"'),
        (
            {"a": Linked()},
            (
                b'{"a": {"url": "https://a.example/b", "secret": "**********", "rounded": 0.12, '
                b'"raw": "abc", "tags": ["a", "b", "c"]}}'
            ),
        ),
        (ByItsName(), b'{"score": 1.0}'),
        (Located(url=None), b'{"path": "/a", "url": null}'),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_prediction_is_written_as_its_own_library_means_it_alone_and_among_others(
    prediction: Any, text: bytes
) -> None:
    others = [{"x": number} for number in range(40)]
    assert text_of(prediction) == prediction_texts([*others, prediction])[-1] == text


@pytest.mark.parametrize(
    "prediction",
    [decimal.Decimal("NaN"), {"a": [decimal.Decimal("-Infinity")]}, np.longdouble("nan"), Rounded("inf")],
    ids=repr,
)
def test_not_a_number_is_a_failure_in_every_kind_of_number(prediction: Any) -> None:
    assert "NaN or Infinity" in text_of(prediction).message


def test_the_same_set_has_the_same_text_in_every_process() -> None:
    code = (
        "from model_mapreduce_job.formats.encoding import prediction_texts as p; "
        "print(p([{'t': set('hgfedcba')}]))"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in "123"
    }
    assert len(texts) == 1


@pytest.mark.parametrize("key", [math.nan, math.inf, -math.inf, np.float64("nan")])
def test_a_key_that_is_no_number_is_a_failure(key: Any) -> None:
    """JSON's readers would find a text in its place."""
    failure = text_of({key: 1})
    assert isinstance(failure, Failure)
    assert "NaN or Infinity" in failure.message
    assert text_of({"nan": 1, "inf": 2}) == b'{"nan": 1, "inf": 2}'
