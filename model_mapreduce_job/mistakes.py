"""One line for whoever made a mistake, and the exit code that goes with it."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from model_mapreduce_job.exceptions import ModelMapReduceError

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIGNAL_CODES = 128


@contextmanager
def one_line_for_mistakes() -> Iterator[None]:
    """Turn what ends a run into one line on standard error and an exit code; --verbose gives tracebacks."""
    try:
        yield
    except BrokenPipeError:
        # whoever read the output has had enough; Python would complain once more when it flushes
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(_SIGNAL_CODES + signal.SIGPIPE)
    except (ModelMapReduceError, OSError) as error:
        if {"--verbose", "-v"} & set(sys.argv):
            raise
        _leave(_in_words(error), getattr(error, "exit_code", 1))
    except KeyboardInterrupt as stopped:
        _leave(_noted("Stopped by Ctrl-C.", stopped), _SIGNAL_CODES + signal.SIGINT)
    except SystemExit as stopped:
        if isinstance(stopped.code, int) and stopped.code > _SIGNAL_CODES:
            name = signal.Signals(stopped.code - _SIGNAL_CODES).name
            _leave(_noted(f"Stopped by {name}.", stopped), stopped.code)
        raise


def _in_words(error: Exception) -> str:
    if not isinstance(error, OSError):
        return str(error)
    place = f": {error.filename}" if error.filename else ""
    return f"This machine refused the run something: {error.strerror or error}{place}."


def _noted(message: str, error: BaseException) -> str:
    return " ".join([message, *filter(None, getattr(error, "__notes__", []))])


def _leave(message: str, code: int) -> None:
    sys.stderr.write(f"{message}\n")
    sys.exit(code)
