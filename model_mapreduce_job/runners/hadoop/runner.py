"""mrjob's Hadoop runner made safe: whole output or none, no changed lines, one line for what goes wrong."""

from __future__ import annotations

import logging
import posixpath
import re
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mrjob.conf import combine_dicts
from mrjob.hadoop import HadoopJobRunner, fully_qualify_hdfs_path
from mrjob.logs.step import _interpret_hadoop_jar_command_stderr
from mrjob.step import StepFailedException

from model_mapreduce_job.bundle.choice import bundle_for
from model_mapreduce_job.driver.run_spec import RunSpec
from model_mapreduce_job.driver.runner import RunReport, step_report
from model_mapreduce_job.printable import printable
from model_mapreduce_job.runners.hadoop import blocks, part_compression, tables
from model_mapreduce_job.runners.hadoop.client_process import ClientProcess
from model_mapreduce_job.runners.hadoop.expected_tasks import expected_tasks
from model_mapreduce_job.runners.hadoop.shipped_code import PACKAGE, code_uri, ship_bundle, upload_code
from model_mapreduce_job.runners.hadoop.streaming_settings import step_settings
from model_mapreduce_job.runners.hadoop.submitted_job import SubmittedJob
from model_mapreduce_job.runners.hadoop.task_failures import TaskFailure, failure_found
from model_mapreduce_job.runners.shared import LocalTmp, default_opts, is_complete, itself, with_hadoop_shell
from model_mapreduce_job.runners.task_environment import ship_options, task_settings
from model_mapreduce_job.storage.cluster_paths import ClusterInputs, check_paths
from model_mapreduce_job.storage.hadoop_commands import ClusterError
from model_mapreduce_job.storage.inputs import is_remote
from model_mapreduce_job.storage.staged_output import StagedOutput
from model_mapreduce_job.storage.upload_names import UploadNames, plain_key
from model_mapreduce_job.task.signals import signals_held

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from model_mapreduce_job.plan.tasks import ExpectedTasks, InputSize
    from model_mapreduce_job.storage.java_server import ServedCommand

log = logging.getLogger("mrjob.hadoop")  # mrjob shows what its own loggers write

# By itself the client asks each second whether the job has ended
_PROMPT: Final = {"mapreduce.client.progressmonitor.pollinterval": "200"}
_UNREACHED: Final = re.compile(r"Retrying connect to server: (\S+?)\. Already tried (\d+) time")
_TRIES: Final = 9  # a client's own ten tries, a second apart; it would start over for a quarter of an hour


