"""The processes of tasks that mrjob runs itself, such as reducers: a limited number at a time, none left."""

from __future__ import annotations

import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class TaskProcesses:
    """Runs functions in threads, a limited number at a time, and the commands that they call in processes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._running: list[subprocess.Popen[bytes]] = []
        self._stopped = False

    def run(self, functions: Iterable[Callable[[], None]]) -> None:
        """Run functions to the end; raises what one of them raises, or a signal, and ends the others."""
        with ThreadPoolExecutor(self._most) as pool:
            try:
                for result in [pool.submit(function) for function in functions]:
                    result.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                self._stop()
                raise

    def call(self, command: list[str], **options: Any) -> None:
        """Run a command to its end; raises CalledProcessError when that is no good one."""
        with self._lock:
            if self._stopped:
                return
            # in a group of its own: the driver hears of Ctrl-C, and ends it
            process = subprocess.Popen(command, process_group=0, **options)  # noqa: S603 - the job's own command
            self._running.append(process)
        code = process.wait()
        with self._lock:
            self._running.remove(process)
        if code:
            raise subprocess.CalledProcessError(code, command)

    def _stop(self) -> None:
        with self._lock:
            self._stopped = True
            for process in self._running:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
