"""Tasks that die or hang: tried again, isolated, and no more lost than the record that did it."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest
from local_jobs import LocalJob, ended, numbered, output_of, wait_until, write_records

EXPLAIN = ("--on_error", "explain", "--quiet")
DIED = "It ended the process: "


def among(count: int, deeds: dict[int, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return numbered records, some of which tell the model to do something."""
    return [{"n": number, **deeds.get(number, {})} for number in range(count)]


def test_records_that_end_or_hang_the_process_are_failures_with_their_reasons(job: LocalJob) -> None:
    """All the others, before, between and behind them, get their predictions, in order."""
    reasons = {
        "segfault": ("ProcessDied", f"{DIED}killed by SIGSEGV"),
        "leave": ("ProcessDied", f"{DIED}exit code 7"),
        "be_killed": ("ProcessDied", f"{DIED}killed by SIGKILL"),
        "interrupt": ("KeyboardInterrupt", ""),
        "hang": ("PredictTimeout", "No prediction within 0.5 s"),
        "hang_in_c": ("PredictTimeout", "No prediction within 0.5 s"),
        "start_daemon": ("ProcessDied", f"{DIED}killed by SIGKILL"),
        "close_everything": ("PredictTimeout", "No prediction within 0.5 s"),
        "refuse": ("ValueError", "34 is refused"),
    }
    deeds = {number: {"do": deed} for number, deed in zip(range(2, 100, 4), reasons, strict=False)}
    write_records(job.directory / "in", among(60, deeds))
    ran = job.run(*EXPLAIN, "--predict_timeout", 0.5, "in")
    assert (ran.code, ran.errors) == (0, "")
    assert [key["n"] for key, _ in ran.pairs] == list(range(60))
    told = {
        key["do"]: (value["error"]["type"], value["error"]["message"])
        for key, value in ran.pairs
        if "do" in key
    }
    assert told == reasons
    assert [value for key, value in ran.pairs if "do" not in key] == [
        {"n": number} for number in range(60) if number not in deeds
    ]


def test_a_task_whose_process_dies_is_tried_again(job: LocalJob) -> None:
    """What the dead one had written of its part is never seen: no line comes twice."""
    deed = {"do": "be_killed_once", "mark": str(job.directory / "mark")}
    write_records(job.directory / "in", among(3000, {2900: deed}))
    ran = job.run(*EXPLAIN, "in")
    assert (ran.code, ran.errors) == (0, "")
    assert ran.values == numbered(3000)


def test_a_worker_killed_from_outside_is_replaced(job: LocalJob) -> None:
    """So is one that is killed while its model works in isolation."""
    reached, go_on = (str(job.directory / name) for name in ("reached", "go_on"))
    waits = {"do": "wait_for_file", "reached": reached, "go_on": go_on}
    write_records(job.directory / "in", among(100, {50: waits}))
    process = job.start(*EXPLAIN, "in")
    for _ in range(2):
        wait_until((job.directory / "reached").exists)
        (job.directory / "reached").unlink()
        (worker,) = children_of(process.pid)
        os.kill(worker, signal.SIGKILL)
    wait_until((job.directory / "reached").exists)
    (job.directory / "go_on").touch()
    ran = ended(process)
    assert (ran.code, ran.errors, ran.values) == (0, "", numbered(100))


@pytest.mark.parametrize(("when", "apart"), [("auto", False), ("never", False), ("always", True)])
def test_isolation_costs_nothing_until_it_is_needed(job: LocalJob, when: str, apart: bool) -> None:
    """A first attempt predicts in the worker, which the driver has started, unless that is not wanted."""
    write_records(job.directory / "in", [{"processes": True}] * 3)
    process = job.start("--isolate", when, "--quiet", "in")
    ran = ended(process)
    starters = {starter for _, starter in ran.values}
    assert (starters != {process.pid}) is apart
    assert len({predicting for predicting, _ in ran.values}) == 1


@pytest.mark.parametrize("when", ["auto", "always"])
def test_isolation_may_be_had_from_the_first_attempt_on(job: LocalJob, when: str) -> None:
    """With `always`, no attempt in the worker's own process comes first: the mark tells how many died."""
    mark = job.directory / "mark"
    deed = {"do": "be_killed_once", "mark": str(mark), "times": 99}
    write_records(job.directory / "in", among(3, {1: deed}))
    ran = job.run(*EXPLAIN, "--isolate", when, "in")
    assert [value.get("n") for value in ran.values] == [0, None, 2]
    in_isolation = 3  # among others, alone, and alone in a fresh process
    assert len(mark.read_text()) == in_isolation + (when == "auto")


def test_without_isolation_a_task_is_tried_four_times(job: LocalJob) -> None:
    """Then the run ends with one line that says what was tried and how it ended; nothing is left of it."""
    mark = job.directory / "mark"
    deed = {"do": "be_killed_once", "mark": str(mark), "times": 99}
    write_records(job.directory / "in", among(3, {1: deed}))
    ran = job.run("--isolate", "never", "--output-dir", "out", "in")
    assert (ran.code, ran.output) == (1, b"")
    assert ran.errors.endswith("The last time: killed by SIGKILL\n")
    assert ran.errors.startswith(
        f"A task was tried 4 times and never ended well: {job.directory}/in, bytes 0 to"
    )
    assert ran.errors.count("\n") == 1
    assert len(mark.read_text()) == 4
    assert not (job.directory / "out").exists()


def test_a_time_limit_holds_without_isolation(job: LocalJob) -> None:
    """The kernel ends what hangs in C; it's not the run that hangs."""
    write_records(job.directory / "in", among(3, {1: {"do": "hang_in_c"}}))
    ran = job.run("--isolate", "never", "--predict_timeout", 0.2, "in")
    assert (ran.code, ran.errors.count("\n")) == (1, 1)
    assert ran.errors.endswith("The last time: killed by SIGALRM\n")


def test_a_model_that_cannot_be_loaded_is_one_line(job: LocalJob) -> None:
    """Loading kills the process: there's no record to blame."""
    write_records(job.directory / "in", numbered(3))
    ran = job.run("--model_qualified_name", "fatal_to_load", "in")
    assert (ran.code, ran.output) == (1, b"")
    assert ran.errors == "The model can't be loaded: killed by SIGSEGV.\n"


@pytest.mark.parametrize("job", ["local"], indirect=True)
def test_isolated_tasks_run_beside_others(job: LocalJob) -> None:
    """Of several splits, only those with a record that kills are isolated; the order is that of the input."""
    pad = "x" * 2000
    deeds = {number: {"do": "segfault"} for number in (100, 2100)}
    write_records(job.directory / "in", [{**record, "pad": pad} for record in among(3000, deeds)])
    ran = job.run("--num-cores", 2, "--output-dir", "out", "--quiet", "in")
    assert (ran.code, ran.errors) == (0, "")
    lines = output_of(job.directory / "out").splitlines()
    assert [number for number, line in enumerate(lines) if line.endswith(b"\tnull")] == list(deeds)
    assert [line for number, line in enumerate(lines) if b'{"n": %d, ' % number not in line] == []


def children_of(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    path = f"/proc/{pid}/task/{pid}/children"
    with open(path) as file:  # noqa: PTH123 - the kernel's
        return list(map(int, file.read().split()))
