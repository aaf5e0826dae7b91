"""How a process of a run takes and frees memory: it makes much that is needed to the end, again and again."""

import atexit
import ctypes
import gc
import io
import os
import socket
import sys
import threading
from contextlib import suppress
from types import GeneratorType

# Imports and batches make objects by the thousand that are all still needed. To look through them every 700
# new ones, as is Python's default, takes 4 % of a task and finds nothing.
_GARBAGE_THRESHOLDS = (100_000, 50, 50)
# Each batch takes and frees some megabytes. glibc would give them back to the system every time, which clears
# each page that is taken again: a tenth of a csv task's time. These are parameters of mallopt(3), by their
# numbers in malloc.h: how many bytes may stay free at the end of the heap, and how large an object must be to
# have memory of its own.
_KEPT_FREE = {-1: 64 << 20, -3: 32 << 20}

# Classes with a __del__ of which each process has objects. All but writers lose nothing, since text that is
# to be written is held back by a writer below it.
_USUAL = {
    *(io.BufferedWriter, io.TextIOWrapper, io.FileIO, io.BufferedReader, io.BytesIO),
    *(socket.socket, GeneratorType),
}


def collect_rarely() -> None:
    """Let this process look for garbage rarely from now on."""
    gc.set_threshold(*_GARBAGE_THRESHOLDS)


def settle_for_batches() -> None:
    """Let this process look for garbage rarely and, where the C library is glibc, keep what it frees."""
    collect_rarely()
    with suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        for parameter, size in _KEPT_FREE.items():
            mallopt(parameter, size)


def leave_to_exit() -> None:
    """Leave all objects to the end of this process, which looks for no garbage then: it takes 0.05 s."""
    if "datasketches" not in sys.modules:  # a profile's sketches, left to the end, are reported as leaks
        gc.freeze()


def end_at_once() -> None:
    """End this process as Python would, but leave its objects to the system: to free each takes 0.03 s.

    Threads are waited for, exit handlers called, and what Python and C hold back of output is written.
    Returns where an object has something to do when it's freed, such as a file that a model left open.
    """
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 - as multiprocessing ends its own
    atexit._run_exitfuncs()  # noqa: SLF001 - there is no other way to call those from before this module
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # which a model may have closed
            stream.flush()
    if _frees_by_itself():
        return
    flush_c()
    os._exit(0)


def flush_c() -> None:
    """Write what C holds back of this process's output."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).fflush(None)


def _frees_by_itself() -> bool:
    """Return whether an object has something to do when it's freed: its class has a __del__.

    The writers of standard output and standard error, which were flushed, are none.
    """
    objects = gc.get_objects()
    if any(hasattr(kind, "__del__") for kind in {*map(type, objects)} - _USUAL):
        return True
    flushed = [getattr(stream, "buffer", None) for stream in (sys.stdout, sys.stderr)]
    return any(type(each) is io.BufferedWriter and each not in flushed for each in objects)
