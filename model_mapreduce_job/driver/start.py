"""What a process does first that runs the job, however it was started: as a script, a module or a command."""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from itertools import pairwise
from types import ModuleType
from typing import TYPE_CHECKING

from model_mapreduce_job.task.standard_streams import make_standard_streams_reliable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# From here on the time that a worker takes to start is worth a process that may have nothing to do.
_LARGE_BYTES = 8 << 20
# mrjob.conf, which is read later, may allow fewer than there are cores.
_MOST_EARLY = 8
# As storage/compression.py has them, whose import would delay the workers.
_ONE_SPLIT = (".gz", ".bz2", ".xz", ".zst")


def prepare_process() -> None:
    """Make this process one that a run can rely on; a second time changes nothing."""
    make_standard_streams_reliable()
    _hear_of_children()
    look_in_current_directory()
    # mrjob imports and calls what Python has since called deprecated: nobody who runs the job can change that
    warnings.filterwarnings("ignore", module=r"mrjob\b")


@contextmanager
def stdlib_distutils() -> Iterator[None]:
    """Import Python's own distutils, where it has one, and not setuptools, which takes 0.1 s in its place."""
    setuptools_shim = sys.modules.get("_distutils_hack")
    if setuptools_shim is None or sys.version_info >= (3, 12):
        yield
        return
    setuptools_shim.remove_shim()
    try:
        yield
    finally:
        setuptools_shim.add_shim()


@contextmanager
def pyspark_by_its_path() -> Iterator[None]:
    """Import mrjob's runners without pyspark, of which they want the path alone: that saves 0.15 s."""
    found = None if "pyspark" in sys.modules else find_spec("pyspark")
    if found is None or found.origin is None:
        yield
        return
    sys.modules["pyspark"] = stand_in = ModuleType("pyspark")
    stand_in.__file__ = found.origin
    try:
        yield
    finally:
        del sys.modules["pyspark"]


def early_workers(arguments: Sequence[str]) -> int:
    """Return how many workers to start before the options are read: those that a large local run will have.

    arguments are the command line's, looked at for what most of them say; a run goes on with any number.
    """
    if not {"local", "--runner=local", "-rlocal"}.intersection(arguments):
        return 1
    inputs = [path for path in arguments if not path.startswith("-") and os.path.isfile(path)]  # noqa: PTH113 - text
    size = sum(os.path.getsize(path) for path in inputs if not path.endswith(_ONE_SPLIT))  # noqa: PTH202 - text
    if size < _LARGE_BYTES:
        return 1
    words = [word for argument in arguments for word in argument.split("=", 1)]
    cores = dict(pairwise(words)).get("--num-cores", str(os.cpu_count()))
    return max(1, min(int(cores), _MOST_EARLY)) if cores.isdecimal() else 1


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
