"""A process of tests that stands for a started one: a fork, since a test's models are objects of its own."""

from __future__ import annotations

import os
import signal
import traceback
from dataclasses import dataclass
from subprocess import TimeoutExpired
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.task.channel import Channel, channel_pair
from model_mapreduce_job.task.keeper import keep
from model_mapreduce_job.task.messages import Described
from model_mapreduce_job.task.model_output import ModelOutput
from model_mapreduce_job.task.model_process import ModelProcess
from model_mapreduce_job.task.server import TaskServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from model_mapreduce_job.pipeline.pipeline import Pipeline
    from model_mapreduce_job.storage.file_operations import FileOperations
    from model_mapreduce_job.task.keeper import Page
    from model_mapreduce_job.task.messages import ModelFacts

MAX_RECORD_BYTES = 1 << 20


class ForkedProcess:
    """A forked child of this process, waited for as subprocess does."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: int | None = None

    def poll(self) -> int | None:
        return self._wait(os.WNOHANG)

    def wait(self, timeout: float | None = None) -> int:
        deadline = monotonic() + (timeout or 0)
        while (code := self._wait(0 if timeout is None else os.WNOHANG)) is None:
            if monotonic() >= deadline:
                raise TimeoutExpired([], timeout or 0)
            sleep(0.005)
        return code

    def _wait(self, options: int) -> int | None:
        if self._code is None:
            pid, status = os.waitpid(self.pid, options)
            self._code = os.waitstatus_to_exitcode(status) if pid else None
        return self._code


@dataclass(frozen=True)
class MadeOf:
    """A factory made of functions: what makes an attempt's prediction, and an isolated one."""

    make: Callable[[int], Any]
    make_isolated: Callable[[], Pipeline]

    def describe(self, *, load: bool, identify: bool) -> Described:  # noqa: ARG002 - the protocol's
        return Described([])

    def model_facts(self) -> dict[str, ModelFacts]:
        return {}


def fork_process(live: Callable[[Channel, Page], None]) -> ModelProcess:
    """Start a process with a keeper, as the job starts one; in its worker, live is called."""
    mine, other = channel_pair()
    model_output = ModelOutput()
    pid = os.fork()
    if pid == 0:
        _be(live, model_output, other)
    other.close()
    model_output.close_write_end()
    return ModelProcess(ForkedProcess(pid), mine, model_output)


def fork_server(
    make: Callable[[int], Any] | None = None,
    make_isolated: Callable[[Page], Pipeline] | None = None,
    files: FileOperations | None = None,
) -> ModelProcess:
    """Start a process that answers requests with what the functions make."""

    def live(channel: Channel, page: Page) -> None:
        given = {} if files is None else {"files": files}
        factory = MadeOf(make or _nothing, lambda: (make_isolated or _nothing)(page))
        TaskServer(channel, lambda _: factory, **given).serve()

    return fork_process(live)


def _be(live: Callable[[Channel, Page], None], model_output: ModelOutput, other: Any) -> None:
    code = 1
    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        for standard in (1, 2):
            os.dup2(model_output.write_end, standard)
        # a started process would inherit no more than this either
        for start, end in ((3, other.fileno()), (other.fileno() + 1, 1024)):
            os.closerange(start, end)
        page = keep()
        live(Channel(other), page)
        page.finish()
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:  # noqa: BLE001 - a forked child must never run on into its parent's code
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(code)


def _nothing(*_: Any) -> Any:
    raise NotImplementedError
