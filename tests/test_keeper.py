"""The keeper: the worker's end, and the end of all that it has started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from forked import fork_process
from local_jobs import wait_until

from model_mapreduce_job.task.messages import Describe, Progress
from model_mapreduce_job.task.model_process import ProcessLostError

if TYPE_CHECKING:
    from collections.abc import Callable

    from model_mapreduce_job.task.channel import Channel
    from model_mapreduce_job.task.keeper import Page

    Live = Callable[[Channel, Page], None]


def hang(_channel: Channel, _page: Page) -> None:
    time.sleep(1000)


def ring() -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGALRM)


def helper_pid(channel: Channel, *, own_session: bool = False) -> int:
    """Fork a helper that sleeps, report its id and return it, as a model's library might."""
    pid = os.fork()
    if pid == 0:
        if own_session:
            os.setsid()
        time.sleep(1000)
    channel.send(Progress(pid))
    return pid


def runs(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


@pytest.mark.parametrize(
    ("live", "code"),
    [
        (lambda _c, _p: None, 0),
        (lambda _c, _p: sys.exit(3), 3),
        (lambda _c, _p: 1 // 0, 1),
        (lambda _c, _p: os.kill(os.getpid(), signal.SIGKILL), -signal.SIGKILL),
        (lambda _c, _p: os.kill(os.getpid(), signal.SIGSEGV), -signal.SIGSEGV),
        # its own alarm is not the keeper's, by which a record is known to have taken too long
        (lambda _c, _p: ring(), 128 + signal.SIGALRM),
    ],
)
def test_it_ends_as_the_worker_did(live: Live, code: int) -> None:
    assert fork_process(live).end(60) == code


def test_work_that_is_done_is_not_undone_by_how_its_process_ends() -> None:
    def live(_channel: Channel, page: Page) -> None:
        page.finish()
        os.kill(os.getpid(), signal.SIGKILL)

    assert fork_process(live).end(60) == 0


@pytest.mark.parametrize("own_session", [False, True])
def test_what_the_worker_has_started_ends_with_it(own_session: bool) -> None:
    """Whatever its session or its group, and whatever pipes it holds."""

    def live(channel: Channel, _page: Page) -> None:
        helper_pid(channel, own_session=own_session)

    process = fork_process(live)
    found = process.receive(60)
    assert found is not None
    assert isinstance(found[0], Progress)
    assert process.end(60) == 0
    assert not runs(found[0].done)


def test_a_batch_that_takes_too_long_ends_the_worker_whatever_it_has_done_to_its_alarms() -> None:
    def live(_channel: Channel, page: Page) -> None:
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        page.begin(0.1)
        page.end()
        page.begin(0.1)
        time.sleep(1000)

    with pytest.raises(ProcessLostError) as lost:
        fork_process(live).receive(30)
    assert lost.value.code == -signal.SIGALRM


@pytest.mark.parametrize("limit", [0, 0.1])
def test_a_worker_that_is_stopped_is_ended_too(limit: float) -> None:
    """Whether it has a batch or not. It's not its record that took the time."""

    def live(_channel: Channel, page: Page) -> None:
        if limit:
            page.begin(limit)
        os.kill(os.getpid(), signal.SIGSTOP)

    with pytest.raises(ProcessLostError) as lost:
        fork_process(live).receive(30)
    assert lost.value.code == -signal.SIGKILL
    assert ("stopped by a signal" in str(lost.value)) is (not limit)


def test_a_worker_that_is_stopped_and_continued_goes_on() -> None:
    def live(channel: Channel, _page: Page) -> None:
        channel.send(Progress(os.getpid()))
        time.sleep(0.5)
        channel.send(Progress(1))

    process = fork_process(live)
    found = process.receive(60)
    assert found is not None
    assert isinstance(found[0], Progress)
    os.kill(found[0].done, signal.SIGSTOP)
    time.sleep(1.2)
    os.kill(found[0].done, signal.SIGCONT)
    assert process.receive(60) == (Progress(1), b"")
    assert process.end(60) == 0


def test_a_worker_that_does_not_end_is_ended_and_its_helpers_with_it() -> None:
    def live(channel: Channel, page: Page) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        helper_pid(channel, own_session=True)
        hang(channel, page)

    process = fork_process(live)
    found = process.receive(60)
    assert found is not None
    assert process.end(0.05) == -signal.SIGTERM
    assert isinstance(found[0], Progress)
    assert not runs(found[0].done)


def test_signals_to_its_own_group_reach_the_worker_alone() -> None:
    """A model that ends its helpers by os.killpg ends itself, and no other process of the run."""
    assert fork_process(lambda _c, _p: os.killpg(0, signal.SIGKILL)).end(60) == -signal.SIGKILL


def test_all_is_gone_soon_after_its_starter_was_killed(tmp_path: Path) -> None:
    code = f"""
import os, sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
from forked import fork_process
def live(channel, page):
    if os.fork() == 0:
        os.setsid()
        with open({str(tmp_path / "helper")!r}, "w") as file:
            file.write(str(os.getpid()))
    time.sleep(1000)
process = fork_process(live)
with open({str(tmp_path / "keeper")!r}, "w") as file:
    file.write(str(process.process.pid))
time.sleep(1000)
"""
    starter = subprocess.Popen([sys.executable, "-c", code])
    files = [tmp_path / "helper", tmp_path / "keeper"]
    wait_until(lambda: all(path.exists() and path.read_text() for path in files))
    starter.kill()
    starter.wait()
    for path in files:
        wait_until(lambda path=path: not runs(int(path.read_text())), 5)


def test_a_process_is_lost_even_while_its_helper_keeps_the_channel_open() -> None:
    def live(channel: Channel, _page: Page) -> None:
        helper_pid(channel)
        os._exit(4)

    process = fork_process(live)
    process.receive(60)
    with pytest.raises(ProcessLostError, match="exit code 4"):
        process.receive(60)


def test_last_words_are_part_of_how_a_process_ended() -> None:
    def live(channel: Channel, _page: Page) -> None:
        channel.receive()
        os.write(2, b"first\nlast words\n\n")
        os._exit(3)

    process = fork_process(live)
    process.send(Describe())
    with pytest.raises(ProcessLostError, match=r"^exit code 3: last words$"):
        process.receive(60)


def test_what_is_written_without_end_fills_nothing_and_holds_up_nothing() -> None:
    def live(channel: Channel, _page: Page) -> None:
        for _ in range(300):
            os.write(1, b"x" * 10_000 + b"\n")
        channel.send(Progress(5))

    process = fork_process(live)
    assert process.receive(30) == (Progress(5), b"")
    assert process.end(60) == 0
    assert process.model_output is not None
    assert len(process.model_output.last_line()) < 8193
