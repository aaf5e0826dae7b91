"""mrjob's inline and local runners, on the local engine: safe, in order, nothing copied."""

from __future__ import annotations

import io
import os
import sys
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mrjob.conf import combine_dicts
from mrjob.inline import InlineMRJobRunner
from mrjob.local import LocalMRJobRunner
from mrjob.sim import _run_mapper_and_combiner

from model_mapreduce_job.runners import worker_process
from model_mapreduce_job.runners.dist_cache import fill_dist_cache
from model_mapreduce_job.runners.inputs import STDIN, list_inputs, plan_inputs
from model_mapreduce_job.runners.local_run import LocalRun, absolute_paths, make_private_directory
from model_mapreduce_job.runners.worker import WORKER_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from model_mapreduce_job.runners.map_task import MapTask
    from model_mapreduce_job.runners.splits import Split
    from model_mapreduce_job.runners.worker_process import WorkerProcess


class _OnLocalEngine:
    """What both of mrjob's local runners do in another way; its hooks are methods, so this is a mixin.

    Only steps whose mapper predicts go through the engine; the reducers, and other steps, are mrjob's own.
    """

    local_run: LocalRun

    def __init__(self, **kwargs: Any) -> None:
        self.local_run = LocalRun()
        self._worker_numbers = count()
        super().__init__(**kwargs)

    @classmethod
    def _default_opts(cls) -> dict[str, Any]:
        return combine_dicts(super()._default_opts(), {"cleanup_on_failure": ["ALL"], "check_input_paths": False})

    def run(self) -> None:
        """Run the job; what it writes is private, and under no name that a result has, until publish()."""
        umask = os.umask(0o077)
        final = self._output_dir
        try:
            self._inputs = list_inputs(self._input_paths, self.fs.ls)
            self._output_dir = self.local_run.prepare(final, self._inputs)
            super().run()
        finally:
            os.umask(umask)

    def publish(self) -> None:
        """Make the output appear under its name: the run was checked, and is whole."""
        self._output_dir = self.local_run.publish() or self._output_dir

    def cleanup(self, mode: Any = None) -> None:
        """Remove temporary files, and an output that was never published."""
        self.local_run.abandon(keep_parts=False)
        super().cleanup(mode)

    def cat_output(self) -> Iterator[bytes]:
        """Yield the output in the order of its parts."""
        for part in sorted(Path(self._output_dir).glob("part-*")):
            with part.open("rb") as file:
                yield from iter(partial(file.read, 1 << 20), b"")
            yield b""

    def _get_local_tmp_dir(self) -> str:
        if not self._local_tmp_dir:
            path = make_private_directory(self._opts["local_tmp_dir"], self._job_key)
            self._local_tmp_dir = str(path)
        return self._local_tmp_dir

    def _input_paths_for_step(self, step_num: int) -> list[str]:
        return self._inputs if step_num == 0 else sorted(super()._input_paths_for_step(step_num))

    def _split_mapper_input(self, input_paths: list[str], step_num: int) -> Any:
        if step_num in self.local_run.plan.predicted_steps:
            return plan_inputs(input_paths, self._workers())
        return super()._split_mapper_input(list(map(self._stored, input_paths)), step_num)

    def _run_mappers_and_combiners(self, step_num: int, map_splits: list[Split]) -> None:
        if step_num not in self.local_run.plan.predicted_steps:
            super()._run_mappers_and_combiners(step_num, map_splits)
            return
        tally, tasks = self.local_run.run_mappers(
            map_splits,
            self._stdin,
            lambda number: Path(self._task_output_path("mapper", step_num, number)),
            partial(self._start_worker, step_num),
            partial(self._attempt_environment, step_num),
            self._workers(),
        )
        groups = self._counters[step_num]
        for group, name, amount in tally.counters():
            groups.setdefault(group, {})[name] = amount
        map_splits[:] = [split for split in map_splits[:1] for _ in range(tasks)]
        if "combiner" in self._get_step(step_num):
            self._run_multiple(self._combiner(step_num, number) for number in range(tasks))

    def _combiner(self, step_num: int, number: int) -> Callable[[], None]:
        combine = self._run_mapper_and_combiner_func(step_num, number, None)
        return partial(_run_mapper_and_combiner, _already_run, *combine.args[1:])

    def _attempt_environment(self, step_num: int, task: MapTask, attempt: int) -> dict[str, str]:
        place = {"file": os.path.abspath(task.split.path), "start": task.split.start, "length": task.split.length}  # noqa: PTH100
        jobconf = self._simulate_jobconf_for_step("mapper", step_num, task.number, place)
        environment = {name.replace(".", "_"): str(value) for name, value in jobconf.items()}
        for name in ("mapreduce_task_attempt_id", "mapred_task_id"):
            if name in environment:
                environment[name] = f"{environment[name].rpartition('_')[0]}_{attempt}"
        return environment

    def _worker_place(self, step_num: int) -> tuple[str, dict[str, str], Path]:
        """Return a new worker's directory, environment and log."""
        number = next(self._worker_numbers)
        directory = self._setup_working_dir("mapper", step_num, number)
        environment = {name: str(value) for name, value in self._env_for_task("mapper", step_num, number).items()}
        environment["PYTHONPATH"] = os.pathsep.join(
            absolute_paths(filter(None, environment.get("PYTHONPATH", "").split(os.pathsep)))
        )
        return directory, environment, Path(self._task_stderr_path("mapper", step_num, number))

    def _create_dist_cache_dir(self, step_num: int) -> None:
        fill_dist_cache(self._working_dir_mgr, Path(self._dist_cache_dir(step_num)))

    def _stored(self, path: str) -> str:
        return self._get_input_paths()[self._input_paths.index(path)] if path == STDIN else path


