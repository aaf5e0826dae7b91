"""One line for whoever made a mistake, and the exit code that goes with it."""

from __future__ import annotations

import signal
import sys
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_mapreduce_job.exceptions import InputError, ModelMapReduceError
from model_mapreduce_job.printable import printable
from model_mapreduce_job.task.standard_streams import ReaderGoneError, drop_output

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIGNAL_CODES = 128


@dataclass
class Mistakes:
    """How mistakes are reported: with their tracebacks, once the options are known to ask for them."""

    tracebacks: bool = False


@contextmanager
def one_line_for_mistakes() -> Iterator[Mistakes]:
    """Turn what ends a run into one line on standard error and an exit code, with a traceback if asked for.

    What was printed is flushed: output that can't be written whole is a mistake too.
    """
    mistakes = Mistakes()
    try:
        with _printed_whole():
            yield mistakes
    except ReaderGoneError:
        drop_output()
        sys.exit(_SIGNAL_CODES + signal.SIGPIPE)
    except (ModelMapReduceError, OSError) as error:
        drop_output()
        if mistakes.tracebacks:
            _show_traceback(error)
        _leave(_noted(_in_words(error), error), getattr(error, "exit_code", 1))
    except KeyboardInterrupt as stopped:
        drop_output()
        _leave(_noted("Stopped by Ctrl-C.", stopped), _SIGNAL_CODES + signal.SIGINT)
    except SystemExit as stopped:
        if isinstance(stopped.code, int) and stopped.code > _SIGNAL_CODES:
            name = signal.Signals(stopped.code - _SIGNAL_CODES).name
            _leave(_noted(f"Stopped by {name}.", stopped), stopped.code)
        raise


@contextmanager
def _printed_whole() -> Iterator[None]:
    try:
        yield
    except SystemExit:
        _flush_output()
        raise
    _flush_output()


def _flush_output() -> None:
    try:
        sys.stdout.flush()
    except ReaderGoneError:
        raise
    except OSError as error:
        raise InputError(
            f"Standard output can't be written: {error.strerror}. What was written of it is not whole."
        ) from error


def _show_traceback(error: Exception) -> None:
    for chunk in traceback.TracebackException.from_exception(error).format():
        # an error's own line is the only one that begins neither a traceback nor with blanks
        lines = (
            chunk.splitlines() if chunk[:1].isspace() or chunk.startswith("Traceback") else [chunk.rstrip()]
        )
        sys.stderr.write("".join(f"{printable(line)}\n" for line in lines))


def _in_words(error: Exception) -> str:
    if not isinstance(error, OSError):
        return str(error)
    place = f": {error.filename}" if error.filename else ""
    return f"This machine refused the run something: {error.strerror or error}{place}."


def _noted(message: str, error: BaseException) -> str:
    return " ".join([message, *filter(None, getattr(error, "__notes__", []))])


def _leave(message: str, code: int) -> None:
    sys.stderr.write(f"{printable(message)}\n")
    sys.exit(code)
