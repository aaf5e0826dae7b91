"""A worker's process as the driver sees it, and how it's got rid of."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest
from local_jobs import wait_until

from model_mapreduce_job.frames import EndOfFrames, receive, send
from model_mapreduce_job.runners.map_task import Attempt, MapTask
from model_mapreduce_job.runners.splits import Split
from model_mapreduce_job.runners.worker_process import WorkerProcess, fork, start_command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ATTEMPT = Attempt(MapTask(0, Split("in", 0, 1), b"data"), 0, "out", durable=False)
Start = "Callable[[Callable[[], None]], WorkerProcess]"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[Callable[[], None]], WorkerProcess]]:
    """Give a way to start a forked worker; none is left, whatever a test does."""
    started = []

    def start(live: Callable[[], None]) -> WorkerProcess:
        started.append(fork(live, tmp_path / "log", []))
        return started[-1]

    yield start
    for worker in started:
        worker.end()


def answer_with(answer: dict[str, object]) -> None:
    receive(0)
    send(1, answer)


def wait_for_the_end() -> None:
    receive(0)


def test_a_request_reaches_the_worker_and_its_answer_the_driver(start: Start) -> None:
    def live() -> None:
        header, body = receive(0)
        send(1, {"got": header["output"], "data": body.decode()})

    worker = start(live)
    worker.start(ATTEMPT)
    assert worker.receive() == {"got": "out", "data": "data"}
    assert worker.end(5) == 0


def test_a_worker_that_has_ended_is_noticed_when_its_answer_is_waited_for(
    start: Start, tmp_path: Path
) -> None:
    def live() -> None:
        sys.stderr.write("first\nlast words\n")
        os._exit(3)

    worker = start(live)
    wait_until(lambda: worker._process.poll() is not None)
    worker.start(ATTEMPT)
    with pytest.raises(EndOfFrames):
        worker.receive()
    assert worker.how_it_died() == "exit code 3: last words"
    (tmp_path / "log").unlink()
    assert worker.how_it_died() == "exit code 3"


def test_a_worker_ends_when_it_is_hung_up_on(start: Start) -> None:
    worker = start(wait_for_the_end)
    worker.hang_up()
    assert worker.end(10) == 1  # EndOfFrames, which ends what waits for a request


def test_a_worker_that_does_not_end_is_killed(start: Start) -> None:
    worker = start(lambda: time.sleep(1000))
    assert worker.end(0.05) == -signal.SIGKILL


def test_what_a_worker_has_started_ends_with_it(start: Start) -> None:
    """It's gone, though it has neither the worker's pipes nor its ear."""

    def live() -> None:
        child = os.fork()
        if child == 0:
            time.sleep(1000)
        send(1, {"child": child})
        receive(0)

    worker = start(live)
    child = worker.receive()["child"]
    worker.end(10)
    wait_until(lambda: not _runs(child))


def test_one_that_is_gone_is_so_even_while_its_child_keeps_its_pipe(start: Start) -> None:
    """A model's own helper process may live on, and holds what it has inherited."""

    def live() -> None:
        if os.fork() == 0:
            time.sleep(1000)
        send(1, {"forked": True})
        os._exit(0)

    worker = start(live)
    wait_until(lambda: worker._process.poll() is not None)
    assert not worker.is_gone()  # an answer is left
    worker.receive()
    assert worker.is_gone()


def test_a_log_does_not_fill_the_disk(start: Start, tmp_path: Path) -> None:
    """A library may write to it for each of a billion records; what was written last stays."""

    def live() -> None:
        for _ in range(3):
            os.write(2, b"x" * 1_500_000)
            send(1, {})
            receive(0)
        sys.stderr.write("last words\n")

    worker = start(live)
    for _ in range(3):
        worker.receive()
        assert (tmp_path / "log").stat().st_size == 0
        worker.start(ATTEMPT)
    assert worker.end(10) == 0
    assert (tmp_path / "log").read_text() == "last words\n"


def test_a_copy_keeps_nothing_open_that_is_foreign(tmp_path: Path) -> None:
    """A lock that a worker has inherited would outlive the driver."""
    out, in_ = os.pipe()

    def live() -> None:
        send(1, {"open": [os.path.exists(f"/dev/fd/{number}") for number in (out, in_)]})  # noqa: PTH110 - no file

    worker = fork(live, tmp_path / "log", [in_])
    assert worker.receive() == {"open": [True, False]}
    worker.end(10)
    os.close(out)
    os.close(in_)


def test_a_copy_does_not_run_on_in_its_parents_code(start: Start) -> None:
    """Whatever it raises is written down, and it ends."""
    worker = start(lambda: 1 // 0)  # type: ignore[arg-type, return-value] - it returns nothing
    assert worker.how_it_died() == "exit code 1: ZeroDivisionError: integer division or modulo by zero"
    worker = start(lambda: sys.exit(4))
    assert worker.end(10) == 4
    worker = start(lambda: sys.exit("text"))
    assert worker.end(10) == 1


def test_a_command_is_told_to_be_a_worker(tmp_path: Path) -> None:
    code = """
import os, sys
print(os.environ["MODEL_MAPREDUCE_JOB_WORKER"], os.getcwd(), file=sys.stderr)
sys.exit(5)
"""
    log = tmp_path / "log"
    worker = start_command([sys.executable, "-c", code], str(tmp_path), dict(os.environ), log)
    assert worker.how_it_died() == f"exit code 5: 1 {tmp_path}"


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123 - the kernel's
            return ") Z " not in file.read()
    except OSError:
        return False
