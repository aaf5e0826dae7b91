"""The local engine: attempts, workers that are lost, and the order of what comes out."""

from __future__ import annotations

import io
import os
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest
from engine_runs import EngineRun, echo
from local_jobs import numbered, output_of, wait_until, write_records

from model_mapreduce_job.exceptions import IncompleteRunError, InputError, ModelContractError
from model_mapreduce_job.storage.file_operations import OsFiles
from model_mapreduce_job.storage.splits import Split, split_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from model_mapreduce_job.formats.lines import Block
    from model_mapreduce_job.pipeline.task_report import ReportBuilder

WHOLE = b"".join(b'{"n": %d}\t{"n": %d}\n' % (number, number) for number in range(30))


class Disturbed:
    """Predicts, and lets something happen behind each batch of an attempt."""

    def __init__(self, happen: Callable[[], None]) -> None:
        self._own = echo()
        self._happen = happen

    @property
    def report(self) -> ReportBuilder:
        return self._own.report

    @report.setter
    def report(self, report: ReportBuilder) -> None:
        self._own.report = report

    def header(self) -> bytes | None:
        return self._own.header()

    def predict_lines(self, blocks: Iterable[Block]) -> Iterator[list[bytes]]:
        for lines in self._own.predict_lines(blocks):
            yield lines
            self._happen()


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fail() -> None:
    raise RuntimeError("not this time")


@pytest.fixture
def splits(tmp_path: Path) -> list[Split]:
    path = write_records(tmp_path / "in", numbered(30))
    return split_files([str(path)], 1, 100)


def disturbed(happen: Callable[[], None], attempts: int) -> Callable[[int], Any]:
    """Return what makes predictions, the first attempts of which are disturbed."""
    return lambda attempt: Disturbed(happen) if attempt < attempts else echo()


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("happen", [die, fail])
@pytest.mark.parametrize("attempts", [1, 3])
def test_an_attempt_that_ends_badly_is_followed_by_another(
    tmp_path: Path, splits: list[Split], workers: int, happen: Callable[[], None], attempts: int
) -> None:
    """What it had written is not seen; lines are counted once."""
    run = EngineRun(tmp_path, workers, disturbed(happen, attempts))
    counters = run.run(splits).counters
    assert output_of(run.out) == WHOLE
    assert (counters.lines, counters.predicted) == (30, 30)


@pytest.mark.parametrize("happen", [die, fail])
def test_a_task_of_several_small_files_is_done_again_as_a_whole(
    tmp_path: Path, happen: Callable[[], None]
) -> None:
    paths = [write_records(tmp_path / f"in{number:02}", numbered(1, number)) for number in range(30)]
    splits = [Split(str(path), 0, path.stat().st_size) for path in paths]
    large = Split(str(write_records(tmp_path / "large", numbered(500, 30))), 0, 500)
    run = EngineRun(tmp_path, 1, disturbed(happen, 1))
    counters = run.run([*splits, large]).counters
    output = output_of(run.out)
    assert output[: len(WHOLE)] == WHOLE
    assert counters.lines == output.count(b"\n") == counters.predicted
    assert 2 < len(list(run.out.glob("part-*"))) < len(paths)


def test_what_a_dead_attempt_has_written_is_gone_before_the_next_begins(
    tmp_path: Path, splits: list[Split]
) -> None:
    """A disk need not hold the parts of four attempts."""
    seen = tmp_path / "seen"

    def make(attempt: int) -> Any:
        names = sorted(path.name for path in tmp_path.glob(".out.unfinished/.part-*"))
        with seen.open("a") as file:
            file.write(f"{attempt} {names}\n")
        return Disturbed(die) if attempt < 2 else echo()

    EngineRun(tmp_path, 1, make).run(splits[:1])
    assert seen.read_text().splitlines() == ["0 []", "1 []", "2 []"]


@pytest.mark.parametrize(
    ("happen", "reason"),
    [(die, "killed by SIGKILL"), (fail, "RuntimeError: not this time"), (lambda: os._exit(9), "exit code 9")],
)
def test_four_attempts_are_enough(
    tmp_path: Path, splits: list[Split], happen: Callable[[], None], reason: str
) -> None:
    """The message says which task it was, and how its last attempt ended; nothing is left."""
    words = rf"tried 4 times and never ended well: {tmp_path}/in, bytes 0 to \d+\. The last time: {reason}"
    with pytest.raises(IncompleteRunError, match=words):
        EngineRun(tmp_path, 1, disturbed(happen, 4)).run(splits)
    assert {path.name for path in tmp_path.iterdir()} == {"in"}


def test_a_mistake_is_not_tried_again(tmp_path: Path, splits: list[Split]) -> None:
    """It comes back as the error that it was, from whichever process."""
    made = tmp_path / "made"

    def make(_attempt: int) -> Any:
        with made.open("a") as file:
            file.write("x")
        raise ModelContractError("a model out of contract")

    with pytest.raises(ModelContractError, match="a model out of contract"):
        EngineRun(tmp_path, 1, make).run(splits)
    assert made.read_text() == "x"


class FullDisk(OsFiles):
    """Takes no byte of a worker's."""

    def __init__(self) -> None:
        self._driver = os.getpid()

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        if os.getpid() != self._driver:
            raise OSError(28, "No space left on device")
        return super().write(descriptor, data)


def test_a_disk_that_takes_nothing_is_not_tried_again(tmp_path: Path, splits: list[Split]) -> None:
    """The message names the place."""
    with pytest.raises(
        InputError, match=r"The output can't be written: No space left on device: .*attempt-0"
    ):
        EngineRun(tmp_path, 1, files=FullDisk()).run(splits)


def test_what_the_machine_refuses_a_model_is_tried_again(tmp_path: Path, splits: list[Split]) -> None:
    """It's no fault of the output's."""

    def make(attempt: int) -> Any:
        if attempt == 0:
            raise OSError(24, "Too many open files", "/place")
        return echo()

    assert EngineRun(tmp_path, 1, make).run(splits).counters.lines == 30


def test_a_worker_is_lost_even_while_what_it_started_lives_on(tmp_path: Path, splits: list[Split]) -> None:
    """The pipe stays open in its child; the run goes on all the same."""

    def leave_a_child_and_die() -> None:
        if os.fork() == 0:
            time.sleep(1000)
        die()

    run = EngineRun(tmp_path, 1, disturbed(leave_a_child_and_die, 1))
    run.run(splits[:1])
    assert output_of(run.out) == WHOLE[: len(output_of(run.out))] != b""


def test_a_stream_is_read_no_further_than_workers_can_take(tmp_path: Path) -> None:
    """Memory holds a chunk for each worker, not what the stream has to give."""
    read = 0
    wait = tmp_path / "wait"

    class Endless(io.RawIOBase):
        def read(self, size: int = -1, /) -> bytes:
            nonlocal read
            read += 1
            if read == 3:
                wait.touch()
            return b'{"n": 1}\n' * (size // 100) if read < 6 else b""

    def make(_attempt: int) -> Any:
        wait_until(wait.exists)
        return echo()

    counters = EngineRun(tmp_path, 3, make).run([Split("-", 0, 0, streamed=True)], Endless()).counters
    assert counters.lines == 5 * ((4 << 20) // 100)


def test_no_task_at_all_is_a_run_too(tmp_path: Path) -> None:
    run = EngineRun(tmp_path, 2)
    assert run.run([]).counters.lines == 0
    assert {path.name for path in run.out.iterdir()} == {"_SUCCESS"}
