"""mrjob's inline and local runners, on the local engine: safe, in order, nothing copied."""

from __future__ import annotations

import io
import os
import shlex
from functools import partial
from itertools import count
from pathlib import Path
from subprocess import CalledProcessError
from typing import TYPE_CHECKING, Any

from mrjob.conf import combine_dicts
from mrjob.inline import InlineMRJobRunner
from mrjob.local import LocalMRJobRunner, _TaskFailedException
from mrjob.sim import SimMRJobRunner

from model_mapreduce_job.formats.lines import BLOCK_BYTES
from model_mapreduce_job.models.content_digest import comparable
from model_mapreduce_job.runners.hadoop.task_environment import OPTIONS_FILE
from model_mapreduce_job.runners.local.dist_cache import fill_dist_cache
from model_mapreduce_job.runners.local.local_run import LocalRun, MapStep
from model_mapreduce_job.runners.local.task_processes import TaskProcesses
from model_mapreduce_job.storage.inputs import STDIN, list_inputs, plan_inputs, refuse_if_filled, with_orders
from model_mapreduce_job.storage.parts import in_order
from model_mapreduce_job.storage.private_directory import PrivateDirectory
from model_mapreduce_job.task.model_process import SCRIPT, python_command, same_imports, start
from model_mapreduce_job.task.said import Said

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from model_mapreduce_job.storage.map_task import MapTask
    from model_mapreduce_job.storage.splits import Split
    from model_mapreduce_job.task.model_process import ModelProcess

# mrjob's options that reach the tasks, and so may change what they answer.
_REACHING_TASKS = (
    "cmdenv",
    "jobconf",
    "python_bin",
    "py_files",
    "setup",
    "upload_archives",
    "upload_dirs",
    "upload_files",
)
# Of these the content of the files that they name.
_NAMING_FILES = frozenset({"py_files", "setup", "upload_archives", "upload_dirs", "upload_files"})


