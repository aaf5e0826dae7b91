"""mrjob's Hadoop runner made safe: whole output or none, no changed lines, one line for what goes wrong."""

from __future__ import annotations

import logging
import posixpath
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from mrjob.conf import combine_dicts
from mrjob.hadoop import HadoopJobRunner, fully_qualify_hdfs_path
from mrjob.logs.step import _interpret_hadoop_jar_command_stderr
from mrjob.step import StepFailedException

from model_mapreduce_job.printable import printable
from model_mapreduce_job.runners.hadoop import task_environment
from model_mapreduce_job.runners.hadoop.client_process import start_client
from model_mapreduce_job.runners.hadoop.streaming_settings import streaming_settings
from model_mapreduce_job.runners.hadoop.task_environment import find_bundle, upload_bundle
from model_mapreduce_job.runners.hadoop.task_failures import TaskFailure
from model_mapreduce_job.storage.cluster_paths import ClusterInputs, check_paths
from model_mapreduce_job.storage.given_names import GivenNames, plain_key
from model_mapreduce_job.storage.hadoop_fs import ClusterError, HadoopShell
from model_mapreduce_job.storage.private_directory import PrivateDirectory
from model_mapreduce_job.storage.staged_output import StagedOutput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

log = logging.getLogger("mrjob.hadoop")  # mrjob shows what its own loggers write

_APPLICATION: Final = re.compile(r"Submitted application (application_\d+_\d+)")
_UNREACHED: Final = re.compile(r"Retrying connect to server: (\S+?)\. Already tried (\d+) time")
_TRIES: Final = 9  # a client's own ten tries, a second apart; it would start over for a quarter of an hour


