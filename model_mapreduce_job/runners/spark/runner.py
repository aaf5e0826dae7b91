"""mrjob's Spark runner made safe: lines as they are, counters that count once, whole output or none."""

from __future__ import annotations

import json
import posixpath
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mrjob.bin import MRJobBinRunner
from mrjob.spark.runner import SparkMRJobRunner
from msgspec.structs import replace

from model_mapreduce_job.bundle.choice import bundle_for
from model_mapreduce_job.driver.run_spec import RunSpec
from model_mapreduce_job.driver.runner import RunReport, step_report
from model_mapreduce_job.runners.hadoop import part_compression, tables
from model_mapreduce_job.runners.hadoop.shipped_code import ship_bundle
from model_mapreduce_job.runners.shared import LocalTmp, default_opts, is_complete, itself, with_hadoop_shell
from model_mapreduce_job.runners.spark import submission
from model_mapreduce_job.runners.spark.advance import ProgramInAdvance
from model_mapreduce_job.runners.spark.expected_tasks import expected_tasks
from model_mapreduce_job.runners.spark.table_plan import TablePlan, plan_of
from model_mapreduce_job.runners.task_environment import ship_options, task_settings
from model_mapreduce_job.storage.cluster_paths import absolute_path, check_paths, uri_of
from model_mapreduce_job.storage.hadoop_commands import ClusterError
from model_mapreduce_job.storage.inputs import is_remote
from model_mapreduce_job.storage.parts import sorted_parts
from model_mapreduce_job.storage.staged_output import LocalOutputs, StagedOutput
from model_mapreduce_job.storage.upload_names import UploadNames, escape_pattern, plain_key
from model_mapreduce_job.task.signals import signals_held

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from model_mapreduce_job.pipeline.task_report import TaskReport
    from model_mapreduce_job.plan.tasks import ExpectedTasks, InputSize
    from model_mapreduce_job.storage.cluster_paths import ClusterInputs
    from model_mapreduce_job.task.run_options import RunOptions

HARNESS: Final = Path(__file__).with_name("harness.py")
LOCAL_PROGRAM: Final = Path(__file__).with_name("local_program.py")
JOB_MODULE: Final = "model_mapreduce_job.ml_model_map_reduce_job"