class InlineRunner(_OnLocalEngine, InlineMRJobRunner):
    """Runs the job's tasks in a forked copy of this process, one after the other."""

    def _workers(self) -> int:
        return 1

    def _start_worker(self, step_num: int, others: list[WorkerProcess]) -> WorkerProcess:
        directory, environment, log = self._worker_place(step_num)
        arguments = self._args_for_task(step_num, "mapper")

        def live() -> None:
            sys.path[:] = [directory, *absolute_paths(sys.path)]
            os.chdir(directory)
            os.environ.update(environment, **{WORKER_VARIABLE: "1"})
            self._mrjob_cls(arguments).execute()

        return worker_process.fork(live, log, others)

    def _invoke_task_func(self, task_type: str, step_num: int, task_num: int) -> Callable[..., None]:
        invoke = super()._invoke_task_func(task_type, step_num, task_num)

        def invoke_with_text_streams(stdin: Any, stdout: Any, stderr: Any, wd: str, env: dict[str, str]) -> None:
            # mrjob gives bare binary files, to which nothing that prints or warns can write
            streams = [io.TextIOWrapper(stream, write_through=True) for stream in (stdin, stdout, stderr)]
            try:
                invoke(*streams, wd, env)
            finally:
                for stream in streams:
                    stream.detach()

        return invoke_with_text_streams


class LocalRunner(_OnLocalEngine, LocalMRJobRunner):
    """Runs the job's tasks in as many processes as there are cores, each started as Hadoop would start it."""

    def _workers(self) -> int:
        return int(self._num_cores())

    def _start_worker(self, step_num: int, _others: list[WorkerProcess]) -> WorkerProcess:
        directory, environment, log = self._worker_place(step_num)
        return worker_process.start_command(self._substep_args(step_num, "mapper"), directory, environment, log)

    def _cleanup_local_tmp(self) -> None:
        super()._cleanup_local_tmp()
        # mrjob's setup script takes a lock there and leaves it
        Path(f"/tmp/wrapper.lock.{self._job_key}").unlink(missing_ok=True)  # noqa: S108 - mrjob's name for it


def _already_run() -> None:
    """Stand for a mapper that the engine has run."""
