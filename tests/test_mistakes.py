"""One line for what ends a run, and its exit code."""

from __future__ import annotations

import sys

import pytest

from model_mapreduce_job.exceptions import InputError, TooManyFailuresError
from model_mapreduce_job.mistakes import one_line_for_mistakes


def noted(error: BaseException, note: str) -> BaseException:
    error.add_note(note)
    return error


@pytest.mark.parametrize(
    ("error", "line", "code"),
    [
        (InputError("No such thing."), "No such thing.", 1),
        (TooManyFailuresError("Too many."), "Too many.", 3),
        (KeyboardInterrupt(), "Stopped by Ctrl-C.", 130),
        (SystemExit(143), "Stopped by SIGTERM.", 143),
        (noted(SystemExit(143), "2 parts are kept."), "Stopped by SIGTERM. 2 parts are kept.", 143),
        (noted(KeyboardInterrupt(), ""), "Stopped by Ctrl-C.", 130),
        (OSError(28, "No space left", "/x"), "This machine refused the run something: No space left: /x.", 1),
        (OSError(5, "Input/output error"), "This machine refused the run something: Input/output error.", 1),
        (OSError("mrjob's own"), "This machine refused the run something: mrjob's own.", 1),
    ],
)
def test_what_ends_a_run_is_one_line(
    error: BaseException, line: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as leaving, one_line_for_mistakes():
        raise error
    assert (leaving.value.code, capsys.readouterr().err) == (code, f"{line}\n")


@pytest.mark.parametrize("flag", ["-v", "--verbose"])
def test_tracebacks_are_for_those_who_ask(flag: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["job", flag])
    for error in (InputError("No such thing."), OSError(28, "No space left")):
        with pytest.raises(type(error)), one_line_for_mistakes():
            raise error


@pytest.mark.parametrize("code", [0, 1, None, "text"])
def test_who_leaves_with_a_code_of_his_own_leaves_with_it(code: object) -> None:
    with pytest.raises(SystemExit) as leaving, one_line_for_mistakes():
        raise SystemExit(code)
    assert leaving.value.code == code


def test_a_programming_error_is_none_of_the_users_mistakes() -> None:
    with pytest.raises(ZeroDivisionError), one_line_for_mistakes():
        raise ZeroDivisionError
