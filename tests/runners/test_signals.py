"""Signals that end a run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from faults.limits import Limit
from local_jobs import wait_until

from model_mapreduce_job.task.signals import signals_as_exit, signals_held


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_with_its_code(number: signal.Signals) -> None:
    with pytest.raises(SystemExit) as leaving, signals_as_exit():
        send(number)
    assert leaving.value.code == 128 + number


def test_ctrl_c_is_what_it_always_is() -> None:
    with pytest.raises(KeyboardInterrupt), signals_as_exit():
        send(signal.SIGINT)


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_cleaning_up_is_not_disturbed_by_another_one(second: signal.Signals) -> None:
    cleaned = []

    def work_and_clean_up() -> None:
        try:
            send(signal.SIGTERM)
        finally:
            send(second)
            cleaned.append(True)

    with pytest.raises(SystemExit) as leaving, signals_as_exit():
        work_and_clean_up()
    assert cleaned
    assert leaving.value.code == 128 + signal.SIGTERM


@pytest.mark.parametrize("second_ends", [False, True])
def test_a_signal_that_is_held_comes_when_what_it_would_disturb_is_done(second_ends: bool) -> None:
    """A second one waits as well, or does not, as one has asked for."""
    done = []

    def publish() -> None:
        with signals_held(second_ends=second_ends):
            send(signal.SIGTERM)
            done.append("first")
            send(signal.SIGINT)
            done.append("second")

    with pytest.raises(KeyboardInterrupt if second_ends else SystemExit), signals_as_exit():
        publish()
    assert done == (["first"] if second_ends else ["first", "second"])


def test_an_error_of_what_a_signal_waits_for_stands() -> None:
    def fail() -> None:
        with signals_held():
            send(signal.SIGTERM)
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"), signals_as_exit():
        fail()


def test_without_a_signal_they_do_afterwards_what_they_did() -> None:
    def work() -> None:
        with signals_held():
            pass
        send(signal.SIGTERM)

    with pytest.raises(SystemExit), signals_as_exit():
        work()


def test_afterwards_signals_do_what_they_did() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with pytest.raises(SystemExit), signals_as_exit(), signals_as_exit():
        send(signal.SIGTERM)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_signals_that_somebody_ignores_stay_ignored() -> None:
    """Such as SIGHUP under nohup, and SIGINT in what a shell starts in the background."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals_as_exit():
            send(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_in_another_thread_nothing_is_touched() -> None:
    """Python allows handlers in the main thread alone."""
    seen = []

    def live() -> None:
        with signals_as_exit():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=live)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]


def test_a_signal_in_a_destructor_comes_again() -> None:
    """Python drops what a destructor raises; the run must end nevertheless."""

    class Struck:
        def __del__(self) -> None:
            send(signal.SIGTERM)
            time.sleep(0)

    def work() -> None:
        struck = Struck()
        del struck
        for _ in range(1000):
            time.sleep(0.01)

    with pytest.raises(SystemExit) as leaving, signals_as_exit():
        work()
    assert leaving.value.code == 128 + signal.SIGTERM


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_before_the_run_ends_it_in_one_line(number: signal.Signals) -> None:
    """From the first import on."""
    command = [sys.executable, "-X", "importtime", "-m", "model_mapreduce_job", "--version"]
    driver = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_until(lambda: _is_handled(driver.pid, number))
    driver.send_signal(number)
    output, errors = driver.communicate()
    assert (driver.returncode, output) == (128 + number, b"")
    assert [line for line in errors.splitlines() if not line.startswith(b"import time")] == [
        b"Stopped by Ctrl-C." if number == signal.SIGINT else f"Stopped by {number.name}.".encode()
    ]


def test_a_command_that_a_signal_has_ended_is_ended_by_no_other() -> None:
    """It would say so twice."""
    code = """
import os, signal
from model_mapreduce_job.task.signals import end_at_once_by_signals, signals_as_exit
end_at_once_by_signals()
try:
    with signals_as_exit():
        os.kill(os.getpid(), signal.SIGTERM)
finally:
    os.kill(os.getpid(), signal.SIGHUP)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (ran.returncode, ran.stderr) == (128 + signal.SIGTERM, b"")


def test_a_signal_after_the_run_changes_nothing() -> None:
    """What the run came to stands: its exit code says so."""
    at_exit = "import atexit, os, signal; atexit.register(os.kill, os.getpid(), signal.SIGTERM)"
    main = "from model_mapreduce_job.__main__ import main; main()"
    ended = subprocess.run(
        [sys.executable, "-c", f"{at_exit}\n{main}", "--version"], capture_output=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, b""), ended.stderr


def test_a_driver_that_cannot_start_says_so_in_one_line() -> None:
    """With so few descriptors it can't start its first worker, or import what it needs."""
    limited = Limit("descriptors", 7).command(sys.executable)
    ended = subprocess.run(
        [*limited, sys.executable, "-m", "model_mapreduce_job", "in"], capture_output=True, check=False
    )
    assert (ended.returncode, ended.stderr.count(b"\n")) == (1, 1), ended.stderr
    assert ended.stderr.startswith(b"The job can't start: ")


def _is_handled(pid: int, number: signal.Signals) -> bool:
    """Return whether a process has a handler for a signal, as the kernel has it: Python's own is no run's."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = int(status.partition("SigCgt:")[2].split()[0], 16)
    # Python itself handles SIGINT, before any of the three is handled here
    return bool(caught >> (signal.SIGHUP - 1) & 1 and caught >> (number - 1) & 1)
