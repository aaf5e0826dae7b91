"""The guard: a process that ends another one whose batch takes too long, where there is no keeper.

Spark starts its own workers, which run a model's code; each has a guard, started anew as this file.
"""

import os
import select
import signal
import subprocess
import sys
import weakref
from mmap import mmap
from time import monotonic_ns

PAGE_BYTES = 4096
_LONGEST_TICK_SECONDS = 1.0
_WAIT_SECONDS = 5.0


def watch(process: int, page: int, life: int) -> None:
    """Kill a process when its batch is over the time limit in page; return when it closes its end of life."""
    cells = memoryview(mmap(page, PAGE_BYTES)).cast("Q")
    while os.getppid() == process:
        seconds = min(_LONGEST_TICK_SECONDS, cells[1] / 4e9 or _LONGEST_TICK_SECONDS)
        if select.select([life], [], [], seconds)[0]:
            return
        if 0 < cells[0] < monotonic_ns():
            os.kill(process, signal.SIGKILL)
            return


def guarded_memory() -> mmap:
    """Start a guard of this process; return the memory of the page that it watches while that is in use."""
    import tempfile  # noqa: PLC0415 - Spark's tasks alone start one

    with tempfile.TemporaryFile() as file:
        os.ftruncate(file.fileno(), PAGE_BYTES)
        memory = mmap(file.fileno(), PAGE_BYTES)
        reading, writing = os.pipe()
        guard = subprocess.Popen(  # noqa: S603 - this interpreter with this file
            [sys.executable, "-IS", __file__, *map(str, (os.getpid(), file.fileno(), reading))],
            stdin=subprocess.DEVNULL,
            pass_fds=(file.fileno(), reading),
            start_new_session=True,
        )
    os.close(reading)
    weakref.finalize(memory, _end, writing, guard)
    return memory


def _end(writing: int, guard: "subprocess.Popen[bytes]") -> None:
    os.close(writing)
    guard.wait(_WAIT_SECONDS)


if __name__ == "__main__":
    watch(*map(int, sys.argv[1:]))
