"""What a process does first that runs the job, however it was started: as a script, a module or a command."""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
from contextlib import suppress

from model_mapreduce_job.task.standard_streams import make_standard_streams_reliable


def prepare_process() -> None:
    """Make this process one that a run can rely on; a second time changes nothing."""
    make_standard_streams_reliable()
    _hear_of_children()
    look_in_current_directory()
    # mrjob imports and calls what Python has since called deprecated: nobody who runs the job can change that
    warnings.filterwarnings("ignore", module=r"mrjob\b")


def let_ctrl_c_end_imports() -> None:
    """Let Ctrl-C end this process without a traceback until there is a run to clean up after."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def look_in_current_directory() -> None:
    """Let imports find modules in the current directory, after all others, here and in what is started."""
    with suppress(FileNotFoundError):  # it may have been removed
        here = os.getcwd()  # noqa: PTH109 - sys.path takes text
        sys.path[:] = _with_last(here, sys.path)
        named = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        os.environ["PYTHONPATH"] = os.pathsep.join(_with_last(here, named))


def _with_last(here: str, paths: list[str]) -> list[str]:
    return [*(path for path in paths if path not in {"", here}), here]


def _hear_of_children() -> None:
    """Undo that a parent ignores SIGCHLD, which is inherited: no child's exit code could be learnt."""
    main = threading.current_thread() is threading.main_thread()
    if main and signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
