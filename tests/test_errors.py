"""What a model's code raised: whose fault it is, and where it comes from."""

from __future__ import annotations

import errno
import json
import os
import signal
from typing import Any

import pytest

from model_mapreduce_job.exceptions import MachineFaultError
from model_mapreduce_job.formats.errors import failure_of, machine_fault, place_of


def raised(function: Any) -> BaseException:
    try:
        function()
    except BaseException as error:  # noqa: BLE001 - it's what the tests are about
        return error
    raise AssertionError


def because_of(cause: BaseException, *, link: str) -> BaseException:
    error = ValueError("bad")
    setattr(error, link, cause)
    return error


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.ENOMEM, "x"),
        OSError(errno.EMFILE, "x"),
        OSError(errno.ENFILE, "x"),
        OSError(errno.ENOSPC, "x"),
        OSError(errno.EDQUOT, "x"),
        BlockingIOError(errno.EAGAIN, "x"),
        RuntimeError("can't start new thread"),
        because_of(MemoryError(), link="__cause__"),
        because_of(OSError(errno.ENOSPC, "x"), link="__context__"),
    ],
    ids=repr,
)
def test_what_the_machine_lacks_is_its_own_fault(error: BaseException) -> None:
    assert machine_fault(error) is not None
    with pytest.raises(MachineFaultError):
        failure_of(error, os.getpid())


@pytest.mark.parametrize(
    "error",
    [ValueError("bad"), OSError(errno.ENOENT, "x"), OSError("x"), RuntimeError("bad"), KeyError(1)],
    ids=repr,
)
def test_all_else_is_the_records(error: BaseException) -> None:
    assert failure_of(error, os.getpid()).kind == type(error).__name__


def test_an_error_that_comes_of_itself_comes_to_an_end() -> None:
    first, second = ValueError(), KeyError()
    first.__context__, second.__context__ = second, first
    assert machine_fault(first) is None


def test_a_keyboard_interrupt_is_the_operators_unless_this_process_ignores_ctrl_c() -> None:
    with pytest.raises(KeyboardInterrupt):
        failure_of(KeyboardInterrupt(), os.getpid())
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert failure_of(KeyboardInterrupt(), os.getpid()).kind == "KeyboardInterrupt"
    finally:
        signal.signal(signal.SIGINT, before)


def inner() -> Any:
    return json.loads("{")


def test_the_place_of_an_error_is_the_innermost_line_that_is_no_librarys() -> None:
    line = inner.__code__.co_firstlineno + 1
    assert place_of(raised(inner)) == f"test_errors.py:{line}"
    assert failure_of(raised(inner), os.getpid()).place == f"test_errors.py:{line}"


def test_an_error_that_was_never_raised_has_no_place() -> None:
    assert place_of(ValueError()) == ""