class SparkRunner(SparkMRJobRunner):
    """Runs the job on Spark, with every option of mrjob's own runner. Raises ModelMapReduceError."""

    mrjobs = itself
    _output_dir: str
    _input_paths: list[str]
    _local_tmp_dir: str | None
    _upload_mgr: Any
    _published = ""

    def __init__(self, **kwargs: Any) -> None:
        self._private = LocalTmp()
        super().__init__(**kwargs)
        self._bundle: Path | None = None
        self._spec = RunSpec()
        self._output: StagedOutput | None = None
        self._inputs: ClusterInputs | None = None
        self._reports: dict[int, TaskReport] = {}
        self._links = UploadNames("")
        self._plan: TablePlan | None = None
        self.advance: ProgramInAdvance | None = None
        if self._on_this_machine():  # where tasks have what this process has, unless they have another Python
            self._dir_to_archive_path.clear()
            if not (self._opts["python_bin"] or self._opts["task_python_bin"]):
                self._opts["bootstrap_mrjob"] = bool(self._opts["bootstrap_mrjob"])
        if self._upload_mgr:
            self._upload_mgr = UploadNames(self._upload_mgr.prefix)
        if kwargs.get("output_dir"):
            self._output_dir = absolute_path(self._output_dir)
            self._output = StagedOutput(self._output_dir, self._job_key)

    @classmethod
    def _default_opts(cls) -> dict[str, Any]:
        return default_opts(super()._default_opts())

    @property
    def fs(self) -> Any:
        """The filesystems of mrjob's runner, with a Hadoop that needs few calls."""
        return with_hadoop_shell(super().fs, self._opts["hadoop_bin"], self._get_local_tmp_dir)

    def in_advance(self, options: RunOptions) -> ProgramInAdvance | None:
        """Start what a run with these options starts first, on this machine; raises InputError for them."""
        is_plain = self._on_this_machine() and self._get_step(0)["type"] == "streaming"
        if not is_plain or self._bootstrap_mrjob():
            return None
        self._spec = part_compression.checked(RunSpec(options=options), self._opts["jobconf"], by_tasks=False)
        return ProgramInAdvance(*self._program(0), self._private)

    def run(self) -> None:
        """Run the job; what it writes bears no name that a result has until publish()."""
        self._inputs = self._checked_inputs()
        self._input_paths = self._inputs.as_given_to_cluster()
        if self._plan and self._plan.reads:
            paths = (file.path for file in self._spec.table_files)
            self._input_paths = [escape_pattern(path) if is_remote(path) else path for path in paths]
        if is_remote(self._spark_tmp_dir):
            self.fs.hadoop.mkdir_for_all(posixpath.dirname(self._spark_tmp_dir))
        self._spec.check_columns()
        if self._bundle:
            ship_bundle(self, self._bundle, self._spark_tmp_dir, "task_python_bin")
        super().run()
        self._inputs.check_unchanged(self.fs.hadoop)

    def prepare(self, spec: RunSpec) -> None:
        """Take what it needs to know of the run; raises for a bundle that tasks can't run in."""
        self._spec = part_compression.checked(spec, self._opts["jobconf"], by_tasks=False)
        self._plan = plan_of(self._spec, self._spark_deploy_mode())
        ship_options(self, self._spec.options.task)
        self._bundle = None if self._on_this_machine() else bundle_for(spec.options, self._opts)

    def check_places(self) -> None:
        """Raise what a run would be refused for by its master, its input or its output's place."""
        self._checked_inputs()

    def expected_tasks(self, files: Sequence[InputSize], cores: int) -> ExpectedTasks:
        """Return the tasks that Spark makes of files, on this many cores."""
        return expected_tasks(self._spec, self._opts["jobconf"], files, cores, self._max_output_files)

    def report(self) -> RunReport:
        """Return what the run amounts to."""
        tasks = self._reports.get(self._spec.predicted_step)
        report = step_report(self.counters(), self._spec)
        return replace(report, tasks=tasks, input_records=self._spec.table_rows)

    def stop(self) -> str:
        """Return what stands of a run that ends before its time: its output, once it was published."""
        return is_complete(self._published)

    def publish(self) -> None:
        """Make the output a result: the run was checked, and is whole."""
        with signals_held(second_ends=True):
            if self._output:
                self._output.publish(self._output_filesystem())
                self._published, self._output = self._output.final, None

    def cat_output(self) -> Iterator[bytes]:
        """Yield the output in the order of its parts."""
        if is_remote(self._output_dir):
            yield from self.fs.hadoop.read([f"{self._output_dir}/part-*"], "-text")
            return
        for part in sorted_parts(Path(self._output_dir).glob("part-*")):
            yield from self.fs.local._cat_file(str(part))  # as mrjob's own runners do

    def _spark_master(self) -> str:
        """Return the master, a local one with as many tries for a task as a cluster has."""
        return submission.with_tries(str(super()._spark_master()))

    def _on_this_machine(self) -> bool:
        return not self._spark_executors_have_own_wd()

    def _emulate_archives_on_spark(self) -> bool:
        return False  # since Spark 3.1 --archives works on every master

    def _job_script_module_name(self) -> str:
        is_own = self._mrjob_cls.__module__ == JOB_MODULE
        return JOB_MODULE if is_own and self._on_this_machine() else str(super()._job_script_module_name())

    def _py_files(self) -> list[str]:
        of_all = SparkMRJobRunner if not self._on_this_machine() else MRJobBinRunner
        return list(of_all._py_files(self))

    def _make_unique_job_key(self, label: str | None = None, owner: str | None = None) -> str:
        return plain_key(super()._make_unique_job_key(label, owner))

    def _get_local_tmp_dir(self) -> str:
        if not self._local_tmp_dir:
            self._local_tmp_dir = self._private.make(self._opts["local_tmp_dir"], self._job_key)
        return self._local_tmp_dir

    def _pick_spark_tmp_dir(self) -> str:
        if self._opts["spark_tmp_dir"] or not self._on_this_machine():
            return str(super()._pick_spark_tmp_dir())
        return str(Path(self._get_local_tmp_dir(), "spark"))

    def _step_input_uris(self, step_num: int) -> list[str]:
        if step_num or self._upload_mgr:
            return list(super()._step_input_uris(step_num))
        place = Path(absolute_path(self._spark_tmp_dir), "inputs")
        link = partial(submission.link_to, directory=place, names=self._links)
        return [path if is_remote(path) else f"file://{link(path)}" for path in self._get_input_paths()]

    def _restore(self, text: str) -> str:
        """Return Spark's words with the person's names of files in them."""
        shown = self._inputs.absolute() if self._inputs else {}
        return submission.restored(text, (self._upload_mgr, self._links), shown)

    def _step_output_uri(self, step_num: int) -> str:
        if self._output and step_num == self._num_steps() - 1:
            return uri_of(self._output.staging)
        return str(super()._step_output_uri(step_num))

    def _output_filesystem(self) -> Any:
        return self.fs.hadoop if is_remote(self._output_dir) else LocalOutputs()

    def _checked_inputs(self) -> ClusterInputs:
        submission.check_submission(self._spark_master(), self.get_spark_submit_bin())
        output = self._output.final if self._output else None
        inputs = check_paths(self._input_paths, output, self.fs.hadoop)
        tables.refuse_if_changed(self._spec, inputs.before_by_absolute_path())
        return inputs

    def _cmdenv(self) -> dict[str, str]:
        return {**task_settings(), **super()._cmdenv()}

    def _upload_local_files(self) -> None:
        with self.fs.hadoop.together():
            super()._upload_local_files()

    def _default_python_bin(self, local: bool = False) -> list[str]:
        return list(super()._default_python_bin(local=local or self._on_this_machine()))

    def _spark_cmdenv(self, step_num: int) -> dict[str, str]:
        environment = dict(super()._spark_cmdenv(step_num))
        if self._spark_deploy_mode() == "client" and not self._opts["python_bin"]:
            environment["PYSPARK_DRIVER_PYTHON"] = sys.executable  # the one that is known to have pyspark
        return environment

    def _jobconf_for_step(self, step_num: int) -> dict[str, Any]:
        own = submission.own_settings(is_local=self._on_this_machine())
        compressed = part_compression.settings(self._spec.options)
        return {**own, **compressed, **super()._jobconf_for_step(step_num)}

    def _spark_harness_path(self) -> str:
        return str(LOCAL_PROGRAM if self._on_this_machine() else HARNESS)

    def _spark_script_args(self, step_num: int, last_step_num: int | None = None) -> list[str]:
        args = [*self._script_option(), *super()._spark_script_args(step_num, last_step_num)]
        inputs = json.dumps(self._step_input_uris(step_num))
        own = [*self._own_options(), *self._table_options(step_num)]
        return [*args, "--result", self._result_path(step_num), "--input-paths", inputs, *own]

    def _script_option(self) -> list[str]:
        """Return what gives the local program the script of a job that is in no package."""
        is_there = not self._on_this_machine() or self._job_script_module_name() == JOB_MODULE
        return [] if is_there else ["--script", self._create_job_script_zip()]

    def _own_options(self) -> list[str]:
        """Return what names the job's options to a driver program that doesn't run where tasks do."""
        files = [argument["path"] for argument in self._extra_args if isinstance(argument, dict)]
        in_client = self._spark_deploy_mode() == "client" and not self._on_this_machine()
        return ["--options-here", files[0]] if files and in_client else []

    def _table_options(self, step_num: int) -> list[str]:
        """Return what names the plan of a run with tables, which is written now."""
        if self._plan is None:
            return []
        path = Path(self._get_local_tmp_dir(), "tables.json")
        self._plan.write(path, self._spec.table_files, self._step_input_uris(step_num))
        return ["--tables", str(path)]

    def _result_path(self, step_num: int) -> str:
        """Return where the driver program leaves counters: on this machine, if that's where it runs."""
        place = self._get_local_tmp_dir() if self._spark_deploy_mode() == "client" else self._spark_tmp_dir
        return f"{place}/result-of-step-{step_num}.json"

    def _run_step_on_spark(
        self, step: dict[str, Any], step_num: int, last_step_num: int | None = None
    ) -> None:
        if step["type"] != "streaming":
            super()._run_step_on_spark(step, step_num, last_step_num)
            return
        command, environment = self._program(step_num)
        arguments = self._spark_script_args(step_num, last_step_num)
        client = self.advance and self.advance.take(command, environment, arguments)
        client = client or submission.start([*command, *arguments], environment)
        result = submission.result_of(client, self._result_path(step_num), self.fs.hadoop, self._restore)
        self._counters += result["counters"]
        self._reports |= submission.reports_in(result, step_num, self._restore)

    def _program(self, step_num: int) -> tuple[list[str], dict[str, str]]:
        """Return what starts a step's driver program, up to its arguments, and its environment."""
        submit = [*self.get_spark_submit_bin(), *self._spark_submit_args(step_num)]
        environment = submission.environment(self._spark_cmdenv(step_num), is_local=self._on_this_machine())
        return [*submit, self._spark_script_path(step_num)], environment

    def cleanup(self, mode: Any = None) -> None:
        """Remove temporary files, and an output that was never published."""
        super().cleanup(mode)
        self.fs.hadoop.close()
        self._private.release()

    def _cleanup_local_tmp(self) -> None:
        if self._output and self._inputs:  # which were checked together: it is this run's own
            with suppress(ClusterError):
                self._output.abandon(self._output_filesystem())
        if self._inputs and is_remote(self._spark_tmp_dir):
            with suppress(ClusterError):
                self.fs.hadoop.remove([self._spark_tmp_dir])
        super()._cleanup_local_tmp()
