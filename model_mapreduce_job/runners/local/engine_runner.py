"""What mrjob's inline and local runners share on the local engine: safe, in order, nothing copied."""

from __future__ import annotations

import os
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mrjob.sim import SimMRJobRunner
from msgspec.structs import replace

from model_mapreduce_job.driver.runner import RunReport, step_report
from model_mapreduce_job.formats.lines import BLOCK_BYTES
from model_mapreduce_job.models.content_digest import comparable
from model_mapreduce_job.pipeline.several_counters import groups_of
from model_mapreduce_job.runners.local.dist_cache import fill_dist_cache
from model_mapreduce_job.runners.local.local_run import LocalRun, MapStep
from model_mapreduce_job.runners.shared import LocalTmp, default_opts, itself
from model_mapreduce_job.runners.task_environment import OPTIONS_FILE, ship_options
from model_mapreduce_job.storage.inputs import (
    STDIN,
    list_inputs,
    refuse_if_filled,
    split_inputs,
    with_orders,
    with_states,
)
from model_mapreduce_job.storage.parts import sorted_parts
from model_mapreduce_job.storage.table_files import refuse_if_changed_since, split_tables
from model_mapreduce_job.task.delimited_options import text_reading
from model_mapreduce_job.task.model_output import ModelOutput
from model_mapreduce_job.task.model_process import same_imports, start

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from model_mapreduce_job.driver.run_spec import RunSpec
    from model_mapreduce_job.pipeline.task_report import TaskReport
    from model_mapreduce_job.plan.tasks import ExpectedTasks, InputSize
    from model_mapreduce_job.storage.splits import MapTask, Split
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


