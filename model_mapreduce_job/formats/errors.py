"""What a model's code, or a schema's, raised: the record's own failure, the machine's fault, or Ctrl-C."""

from __future__ import annotations

import errno
import os
import signal
import sysconfig
from typing import TYPE_CHECKING, TypeVar

from model_mapreduce_job.exceptions import MachineFaultError
from model_mapreduce_job.formats.records import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

    ErrorTypes = type[BaseException] | tuple[type[BaseException], ...]

T = TypeVar("T")

# Taken before a model is loaded, whose code may replace it.
_exit = os._exit

_MACHINE_ERRNOS = frozenset(
    {errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.EDQUOT, errno.EAGAIN}
)
# RuntimeErrors of Python, PyTorch and ONNX Runtime
_MACHINE_WORDS = ("can't start new thread", "can't allocate memory", "out of memory", "bad_alloc")
_LONGEST_CHAIN = 20
# Directories as the file names of code begin, and so with a separator at their end.
_PACKAGE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "")  # noqa: PTH120, PTH100, PTH118
_STANDARD_LIBRARY = os.path.join(sysconfig.get_paths()["stdlib"], "")  # noqa: PTH118


def failure_of(error: BaseException, pid: int) -> Failure:
    """Return the failure of the record, alone, for which a call into a model's code raised error.

    Raises MachineFaultError where the machine, not the record, is to blame, and KeyboardInterrupt where that
    is the operator's. Ends a process that is not the one of this id: a copy that the model forked.
    """
    check_error(error, pid)
    fault = machine_fault(error)
    if fault is not None:
        failure = Failure.of(fault)
        reason = f"{failure.kind}: {failure.message}".removesuffix(": ")
        raise MachineFaultError(
            f"A record could not be predicted, since this machine has run out of something: {reason}. "
            "Free some of it, and run again.",
            wants_memory=_is(fault, MemoryError),
        ) from error
    return Failure.of(error, place_of(error))


def check_error(error: BaseException, pid: int) -> None:
    """Return if error is the model's own, raised in the process of this id; else end this process, or raise.

    A KeyboardInterrupt may come from Ctrl-C, unless this process ignores that, as workers do.
    """
    still_ourselves(pid, error)
    if _is(error, KeyboardInterrupt) and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        raise error


def still_ourselves(pid: int, error: BaseException | None = None) -> None:
    """Return in the process of this id; end any other at once, without flushing or cleaning up.

    Call it after each call into a model's code, with the error that this raised: a forked copy ends with the
    code of its sys.exit(), with 1 if it raised anything else, and with 0 if it returned.
    """
    if os.getpid() != pid:
        _exit(_exit_code(error))


def extend_until_error(target: list[T], items: Iterator[T], errors: ErrorTypes) -> BaseException | None:
    """Append items to a list until one of these errors is raised; return it, or None when all are appended.

    What was appended stays. Called again with the same iterator, it continues with the item after that error,
    so that no Python code runs for the items that raise nothing.
    """
    try:
        target.extend(items)
    except errors as error:
        return error
    return None


def machine_fault(error: BaseException) -> BaseException | None:
    """Return what of an error, or of those that it comes from, says that the machine ran out of something."""
    return next(filter(_is_machines, _chain(error)), None)


def place_of(error: BaseException) -> str:
    """Return the innermost line of a model's own code that an error passed, as `churn.py:41`; "" if none.

    Code of installed libraries and of Python is not the model's own, unless there is no other.
    """
    frames = list(_frames(error))
    own = [frame for frame in frames if not _is_librarys(frame[0].co_filename)]
    if not own and frames:
        # an installed model: the lines that are in the file in which it was called
        own = [frame for frame in frames if frame[0].co_filename == frames[0][0].co_filename]
    if not own:
        return ""
    code, line = own[-1]
    return f"{os.path.basename(code.co_filename)}:{line}"  # noqa: PTH119 - a code's file name need be no path


def _exit_code(error: BaseException | None) -> int:
    if error is None:
        return 0
    code = error.code if isinstance(error, SystemExit) else 1
    if code is None:
        return 0
    return code & 0xFF if isinstance(code, int) else 1


def _is_librarys(file_name: str) -> bool:
    return file_name.startswith(_STANDARD_LIBRARY) or "-packages" + os.sep in file_name


def _is_machines(error: BaseException) -> bool:
    if _is(error, MemoryError):
        return True
    if _is(error, OSError):
        return _errno(error) in _MACHINE_ERRNOS
    return _is(error, RuntimeError) and any(word in Failure.of(error).message for word in _MACHINE_WORDS)


def _is(error: BaseException, kind: type[BaseException]) -> bool:
    """Return whether an error is of a kind; isinstance would ask the error, which may lie."""
    return issubclass(type(error), kind)


def _chain(error: BaseException) -> Iterator[BaseException]:
    linked: BaseException | None = error
    for _ in range(_LONGEST_CHAIN):
        if linked is None:
            return
        yield linked
        suppressed = _suppresses_context(linked)
        linked = _cause(linked) or (None if suppressed else _context(linked))


def _frames(error: BaseException) -> Iterator[tuple[CodeType, int]]:
    """Yield code and line of each frame that an error passed, but for this package's, innermost last."""
    traceback = _traceback(error)
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if not code.co_filename.startswith((_PACKAGE, "<")):
            yield code, traceback.tb_lineno or 0
        traceback = traceback.tb_next


_errno = vars(OSError)["errno"].__get__
# What Python keeps of an error, whatever its class has under these names.
_cause, _context, _suppresses_context, _traceback = (
    vars(BaseException)[name].__get__
    for name in ("__cause__", "__context__", "__suppress_context__", "__traceback__")
)
