"""mrjob's inline and local runners, on the local engine."""

from __future__ import annotations

import io
import shlex
from subprocess import CalledProcessError
from typing import TYPE_CHECKING, Any

from mrjob.inline import InlineMRJobRunner
from mrjob.local import LocalMRJobRunner, _TaskFailedException

from model_mapreduce_job.runners.local.engine_runner import LocalEngineRunner
from model_mapreduce_job.runners.local.task_processes import TaskProcesses
from model_mapreduce_job.task.model_process import SCRIPT, python_command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class InlineRunner(LocalEngineRunner, InlineMRJobRunner):
    """Runs the job's tasks one after the other, in one process that this one starts."""

    def _workers(self) -> int:
        return 1

    def _worker_command(self) -> list[str]:
        return python_command()

    def _invoke_task_func(self, task_type: str, step_num: int, task_num: int) -> Callable[..., None]:
        invoke = super()._invoke_task_func(task_type, step_num, task_num)

        def invoke_with_text_streams(
            stdin: Any, stdout: Any, stderr: Any, wd: str, env: dict[str, str]
        ) -> None:
            # mrjob gives bare binary files, to which nothing that prints or warns can write
            streams = [io.TextIOWrapper(stream, write_through=True) for stream in (stdin, stdout, stderr)]
            try:
                invoke(*streams, wd, env)
            finally:
                for stream in streams:
                    stream.detach()

        return invoke_with_text_streams


class LocalRunner(LocalEngineRunner, LocalMRJobRunner):
    """Runs the job's tasks in as many processes as there are cores, each started as Hadoop would start it."""

    @classmethod
    def _default_opts(cls) -> dict[str, Any]:
        # the tasks' interpreter is this one, which has mrjob: packing and unpacking it would take a second
        return {**super()._default_opts(), "bootstrap_mrjob": False}

    def _workers(self) -> int:
        return int(self._num_cores())

    def _worker_command(self) -> list[str]:
        command = [*self._task_python_bin(), str(SCRIPT)]
        if not self._setup_wrapper_script_path:
            return command
        return [
            *self._sh_bin(),
            self._working_dir_mgr.name("file", self._setup_wrapper_script_path),
            *command,
        ]

    def _env_for_task(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        # a worker has one core: a numeric library's own threads would take turns with other workers
        return {"OMP_NUM_THREADS": "1", **super()._env_for_task(*args, **kwargs)}

    def _setup_wrapper_script_content(self, setup: Any, **kwargs: Any) -> list[str]:
        lines: list[str] = super()._setup_wrapper_script_content(setup, **kwargs)
        # not in /tmp, where another user could put a link of that name
        own = f"exec 9>{shlex.quote(self._get_local_tmp_dir())}/wrapper.lock"
        lines = [own if line.startswith("exec 9>/tmp/wrapper.lock") else line for line in lines]
        # the task in the shell's place: a signal, an exit code and the driver's end reach it, not the shell
        return [*lines[:-1], f"exec {lines[-1]}"] if lines[-1] == '"$@"' else lines

    def _invoke_task_func(self, task_type: str, step_num: int, task_num: int) -> Callable[..., None]:
        command = self._substep_args(step_num, task_type)

        def invoke(stdin: Any, stdout: Any, stderr: Any, wd: str, env: dict[str, str]) -> None:
            try:
                self._processes.call(command, stdin=stdin, stdout=stdout, stderr=stderr, cwd=wd, env=env)
            except (CalledProcessError, OSError) as error:
                place = {"step_num": step_num, "num_steps": self._num_steps()}
                raise _TaskFailedException(
                    str(error), **place, task_type=task_type, task_num=task_num
                ) from error

        return invoke

    def _run_multiple(self, funcs: Iterable[Callable[[], None]], num_processes: int | None = None) -> None:
        # not in mrjob's pool of forks: a signal can get lost in one, and its end be waited for in vain
        self._processes = TaskProcesses(num_processes or self._workers())
        self._processes.run(funcs)