class LocalEngineRunner(SimMRJobRunner):
    """What both of mrjob's local runners do in another way; its hooks are methods, so this is a subclass.

    Only steps whose mapper predicts go through the engine; the reducers, and other steps, are mrjob's own.
    """

    local_run: LocalRun
    mrjobs = itself
    _output_dir: str | None
    _local_tmp_dir: str | None

    def __init__(self, **kwargs: Any) -> None:
        self.local_run = LocalRun()
        self._private = LocalTmp()
        self._keeps_tmp = True
        self._reports: dict[int, TaskReport] = {}
        self._worker_numbers = count()
        super().__init__(**kwargs)

    @classmethod
    def _default_opts(cls) -> dict[str, Any]:
        return default_opts(super()._default_opts())

    def prepare(self, spec: RunSpec) -> None:
        """Take what it needs to know of the run."""
        self.local_run.spec = spec
        ship_options(self, spec.options.task)

    def check_places(self) -> None:
        """Raise what a run would be refused for by its input or its output's place."""
        list_inputs(self._input_paths)
        self.local_run.check_output(self._output_dir)

    def expected_tasks(self, files: Sequence[InputSize], cores: int) -> ExpectedTasks:  # noqa: ARG002 - the protocol's
        """Return the tasks that the engine makes of files."""
        splits = self._splits([file.path for file in files])
        return self.local_run.expected_tasks(splits, files, self._workers())

    def run(self) -> None:
        """Run the job; what it writes is private, and under no name that a result has, until publish()."""
        self._inputs = list_inputs(self._input_paths)
        self._output_dir = self.local_run.prepare(self._output_dir, self._inputs, self._mrjob_identity())
        umask = os.umask(0o077)
        try:
            super().run()
        finally:
            os.umask(umask)

    def _mrjob_identity(self) -> dict[str, str]:
        """Return mrjob's options that the output depends on: digests, for there may be secrets in them."""
        given = {name: self._opts.get(name) for name in _REACHING_TASKS}
        texts = {
            name: comparable(value, follow=name in _NAMING_FILES) for name, value in given.items() if value
        }
        return {**texts, "num_cores": str(self._workers())}

    def report(self) -> RunReport:
        """Return what the run amounts to."""
        spec = self.local_run.spec
        report = replace(step_report(self.counters(), spec), input_records=spec.table_rows)
        tasks = self._reports.get(spec.predicted_step)
        return replace(report, tasks=tasks, models=self.local_run.models)

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
        self._private.release(stays=self._keeps_tmp)

    def _cleanup_local_tmp(self) -> None:
        # mrjob only logs what it can't remove; the next run removes it
        self._keeps_tmp = False
        super()._cleanup_local_tmp()

    def cat_output(self) -> Iterator[bytes]:
        """Yield the output in the order of its parts; raises IncompleteRunError if one was changed."""
        self.local_run.verify()
        for part in sorted_parts(Path(str(self._output_dir)).glob("part-*")):
            with part.open("rb", buffering=0) as file:
                yield from iter(partial(file.read, BLOCK_BYTES), b"")
            yield b""

    def _get_local_tmp_dir(self) -> str:
        if not self._local_tmp_dir:
            self._local_tmp_dir = self._private.make(self._opts["local_tmp_dir"], self._job_key)
        return self._local_tmp_dir

    def _input_paths_for_step(self, step_num: int) -> list[str]:
        if step_num == 0:
            return self._inputs
        return list(map(str, sorted_parts(map(Path, super()._input_paths_for_step(step_num)))))

    def _split_mapper_input(self, input_paths: list[str], step_num: int) -> Any:
        spec = self.local_run.spec
        if step_num not in spec.predicted_steps:
            return super()._split_mapper_input(list(map(self._stored, input_paths)), step_num)
        return self._splits(input_paths)

    def _splits(self, input_paths: list[str]) -> list[Split]:
        spec = self.local_run.spec
        if spec.begin.tables.is_read:
            return split_tables(spec.table_files, self._workers())
        whole = not text_reading(spec.options.task).splits_at_lines
        splits = split_inputs(input_paths, self._workers(), whole=whole)
        return with_orders(with_states(splits, spec.input_states), spec.column_orders)

    def _run_mappers_and_combiners(self, step_num: int, map_splits: list[Split]) -> None:
        if step_num not in self.local_run.spec.predicted_steps:
            super()._run_mappers_and_combiners(step_num, map_splits)
            return
        report, tasks = self.local_run.run_mappers(self._map_step(step_num), map_splits, self._stdin)
        if self.local_run.spec.begin.tables.is_read:
            refuse_if_changed_since(self.local_run.spec.table_files)
        else:
            refuse_if_filled(self._inputs if step_num == 0 else [], map_splits)
        self._reports[step_num] = report
        groups = self._counters[step_num]
        for group, amounts in groups_of(report).items():
            groups.setdefault(group, {}).update(amounts)
        # mrjob takes its length for how many tasks there were; a stream's are not known before
        map_splits[:] = map_splits[:1] * tasks
        if "combiner" in self._get_step(step_num):
            self._run_combiners(step_num, tasks)

    def _map_step(self, step_num: int) -> MapStep:
        is_whole_job = self._num_steps() == 1 and self._last_task_type_in_step(0) == "mapper"
        return MapStep(
            part_path=partial(self._part_path, step_num),
            start_worker=partial(self._start_worker, step_num),
            environment=partial(self._attempt_environment, step_num),
            workers=self._workers(),
            resumable=step_num == 0 and is_whole_job,
            idle=self._first_workers(),
        )

    def _part_path(self, step_num: int, number: int) -> Path:
        """Return the place of a task's output."""
        path = Path(self._task_output_path("mapper", step_num, number)).absolute()
        return path.with_suffix(self.local_run.spec.begin.part_ending)

    def _first_workers(self) -> list[ModelProcess]:
        """Return the workers that the driver has started, where this runner would start the same."""
        first = self.local_run.spec.first_worker
        if first is None or any(self._opts.get(name) for name in _REACHING_TASKS) or self._brings_files():
            return []
        there = first.hand_over()
        for spare in there[: -self._workers()]:
            spare.end()
        workers = there[-self._workers() :]
        for worker in workers:
            worker.send(self.local_run.spec.begin)
        return workers

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
        place = {"file": task.file, "start": task.splits[0].start, "length": task.length}
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
            model_output=ModelOutput(self.local_run.spec.show),
        )
        worker.send(self.local_run.spec.begin)
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
