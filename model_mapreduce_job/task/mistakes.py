"""Reports an error as one line on standard error and exits with its code."""

from __future__ import annotations

import signal
import sys
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from model_mapreduce_job.exceptions import InputError, ModelMapReduceError
from model_mapreduce_job.printable import printable
from model_mapreduce_job.task.signals import SIGNAL_CODES, stopped_by
from model_mapreduce_job.task.standard_streams import ReaderGoneError, drop_output

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Mistakes:
    """How errors are reported: with tracebacks, when the options ask for them."""

    tracebacks: bool = False


@contextmanager
def one_line_for_mistakes() -> Iterator[Mistakes]:
    """Report an error that ends the run as one line on standard error, and exit with its code.

    Standard output is flushed at the end, and output that can't be written completely is such an error too.
    """
    mistakes = Mistakes()
    try:
        with _printed_whole():
            yield mistakes
    except ReaderGoneError:
        drop_output()
        sys.exit(SIGNAL_CODES + signal.SIGPIPE)
    except (ModelMapReduceError, OSError) as error:
        drop_output()
        if mistakes.tracebacks:
            _show_traceback(error)
        _leave(_noted(_in_words(error), error), getattr(error, "exit_code", 1))
    except MemoryError as error:
        drop_output()
        _leave(_noted("This machine gives the run too little memory.", error), 1)
    except KeyboardInterrupt as stopped:
        drop_output()
        _leave(_noted(stopped_by(signal.SIGINT), stopped), SIGNAL_CODES + signal.SIGINT)
    except SystemExit as stopped:
        if isinstance(stopped.code, int) and stopped.code > SIGNAL_CODES:
            _leave(_noted(stopped_by(stopped.code - SIGNAL_CODES), stopped), stopped.code)
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
        # only an error's own line begins neither with a blank nor with "Traceback"
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


def raise_input_error(message: str) -> NoReturn:
    """Raise what argparse finds wrong with a command line as an InputError."""
    raise InputError(f"{message}. --help lists the options.")
