"""Processes are known again by later commands, and never mistaken for others. Needs no cluster."""

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from local_cluster.processes import Process, record, recorded, start, stop, with_environment
from local_hadoop import eventually

SLEEP = "import time; print('ready', flush=True); time.sleep(60)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEP


def begin(folder: Path, code: str = SLEEP) -> Process:
    """Start a Python process and wait until its code runs."""
    log = folder / "log"
    process = start([sys.executable, "-c", code], {"MARK": str(folder)}, folder / "work", log)
    assert eventually(lambda: "ready" in log.read_text(encoding="utf-8"), 30)
    return process


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Process]:
    process = begin(tmp_path)
    yield process
    stop([process], patience_s=0)


# A Popen that is dropped warns while its child runs: here it is meant to outlive the one who started it.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")


def test_a_recorded_process_is_found_again(sleeper: Process, tmp_path: Path) -> None:
    record(sleeper, tmp_path / "run" / "sleeper.json")
    assert recorded(tmp_path / "run" / "sleeper.json") == sleeper
    stop([sleeper], patience_s=5)
    assert recorded(tmp_path / "run" / "sleeper.json") is None


def test_nothing_is_found_where_nothing_was_recorded(tmp_path: Path) -> None:
    assert recorded(tmp_path / "nothing.json") is None


def test_a_later_process_with_the_same_id_is_left_alone(sleeper: Process, tmp_path: Path) -> None:
    """The id is that of the sleeper; the start is that of a process that has ended long ago."""
    earlier = replace(sleeper, start_ticks=sleeper.start_ticks - 1)
    record(earlier, tmp_path / "earlier.json")
    assert recorded(tmp_path / "earlier.json") is None
    stop([earlier], patience_s=0)
    assert sleeper.alive


def test_a_process_that_does_not_end_when_asked_is_killed(tmp_path: Path) -> None:
    process = begin(tmp_path, STUBBORN)
    stop([process], patience_s=0.3)
    assert not process.alive


def test_a_started_process_has_only_the_environment_that_it_is_given(
    sleeper: Process, tmp_path: Path
) -> None:
    environment = Path(f"/proc/{sleeper.pid}/environ").read_bytes()
    assert environment == f"MARK={tmp_path}\0".encode()
    assert os.getsid(sleeper.pid) == sleeper.pid


def test_processes_are_found_by_their_environment(sleeper: Process, tmp_path: Path) -> None:
    assert list(with_environment(f"MARK={tmp_path}\0".encode())) == [sleeper]
