"""Signals that end a run."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from model_mapreduce_job.driver.signals import signals_as_exit


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