class HadoopRunner(HadoopJobRunner):
    """Runs the job on Hadoop, with every option of mrjob's own runner. Raises ModelMapReduceError."""

    mrjobs = itself
    # mrjob's own
    _output_dir: str
    _input_paths: list[str]
    _local_tmp_dir: str | None
    _upload_mgr: Any

    def __init__(self, **kwargs: Any) -> None:
        self._private = LocalTmp()
        super().__init__(**kwargs)
        self._job = SubmittedJob()
        self._leavings: list[str] = []
        self._published = ""
        self._bundle: Path | None = None
        self._spec = RunSpec()
        self._by_blocks = False
        self._ranges: dict[str, str] = {}
        self._failure: TaskFailure | None = None
        self._output: StagedOutput | None = None
        self._inputs: ClusterInputs | None = None
        self._upload_mgr = UploadNames(self._upload_mgr.prefix)
        if kwargs.get("output_dir"):
            self._output = StagedOutput(self._output_dir, self._job_key)

    @classmethod
    def _default_opts(cls) -> dict[str, Any]:
        return default_opts(super()._default_opts())

    @property
    def fs(self) -> Any:
        """The filesystems of mrjob's runner, with a Hadoop that needs few calls."""
        return with_hadoop_shell(super().fs, self._opts["hadoop_bin"], self._get_local_tmp_dir)

    def run(self) -> None:
        """Run the job; what it writes bears no name that a result has until publish()."""
        self._inputs = self._checked_inputs()
        self._input_paths = self._inputs.as_given_to_cluster()
        self._upload_mgr.shown = self._inputs.absolute()
        self.fs.hadoop.mkdir_for_all(posixpath.dirname(self._hadoop_tmp_dir))
        self._spec.check_columns()
        self._ship_bundle()
        here, there = Path(self._get_local_tmp_dir()), self._hadoop_tmp_dir
        upload_code(self.fs.hadoop, self._code_uri, here, there)
        try:
            super().run()
        except StepFailedException as error:
            raise (self._failure or TaskFailure(str(error))).error(self._upload_mgr.restore) from error
        self._inputs.check_unchanged(self.fs.hadoop)

    def prepare(self, spec: RunSpec) -> None:
        """Take what it needs to know of the run; raises for a bundle that tasks can't run in."""
        self.fs.hadoop.start()
        self._spec, self._by_blocks = blocks.prepared(self, spec)
        self._options_file = ship_options(self, self._spec.options.task)
        self._bundle = bundle_for(spec.options, self._opts)

    def check_places(self) -> None:
        """Raise what a run would be refused for by its input or its output's place."""
        self._checked_inputs()

    def expected_tasks(self, files: Sequence[InputSize], cores: int) -> ExpectedTasks:  # noqa: ARG002 - the protocol's
        """Return the tasks that Hadoop makes of files."""
        return expected_tasks(self._spec, self._opts["jobconf"], files, by_blocks=self._by_blocks)

    def report(self) -> RunReport:
        """Return what the run amounts to."""
        report = step_report(self.counters(), self._spec, counts_input=not self._hadoop_input_format)
        if not self._by_blocks:
            return report
        text = self.fs.hadoop.read([f"{self._step_output_uri(0)}/{blocks.REPORTS}/*"])
        return blocks.with_reports(report, text, self._upload_mgr.restore, self._spec)

    def stop(self) -> str:
        """Return what stands of a run that ends before its time: its output, once it was published."""
        return is_complete(self._published)

    def publish(self) -> None:
        """Make the output a result: the run was checked, and is whole."""
        if not self._output:
            return
        with signals_held(second_ends=True):
            if self._by_blocks:
                self.fs.hadoop.remove([f"{self._output.staging}/{blocks.REPORTS}"])
            self._output.publish(self.fs.hadoop)
            self._published, self._output = self._output.final, None

    def cat_output(self) -> Iterator[bytes]:
        """Yield the output in the order of its parts."""
        compressed = self._jobconf_for_step(self._num_steps() - 1).get(part_compression.COMPRESS)
        yield from self.fs.hadoop.read(
            [f"{self._output_dir}/part-*"], "-text" if compressed == "true" else "-cat"
        )

    # Before the run

    def _checked_inputs(self) -> ClusterInputs:
        output = self._output.final if self._output else None
        inputs = check_paths(self._input_paths, output, self.fs.hadoop)
        tables.refuse_if_changed(self._spec, inputs.before_by_absolute_path())
        return inputs

    def _ship_bundle(self) -> None:
        if self._bundle:
            ship_bundle(self, self._bundle, self._hadoop_tmp_dir, "python_bin")

    @property
    def _code_uri(self) -> str:
        return code_uri(fully_qualify_hdfs_path(self._opts["hadoop_tmp_dir"]))

    def _dir_archive_path(self, dir_path: str) -> str:
        # mrjob would pack it for each run, and each node unpack it for each run
        return self._code_uri if Path(dir_path) == PACKAGE else str(super()._dir_archive_path(dir_path))

    def _cmdenv(self) -> dict[str, str]:
        return {**task_settings(), **super()._cmdenv()}

    def _make_unique_job_key(self, label: str | None = None, owner: str | None = None) -> str:
        return plain_key(super()._make_unique_job_key(label, owner))

    def _get_local_tmp_dir(self) -> str:
        if not self._local_tmp_dir:
            self._local_tmp_dir = self._private.make(self._opts["local_tmp_dir"], self._job_key)
        return self._local_tmp_dir

    def _step_output_uri(self, step_num: int) -> str:
        last = step_num == self._num_steps() - 1
        return self._output.staging if last and self._output else str(super()._step_output_uri(step_num))

    def _upload_local_files(self) -> None:
        self._options_file.write_bytes(blocks.options_of_tasks(self._spec, self._uri_of).to_json())
        self._ranges = tables.list_ranges(self, self._spec, self._uri_of)
        with self.fs.hadoop.together():
            super()._upload_local_files()

    def _uri_of(self, path: str) -> str:
        """Return the URI that an input file has on the cluster."""
        return path if is_remote(path) else str(self._upload_mgr.uri(str(Path(path).absolute())))

    def _jobconf_for_step(self, step_num: int) -> dict[str, Any]:
        step = self._get_step(step_num)
        own = step_settings(self._job_key, step, self._spec, by_blocks=self._by_blocks)
        quick = {**_PROMPT, **(blocks.OF_SHORT_TASKS if self._by_blocks else {})}
        return dict(combine_dicts(quick, own, self._ranges, super()._jobconf_for_step(step_num)))

    # The run

    def _run_hadoop(
        self, hadoop_args: list[str], env: dict[str, str], record_callback: Callable[[dict[str, Any]], None]
    ) -> tuple[int, dict[str, Any]]:
        """Run the client; whatever ends this run ends the client and the application as well."""

        def read_record(record: dict[str, Any]) -> None:
            lines = map(printable, self._upload_mgr.restore(record["message"]).splitlines())
            record_callback({**record, "message": "\n".join(lines)})
            self._show_record(record["message"])

        job = self._job = SubmittedJob()
        client = self._start_client(hadoop_args, env)
        try:
            lines = job.learnt_from(client.lines())
            interpretation = _interpret_hadoop_jar_command_stderr(lines, record_callback=read_record)
        except BaseException:
            job.look_at(client.kill())
            job.end(self.fs.hadoop)
            self._leavings += job.leavings
            raise
        return client.code, interpretation

    def _start_client(self, command: list[str], environment: dict[str, str]) -> ServedCommand | ClientProcess:
        """Start the client, one that runs on this machine with this run's own directory for its files."""
        place = len(self.get_hadoop_bin()) + 2  # before all else that the command says to the client
        own = ["-D", f"stream.tmpdir={Path(self._get_local_tmp_dir()).absolute()}"]
        served = self.fs.hadoop.serve([*command[:place], *own, *command[place:]])
        return served or ClientProcess(command, environment)

    def _show_record(self, message: str) -> None:
        unreached = _UNREACHED.search(message)
        if unreached and int(unreached[2]) >= _TRIES and not self._job.id:
            raise ClusterError(
                f"The ResourceManager at {unreached[1]} can't be reached. "
                "Is it up, and does HADOOP_CONF_DIR name it?"
            )

    def _pick_error(self, log_interpretation: dict[str, Any], step_type: str) -> None:
        """Keep the cause of a failure for run() to tell, instead of letting mrjob write pages about it."""
        pick = partial(super()._pick_error, log_interpretation, step_type)
        self._failure = failure_found(lambda: self._explain(pick() or {}), self._job.application)
        for line in self._failure.traceback.splitlines():
            log.error("%s", printable(self._upload_mgr.restore(line)))

    def _ls_history_logs(self, job_id: str | None = None, **_: Any) -> Iterator[dict[str, Any]]:
        """Yield where YARN keeps a job's history; mrjob would find that of a user named hadoop alone."""
        staging = "hdfs:///tmp/hadoop-yarn/staging/history"
        for place in (f"{staging}/done_intermediate/*", f"{staging}/done/*/*/*/*"):
            for path in self.fs.hadoop.ls(f"{place}/{job_id}-*.jhist"):
                yield {"job_id": job_id, "path": path, "yarn": True}

    def _ls_task_logs(self, step_type: str, **given: Any) -> Iterator[dict[str, Any]]:
        if not given.get("attempt_to_container_id"):
            # without the job's history mrjob looks for names that YARN doesn't give, and finds nothing
            given["error_attempt_ids"] = None
        yield from super()._ls_task_logs(step_type, **given)

    def _explain(self, error: dict[str, Any]) -> TaskFailure:
        stderr = self._task_stderr(error)
        split = error.get("split") or {}
        return TaskFailure.of(stderr, error.get("hadoop_error", {}).get("message", ""), split.get("path", ""))

    def _task_stderr(self, error: dict[str, Any]) -> str:
        path = error.get("task_error", {}).get("path")
        if path:
            return b"".join(self.fs.cat(path)).decode(errors="replace")
        if not (self._job.id and error.get("container_id")):
            return ""
        return self._aggregated_stderr(error["container_id"])

    def _aggregated_stderr(self, container: str) -> str:
        """Return a task's standard error as YARN collected it; nothing when YARN has none."""
        of = ["-applicationId", self._job.application, "-containerId", container]
        with suppress(ClusterError):
            logs = self.fs.hadoop.invoke_hadoop(
                ["org.apache.hadoop.yarn.client.cli.LogsCLI", *of, "-log_files", "stderr"], return_stdout=True
            )
            return str(logs.decode(errors="replace"))
        return ""

    # After the run

    def cleanup(self, mode: Any = None) -> None:
        """Remove temporary files, and an output that was never published."""
        super().cleanup(mode)
        self.fs.hadoop.close()
        self._private.release()

    def _cleanup_hadoop_tmp(self) -> None:
        if self._inputs is None:
            return  # nothing was made, and what is in the output's place is another run's
        unpublished = [self._output.staging] if self._output else []
        with suppress(ClusterError):
            self.fs.hadoop.remove([self._hadoop_tmp_dir, *unpublished, *self._leavings])
