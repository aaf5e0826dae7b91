"""Prediction in a child process that can be lost."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fakes import Echoes
from forked import fork_server
from pipelines import pipeline_of

from model_mapreduce_job.exceptions import IncompleteRunError, ModelContractError, TooManyFailuresError
from model_mapreduce_job.formats.records import OverlongLine
from model_mapreduce_job.task.isolation import IsolatedPipeline, RequestSizer
from model_mapreduce_job.task.messages import Begin
from model_mapreduce_job.task.task_pipeline import Watched

if TYPE_CHECKING:
    from collections.abc import Callable

    from model_mapreduce_job.pipeline.pipeline import Pipeline
    from model_mapreduce_job.task.keeper import Page
    from model_mapreduce_job.task.model_process import ModelProcess

PAIRS = [b'{"n": %d}\t{"n": %d}' % (number, number) for number in range(50)]


@dataclass
class Deadly(Echoes):
    """Dies of the numbers given, and keeps count of how often it was loaded."""

    loads: Path
    of: frozenset[int] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        with self.loads.open("a") as file:
            file.write("x")

    def predict(self, data: Any) -> Any:
        if data["n"] in self.of:
            os.kill(os.getpid(), signal.SIGKILL)
        return data

    def predict_batch(self, data: list[Any]) -> list[Any]:
        return list(map(self.predict, data))


@pytest.fixture
def loads(tmp_path: Path) -> Path:
    return tmp_path / "loads"


def isolated(
    make: Callable[..., Pipeline], timeout: float = 600.0, *, fail_fast: bool = False
) -> IsolatedPipeline:
    def start() -> ModelProcess:
        child = fork_server(make_isolated=make)
        child.send(Begin())
        return child

    return IsolatedPipeline(start, timeout, fail_fast=fail_fast)


def lines(count: int = 50) -> list[bytes]:
    return [b'{"n": %d}' % number for number in range(count)]


def output_of(pipeline: IsolatedPipeline, *blocks: Any) -> list[bytes]:
    return [line for lines in pipeline.predict_lines(blocks) for line in lines]


def test_what_comes_out_is_what_would_come_out_of_this_process(loads: Path) -> None:
    pipeline = isolated(lambda _page: pipeline_of(Deadly(loads)))
    assert output_of(pipeline, lines(20), [b"", *lines()[20:]]) == PAIRS
    assert (
        pipeline.report.counters.lines,
        pipeline.report.counters.predicted,
        pipeline.report.counters.blank,
    ) == (51, 50, 1)
    assert loads.read_text() == "x"


def test_records_that_end_the_child_stand_alone(loads: Path) -> None:
    """Each costs a few loads of the model, and no other record its prediction."""
    deadly = frozenset({0, 17, 18, 49})
    pipeline = isolated(lambda _page: pipeline_of(Deadly(loads, deadly)))
    output = output_of(pipeline, lines())
    error = {"error": {"type": "ProcessDied", "message": "It ended the process: killed by SIGKILL"}}
    assert [json.loads(line.partition(b"\t")[2]) for line in output] == [
        error if number in deadly else {"n": number} for number in range(50)
    ]
    assert (
        pipeline.report.counters.lines,
        pipeline.report.counters.predicted,
        pipeline.report.counters.failed,
    ) == (50, 46, 4)
    assert dict(pipeline.report.counters.reasons) == {"ProcessDied": 4}
    assert len(loads.read_text()) <= 1 + 3 * len(deadly)


def test_among_many_one_is_found_in_four_tries(loads: Path) -> None:
    """Since a child that hangs costs the time limit each time."""
    pipeline = isolated(lambda _page: pipeline_of(Deadly(loads, frozenset({3000}))))
    output_of(pipeline, lines(5000))
    assert len(loads.read_text()) == 1 + 4


def test_a_record_that_hangs_is_a_failure() -> None:
    class Hangs(Echoes):
        def predict_batch(self, data: list[Any]) -> list[Any]:
            if {"n": 3} in data:
                time.sleep(1000)
            return data

    output = output_of(isolated(lambda page: pipeline_of(Hangs(), watch=Watched(page, 0.2)), 0.2), lines(5))
    error = b'{"error": {"type": "PredictTimeout", "message": "No prediction within 0.2 s"}}'
    assert output == [*PAIRS[:3], b'{"n": 3}\t' + error, PAIRS[4]]


def test_a_line_that_is_too_long_is_a_failure_here_too(loads: Path) -> None:
    output = output_of(
        isolated(lambda _page: pipeline_of(Deadly(loads))), lines(1), OverlongLine(b"xyz"), lines(2)
    )
    assert [output[0], *output[2:]] == [PAIRS[0], *PAIRS[:2]]
    assert output[1].startswith(b'"xyz..."\t{"error": {"type": "OverlongLine", ')


def test_what_the_model_breaks_of_its_contract_is_raised_here() -> None:
    class AnswersNothing(Echoes):
        def predict_batch(self, _data: list[Any]) -> list[Any]:
            return []

    with pytest.raises(ModelContractError, match="answered 0 results for 2 records"):
        output_of(isolated(lambda _page: pipeline_of(AnswersNothing())), lines(2))


def test_what_making_the_task_raises_is_raised_here() -> None:
    def make(_page: Page) -> Pipeline:
        raise ModelContractError("no model")

    with pytest.raises(ModelContractError, match="no model"):
        output_of(isolated(make), lines(2))


def test_a_model_that_dies_when_it_is_loaded_ends_the_task() -> None:
    def make(_page: Page) -> Pipeline:
        os._exit(3)

    with pytest.raises(IncompleteRunError, match=r"The model can't be loaded: exit code 3\."):
        output_of(isolated(make), lines(2))


def test_a_task_that_starts_with_failures_alone_ends_early(loads: Path) -> None:
    bad = [b"?"] * 3000
    with pytest.raises(TooManyFailuresError):
        output_of(isolated(lambda _page: pipeline_of(Deadly(loads)), fail_fast=True), bad)


def test_no_child_is_left_whatever_happens(loads: Path) -> None:
    """Neither at the end, nor when the task is given up in its middle."""
    before = children()
    pipeline = isolated(lambda _page: pipeline_of(Deadly(loads)))
    output_of(pipeline, lines())
    assert children() == before
    halfway = pipeline.predict_lines([lines()])
    next(halfway)
    assert children() != before
    halfway.close()  # type: ignore[attr-defined] - a generator
    assert children() == before


def children() -> str:
    """Return the ids of this process's children."""
    return Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text()


def test_requests_grow_while_they_are_answered_quickly() -> None:
    sizer = RequestSizer()
    for _ in range(20):
        sizer.answered(0.01)
    assert sizer.size == 1024
    sizer.answered(10)
    assert sizer.size == 1024
    sizer.lost()
    assert sizer.size == 512
    for _ in range(20):
        sizer.lost()
    assert sizer.size == 1
