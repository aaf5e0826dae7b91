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

# An operator's kill, and a terminal or connection that has gone away
ENDING: Final = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def signals_as_exit() -> Iterator[None]:
    """Let ending signals raise SystemExit (128 + number), so that what was started is stopped.

    Leaves alone the signals that someone else handles or ignores (nohup ignores SIGHUP), and all of them in
    a thread that is not the main one, where Python allows no handlers.
    """
    mine = threading.current_thread() is threading.main_thread()
    taken = [number for number in ENDING if mine and signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, _exit)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def _exit(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)
