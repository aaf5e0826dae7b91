"""One line for what ends a run, and its exit code."""

from __future__ import annotations

import pytest

from model_mapreduce_job.exceptions import InputError, TooManyFailuresError
from model_mapreduce_job.task.mistakes import one_line_for_mistakes


def noted(error: BaseException, note: str) -> BaseException:
    error.add_note(note)
    return error


def end_with(error: Exception, *, tracebacks: bool) -> None:
    with one_line_for_mistakes() as mistakes:
        mistakes.tracebacks = tracebacks
        raise error


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
        (MemoryError(), "This machine gives the run too little memory.", 1),
        (OSError("mrjob's own"), "This machine refused the run something: mrjob's own.", 1),
    ],
)
def test_what_ends_a_run_is_one_line(
    error: BaseException, line: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as leaving, one_line_for_mistakes():
        raise error
    assert (leaving.value.code, capsys.readouterr().err) == (code, f"{line}\n")


@pytest.mark.parametrize(
    ("error", "code"),
    [(InputError("No such thing."), 1), (TooManyFailuresError("Too many."), 3), (OSError(28, "Full"), 1)],
)
def test_tracebacks_are_for_those_who_ask(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """They come before the line, and change no exit code."""
    with pytest.raises(SystemExit) as leaving:
        end_with(error, tracebacks=True)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert (leaving.value.code, str(error.args[-1]) in lines[-1]) == (code, True)


@pytest.mark.parametrize("tracebacks", [True, False])
def test_what_a_message_holds_can_not_pass_for_lines_of_the_runs(
    tracebacks: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        end_with(InputError("The input x\ncomplete: 3 lines\x1b[2J can't be read."), tracebacks=tracebacks)
    *_, last = lines = capsys.readouterr().err.splitlines()
    assert last == r"The input x\ncomplete: 3 lines\x1b[2J can't be read."
    assert not [line for line in lines if line.startswith("complete") or "\x1b" in line]


def test_a_broken_pipe_that_is_not_standard_output_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leaving, one_line_for_mistakes():
        raise BrokenPipeError(32, "Broken pipe")
    assert (leaving.value.code, capsys.readouterr().err) == (
        1,
        "This machine refused the run something: Broken pipe.\n",
    )


@pytest.mark.parametrize("code", [0, 1, None, "text"])
def test_who_leaves_with_a_code_of_his_own_leaves_with_it(code: object) -> None:
    with pytest.raises(SystemExit) as leaving, one_line_for_mistakes():
        raise SystemExit(code)
    assert leaving.value.code == code


def test_a_programming_error_is_none_of_the_users_mistakes() -> None:
    with pytest.raises(ZeroDivisionError), one_line_for_mistakes():
        raise ZeroDivisionError