class HadoopRunner(HadoopJobRunner):
    """Runs the job on Hadoop, with every option of mrjob's own runner. Raises ModelMapReduceError."""

    # mrjob's own
    _output_dir: str
    _input_paths: list[str]
    _local_tmp_dir: str | None
    _upload_mgr: Any

    def __init__(self, **kwargs: Any) -> None:
        self._private: PrivateDirectory | None = None
        super().__init__(**kwargs)
        self._application = ""
        self._bundle: Path | None = None
        self._failure: TaskFailure | None = None
        self._output: StagedOutput | None = None
        self._inputs: ClusterInputs | None = None
        self._upload_mgr = GivenNames(self._upload_mgr.prefix)
        if kwargs.get("output_dir"):
            self._output = StagedOutput(self._output_dir, self._job_key)

    @classmethod
    def _default_opts(cls) -> dict[str, Any]:
        own = {"cleanup_on_failure": ["ALL"], "check_input_paths": False}
        return dict(combine_dicts(super()._default_opts(), own))

    @property
    def fs(self) -> Any:
        """The filesystems of mrjob's runner, with a Hadoop that needs few calls."""
        is_new = self._fs is None
        filesystems = super().fs
        if is_new:
            filesystems.hadoop = HadoopShell(self._opts["hadoop_bin"] or None)
        return filesystems

    def run(self) -> None:
        """Run the job; what it writes bears no name that a result has until publish()."""
        output = self._output.final if self._output else None
        self._inputs = check_paths(self._input_paths, output, self.fs.hadoop)
        self._input_paths = self._inputs.as_given_to_cluster()
        self._upload_mgr.shown = self._inputs.absolute()
        self.fs.hadoop.mkdir_for_all(posixpath.dirname(self._hadoop_tmp_dir))
        self._ship_bundle()
        try:
            super().run()
        except StepFailedException as error:
            raise (self._failure or TaskFailure(str(error))).error(self._upload_mgr.restore) from error
        self._inputs.check_unchanged(self.fs.hadoop)

    def use_bundle(self, option: str | None) -> None:
        """Run tasks in the bundle that --bundle asks for, unless a Python is named for them."""
        if not (self._opts["python_bin"] or self._opts["task_python_bin"]):
            self._bundle = find_bundle(option)

    def publish(self) -> None:
        """Make the output a result: the run was checked, and is whole."""
        if self._output:
            self._output.publish(self.fs.hadoop)
            self._output = None

    def input_records(self) -> int | None:
        """Return how many records Hadoop itself gave to the first step's mappers; None when unknown."""
        counters = (self.counters() or [{}])[0].get("Map-Reduce Framework", {})
        return None if self._hadoop_input_format else counters.get("Map input records")

    def cat_output(self) -> Iterator[bytes]:
        """Yield the output in the order of its parts."""
        compressed = self._jobconf_for_step(self._num_steps() - 1).get(
            "mapreduce.output.fileoutputformat.compress"
        )
        yield from self.fs.hadoop.read(
            [f"{self._output_dir}/part-*"], "-text" if compressed == "true" else "-cat"
        )

    # Before the run

    def _ship_bundle(self) -> None:
        if self._bundle is None:
            return
        directory = fully_qualify_hdfs_path(self._opts["hadoop_tmp_dir"])
        uri = upload_bundle(self._bundle, self.fs.hadoop, directory)
        self._working_dir_mgr.add("archive", uri, name=task_environment.NAME)
        self._opts["python_bin"] = [task_environment.PYTHON]
        self._opts["bootstrap_mrjob"] = False  # the bundle has it

    def _cmdenv(self) -> dict[str, str]:
        return {**task_environment.task_settings(), **super()._cmdenv()}

    def _make_unique_job_key(self, label: str | None = None, owner: str | None = None) -> str:
        return plain_key(super()._make_unique_job_key(label, owner))

    def _get_local_tmp_dir(self) -> str:
        if not self._local_tmp_dir:
            self._private = PrivateDirectory(self._opts["local_tmp_dir"], self._job_key)
            self._local_tmp_dir = str(self._private.path)
        return self._local_tmp_dir

    def _step_output_uri(self, step_num: int) -> str:
        last = step_num == self._num_steps() - 1
        return self._output.staging if last and self._output else str(super()._step_output_uri(step_num))

    def _upload_local_files(self) -> None:
        with self.fs.hadoop.together():
            super()._upload_local_files()

    def _jobconf_for_step(self, step_num: int) -> dict[str, Any]:
        return dict(combine_dicts(self._own_jobconf(step_num), super()._jobconf_for_step(step_num)))

    def _own_jobconf(self, step_num: int) -> dict[str, str]:
        # _SUCCESS comes when the run was checked
        reduces = "reducer" in self._get_step(step_num)
        return streaming_settings(self._job_key, reduces=reduces, marks_success=False)

    # The run

    def _run_hadoop(
        self, hadoop_args: list[str], env: dict[str, str], record_callback: Callable[[dict[str, Any]], None]
    ) -> tuple[int, dict[str, Any]]:
        """Run the client; whatever ends this run ends the client and the application as well."""

        def heard(record: dict[str, Any]) -> None:
            lines = map(printable, self._upload_mgr.restore(record["message"]).splitlines())
            record_callback({**record, "message": "\n".join(lines)})
            self._heard(record["message"])

        with start_client(hadoop_args, env) as client:
            try:
                interpretation = _interpret_hadoop_jar_command_stderr(client.stdout, record_callback=heard)
            except BaseException:
                client.kill()
                self._kill_application()
                raise
        return client.returncode, interpretation

    def _heard(self, message: str) -> None:
        if found := _APPLICATION.search(message):
            self._application = found[1]
        unreached = _UNREACHED.search(message)
        if unreached and int(unreached[2]) >= _TRIES and not self._application:
            raise ClusterError(
                f"The ResourceManager at {unreached[1]} can't be reached. "
                "Is it up, and does HADOOP_CONF_DIR name it?"
            )

    def _kill_application(self) -> None:
        if self._application:
            log.info("Ending %s", self._application)
            with suppress(ClusterError):
                self.fs.hadoop.invoke_hadoop(
                    ["org.apache.hadoop.yarn.client.cli.ApplicationCLI", *_kill(self._application)]
                )

    def _pick_error(self, log_interpretation: dict[str, Any], step_type: str) -> None:
        """Keep the cause of a failure for run() to tell, instead of letting mrjob write pages about it."""
        with suppress(ClusterError):
            error = super()._pick_error(log_interpretation, step_type) or {}
            self._failure = self._explain(error)
        for line in self._failure.traceback.splitlines() if self._failure else ():
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
        if not (self._application and error.get("container_id")):
            return ""
        return self._aggregated_stderr(error["container_id"])

    def _aggregated_stderr(self, container: str) -> str:
        """Return a task's standard error as YARN collected it; nothing when YARN has none."""
        arguments = ["-applicationId", self._application, "-containerId", container, "-log_files", "stderr"]
        with suppress(ClusterError):
            logs = self.fs.hadoop.invoke_hadoop(
                ["org.apache.hadoop.yarn.client.cli.LogsCLI", *arguments], return_stdout=True
            )
            return str(logs.decode(errors="replace"))
        return ""

    # After the run

    def cleanup(self, mode: Any = None) -> None:
        """Remove temporary files, and an output that was never published."""
        super().cleanup(mode)
        if self._private:
            self._private.release()
            self._private = None

    def _cleanup_hadoop_tmp(self) -> None:
        unpublished = [self._output.staging] if self._output else []
        with suppress(ClusterError):
            self.fs.hadoop.remove([self._hadoop_tmp_dir, *unpublished])


def _kill(application: str) -> list[str]:
    return ["application", "-kill", application]
