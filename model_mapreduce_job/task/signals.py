"""Signals that end a run the way Ctrl-C does, with one line and 128 + their number as the exit code."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from functools import partial

TYPE_CHECKING = False  # until this module is imported, a signal ends a run without a word
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import Any, Final

# Ctrl-C, an operator's kill, and a terminal or connection that has gone away
ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# What a shell's exit code adds to a signal's number.
SIGNAL_CODES: Final = 128
_AGAIN_SECONDS: Final = 0.02


def stopped_by(number: int) -> str:
    """Return the line for a run that a signal has ended."""
    name = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
    return f"Stopped by {name}."


def end_at_once_by_signals() -> None:
    """Let ending signals end this process at once, in one line: there is no run yet to clean up after."""
    for number in _nobodys(signal.SIG_DFL, signal.default_int_handler):
        signal.signal(number, _end_at_once)


def ignore_signals_at_the_end() -> None:
    """Ignore ending signals from now on: the run is over, and its exit code says what it came to."""
    for number in _nobodys(_end_at_once, _end):
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def signals_as_exit() -> Iterator[None]:
    """Let the first ending signal raise SystemExit (128 + number), or KeyboardInterrupt.

    Those that follow are ignored, so that what was started can be stopped. Leaves alone the signals that
    someone else handles or ignores (nohup ignores SIGHUP), and all of them in a thread that is not the main
    one, where Python allows no handlers.
    """
    taken = _nobodys(signal.SIG_DFL, signal.default_int_handler, _end_at_once)
    before = {number: signal.getsignal(number) for number in taken}
    hook = sys.unraisablehook
    if taken:
        sys.unraisablehook = partial(_send_again, hook)
    for number in taken:
        signal.signal(number, _end)
    try:
        yield
    finally:
        for number in taken:
            # a command that a signal has ended says so once, whatever comes while it leaves
            if not (before[number] is _end_at_once and signal.getsignal(number) is signal.SIG_IGN):
                signal.signal(number, before[number])
        sys.unraisablehook = hook


@contextmanager
def signals_held(*, second_ends: bool = False) -> Iterator[None]:
    """Let an ending signal, which would raise by signals_as_exit(), wait until the with statement ends.

    Those that follow are ignored; with second_ends the next one raises at once. An error that ends the with
    statement stands: the signal asks for no more than the end, which has come.
    """
    came: list[int] = []
    held = _nobodys(_end)

    def hold(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        for other in held:
            signal.signal(other, _end if second_ends else signal.SIG_IGN)

    for number in held:
        signal.signal(number, hold)
    try:
        yield
    finally:
        for number in held:
            signal.signal(number, signal.SIG_IGN if came else _end)
    if came:
        _end(came[0], None)


def _nobodys(*handlers: Any) -> list[signal.Signals]:
    """Return the ending signals that have one of these handlers, if this thread may give them another."""
    if threading.current_thread() is not threading.main_thread():
        return []
    return [number for number in ENDING if signal.getsignal(number) in handlers]


def _end_at_once(number: int, _frame: FrameType | None) -> None:
    with suppress(OSError):
        os.write(2, f"{stopped_by(number)}\n".encode())
    os._exit(SIGNAL_CODES + number)


def _end(number: int, _frame: FrameType | None) -> None:
    for other in ENDING:
        if signal.getsignal(other) is _end:
            signal.signal(other, signal.SIG_IGN)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(SIGNAL_CODES + number)


def _send_again(hook: Callable[[Any], Any], lost: sys.UnraisableHookArgs) -> None:
    """Send a signal once more whose exception was raised in a destructor or a callback, which swallows it."""
    number = _signal_of(lost.exc_value)
    if number is None:
        hook(lost)
        return
    signal.signal(number, _end)
    again = threading.Timer(_AGAIN_SECONDS, os.kill, (os.getpid(), number))
    again.daemon = True
    again.start()


def _signal_of(error: BaseException | None) -> int | None:
    if isinstance(error, KeyboardInterrupt):
        return signal.SIGINT
    code = error.code if isinstance(error, SystemExit) else None
    return code - SIGNAL_CODES if isinstance(code, int) and code - SIGNAL_CODES in ENDING else None
