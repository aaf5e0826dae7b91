"""Signals that end a run the way Ctrl-C does."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

# Ctrl-C, an operator's kill, and a terminal or connection that has gone away
ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_NOBODYS: Final = (signal.SIG_DFL, signal.default_int_handler)


@contextmanager
def signals_as_exit() -> Iterator[None]:
    """Let the first ending signal raise SystemExit (128 + number), or KeyboardInterrupt.

    Those that follow are ignored, so that what was started can be stopped. Leaves alone the signals that
    someone else handles or ignores (nohup ignores SIGHUP), and all of them in a thread that is not the main
    one, where Python allows no handlers.
    """
    mine = threading.current_thread() is threading.main_thread()
    before = {number: signal.getsignal(number) for number in ENDING}
    taken = [number for number, handler in before.items() if mine and handler in _NOBODYS]
    for number in taken:
        signal.signal(number, _end)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, before[number])


def _end(number: int, _frame: FrameType | None) -> None:
    for other in ENDING:
        if signal.getsignal(other) is _end:
            signal.signal(other, signal.SIG_IGN)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)