class _OnLocalEngine(SimMRJobRunner):
    """What both of mrjob's local runners do in another way; its hooks are methods, so this is a subclass.

    Only steps whose mapper predicts go through the engine; the reducers, and other steps, are mrjob's own.
    """

    local_run: LocalRun
    _output_dir: str | None
    _local_tmp_dir: str | None

    def __init__(self, **kwargs: Any) -> None:
        self.local_run = LocalRun()
        self._private: PrivateDirectory | None = None
        self._keeps_tmp = True
        self._worker_numbers = count()
        super().__init__(**kwargs)

    @classmethod
    def _default_opts(cls) -> dict[str, Any]:
        own = {"cleanup_on_failure": ["ALL"], "check_input_paths": False}
        return dict(combine_dicts(super()._default_opts(), own))

    def run(self) -> None:
        """Run the job; what it writes is private, and under no name that a result has, until publish()."""
        self._inputs = list_inputs(self._input_paths)
        self._output_dir = self.local_run.prepare(self._output_dir, self._inputs, self._circumstances())
        umask = os.umask(0o077)
        try:
            super().run()
        finally:
            os.umask(umask)

    def _circumstances(self) -> dict[str, str]:
        """Return what of mrjob's options the output depends on: digests, for there may be secrets in them."""
        given = {name: self._opts.get(name) for name in _REACHING_TASKS}
        texts = {
            name: comparable(value, follow=name in _NAMING_FILES) for name, value in given.items() if value
        }
        return {**texts, "workers": str(self._workers())}

    def stop(self) -> str:
        """Keep what is finished, when a run ends before its time; return what to report of it."""
        return self.local_run.stop()

    def publish(self) -> None:
        """Make the output appear under its name: the run was checked, and is whole."""
        self._output_dir = self.local_run.publish() or self._output_dir

    def cleanup(self, mode: Any = None) -> None:
        """Remove temporary files; an output that was not published keeps what is finished, to resume from."""
        self.local_run.abandon()
        super().cleanup(mode)
        if self._private:
            self._private.release(stays=self._keeps_tmp)
            self._private = None

    def _cleanup_local_tmp(self) -> None:
        # mrjob only logs what it can't remove; the next run removes it
        self._keeps_tmp = False
        super()._cleanup_local_tmp()

    def cat_output(self) -> Iterator[bytes]:
        """Yield the output in the order of its parts; raises IncompleteRunError if one was changed."""
        self.local_run.verify()
        for part in in_order(Path(str(self._output_dir)).glob("part-*")):
            with part.open("rb", buffering=0) as file:
                yield from iter(partial(file.read, BLOCK_BYTES), b"")
            yield b""

    def _get_local_tmp_dir(self) -> str:
        if not self._local_tmp_dir:
            self._private = PrivateDirectory(self._opts["local_tmp_dir"], self._job_key)
            self._local_tmp_dir = str(self._private.path)
        return self._local_tmp_dir

    def _input_paths_for_step(self, step_num: int) -> list[str]:
        if step_num == 0:
            return self._inputs
        return list(map(str, in_order(map(Path, super()._input_paths_for_step(step_num)))))

    def _split_mapper_input(self, input_paths: list[str], step_num: int) -> Any:
        if step_num in self.local_run.plan.predicted_steps:
            splits = plan_inputs(input_paths, self._workers())
            return with_orders(splits, self.local_run.plan.column_orders)
        return super()._split_mapper_input(list(map(self._stored, input_paths)), step_num)

    def _run_mappers_and_combiners(self, step_num: int, map_splits: list[Split]) -> None:
        if step_num not in self.local_run.plan.predicted_steps:
            super()._run_mappers_and_combiners(step_num, map_splits)
            return
        tally, tasks = self.local_run.run_mappers(self._map_step(step_num), map_splits, self._stdin)
        refuse_if_filled(self._inputs if step_num == 0 else [], map_splits)
        groups = self._counters[step_num]
        for group, name, amount in tally.counters():
            groups.setdefault(group, {})[name] = amount
        # mrjob takes its length for how many tasks there were; a stream's are not known before
        map_splits[:] = map_splits[:1] * tasks
        if "combiner" in self._get_step(step_num):
            self._run_combiners(step_num, tasks)

    def _map_step(self, step_num: int) -> MapStep:
        return MapStep(
            part_path=lambda number: Path(self._task_output_path("mapper", step_num, number)).absolute(),
            start_worker=partial(self._start_worker, step_num),
            environment=partial(self._attempt_environment, step_num),
            workers=self._workers(),
            resumable=step_num == 0
            and self._num_steps() == 1
            and self._last_task_type_in_step(0) == "mapper",
            idle=self._first_workers(),
        )

    def _first_workers(self) -> list[ModelProcess]:
        """Return the worker that the driver has started, where this runner would start the same."""
        first = self.local_run.plan.first_worker
        if first is None or any(self._opts.get(name) for name in _REACHING_TASKS) or self._brings_files():
            return []
        worker = first.hand_over()
        if worker is None:
            return []
        worker.send(self.local_run.plan.begin)
        return [worker]

    def _run_combiners(self, step_num: int, tasks: int) -> None:
        for number in range(tasks):
            source, sorted_source = (
                Path(path(kind, step_num, number))
                for kind, path in (("mapper", self._task_output_path), ("combiner", self._task_input_path))
            )
            sorted_source.parent.mkdir(parents=True)
            self._sort_input_func()([str(source)], str(sorted_source))
        try:
            self._run_multiple(self._run_task_func("combiner", step_num, number) for number in range(tasks))
        finally:
            self._parse_task_counters("combiner", step_num)

    def _attempt_environment(self, step_num: int, task: MapTask, attempt: int) -> dict[str, str]:
        split = task.split
        place = {"file": split.path, "start": split.start, "length": split.length}
        jobconf = self._simulate_jobconf_for_step("mapper", step_num, task.number, place)
        environment = {name.replace(".", "_"): str(value) for name, value in jobconf.items()}
        for name in ("mapreduce_task_attempt_id", "mapred_task_id"):
            if name in environment:
                environment[name] = f"{environment[name].rpartition('_')[0]}_{attempt}"
        return environment

    def _start_worker(self, step_num: int) -> ModelProcess:
        """Start a worker, as a task of Hadoop's would be started, and send it the run's options."""
        number = next(self._worker_numbers)
        environment = {
            name: str(value) for name, value in self._env_for_task("mapper", step_num, number).items()
        }
        worker = start(
            self._worker_command(),
            environment=same_imports(environment),
            directory=self._worker_directory(step_num, number),
            said=Said(self.local_run.plan.show),
        )
        worker.send(self.local_run.plan.begin)
        return worker

    def _worker_directory(self, step_num: int, number: int) -> str | None:
        """Return the directory that a worker runs in: the person's own, unless the job brings files along."""
        return str(self._setup_working_dir("mapper", step_num, number)) if self._brings_files() else None

    def _brings_files(self) -> bool:
        """Return whether tasks have files beside them that the job brings along."""
        own = {self._script_path, str(Path(self._get_local_tmp_dir(), OPTIONS_FILE))}
        files = set(self._working_dir_mgr.paths("file")) - own
        return bool(files or self._working_dir_mgr.paths("archive"))

    def _create_dist_cache_dir(self, step_num: int) -> None:
        fill_dist_cache(self._working_dir_mgr, Path(self._dist_cache_dir(step_num)))

    def _stored(self, path: str) -> str:
        return self._get_input_paths()[self._input_paths.index(path)] if path == STDIN else path


class InlineRunner(_OnLocalEngine, InlineMRJobRunner):
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


class LocalRunner(_OnLocalEngine, LocalMRJobRunner):
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
