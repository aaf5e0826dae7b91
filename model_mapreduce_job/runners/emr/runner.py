"""mrjob's EMR runner made safe: private buckets, a security configuration, nothing left running."""

from __future__ import annotations

import logging
import posixpath
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from mrjob.conf import combine_dicts
from mrjob.emr import EMRJobRunner
from mrjob.parse import is_uri
from mrjob.step import StepFailedException

from model_mapreduce_job.bundle.archive import pack
from model_mapreduce_job.bundle.choice import bundle_for
from model_mapreduce_job.driver.run_spec import RunSpec
from model_mapreduce_job.driver.runner import RunReport, step_report
from model_mapreduce_job.plan.cluster import emr_split_bytes
from model_mapreduce_job.runners.emr.log_wait import LogWait, logs_have_come, until_reached
from model_mapreduce_job.runners.emr.security import ensure_security_configuration
from model_mapreduce_job.runners.emr.steps import as_asked_for, cancel_steps, console_link, kill_step
from model_mapreduce_job.runners.hadoop import blocks, tables
from model_mapreduce_job.runners.hadoop.expected_tasks import expected_tasks
from model_mapreduce_job.runners.hadoop.shipped_code import BUNDLE, BUNDLE_PYTHON
from model_mapreduce_job.runners.hadoop.streaming_settings import JOB_NAME, step_settings
from model_mapreduce_job.runners.shared import is_complete, itself
from model_mapreduce_job.runners.task_environment import ship_options, task_settings
from model_mapreduce_job.storage.aws_errors import aws_errors
from model_mapreduce_job.storage.emr_inputs import UPLOADED, EmrInputs, UploadedNames
from model_mapreduce_job.storage.s3 import check_output, ensure_bucket, s3_filesystem, split_uri
from model_mapreduce_job.storage.s3_objects import objects_below, read_objects, remove_objects
from model_mapreduce_job.task.signals import signals_as_exit, signals_held

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from model_mapreduce_job.plan.tasks import ExpectedTasks, InputSize

log = logging.getLogger("mrjob.emr")  # mrjob shows what its own loggers write

TMP_DAYS: Final = 7
LOG_DAYS: Final = 90


class EmrRunner(EMRJobRunner):
    """Runs the job on EMR, with every option of mrjob's own EMR runner. Raises ModelMapReduceError."""

    mrjobs = itself
    _input_paths: list[str]  # mrjob's own

    def __init__(self, **kwargs: Any) -> None:
        self._announced = ""
        self._inputs = EmrInputs()
        self._spec = RunSpec()
        self._by_blocks = False
        self._ranges: dict[str, str] = {}
        self._log_dir_awaited = ""
        self._step_failed = False
        self._published = ""
        self._log_wait = LogWait()
        self.make_emr_client = cache(super().make_emr_client)  # mrjob wants one for each look at a step
        with aws_errors():
            super().__init__(**kwargs)

    @property
    def fs(self) -> Any:
        """The filesystems of mrjob's runner, with an S3 that survives broken connections."""
        is_new = self._fs is None
        filesystems = super().fs
        if is_new:
            filesystems.s3 = s3_filesystem(self._opts, self._upload_part_size())
        return filesystems

    def prepare(self, spec: RunSpec) -> None:
        """Take what it needs to know of the run; raises for a bundle that tasks can't run in."""
        self._spec, self._by_blocks = blocks.prepared(self, spec)
        self._options_file = ship_options(self, self._spec.options.task)
        if bundle := bundle_for(spec.options, self._opts):
            self._working_dir_mgr.add(type="archive", path=str(bundle), name=BUNDLE)
            self._opts["task_python_bin"] = [BUNDLE_PYTHON]

    def run(self) -> None:
        """Run the job to its end; SIGTERM and SIGHUP end it the way Ctrl-C does."""
        with aws_errors(), signals_as_exit():
            self._inputs = self._found_inputs()
            self._input_paths = list(self._inputs.named)
            self._spec.check_columns()
            try:
                super().run()
            except StepFailedException:
                self._step_failed = True
                raise

    def check_places(self) -> None:
        """Raise what a run would be refused for by its input or its output's place."""
        with aws_errors():
            self._found_inputs()
            self._check_output_not_exists()

    def expected_tasks(self, files: Sequence[InputSize], cores: int) -> ExpectedTasks:  # noqa: ARG002 - the protocol's
        """Return the tasks that Hadoop on EMR makes of files on S3."""
        jobconf, block = self._opts["jobconf"], emr_split_bytes(self._opts["release_label"])
        return expected_tasks(self._spec, jobconf, files, by_blocks=self._by_blocks, block_bytes=block)

    def report(self) -> RunReport:
        """Return what the run amounts to."""
        report = step_report(self.counters(), self._spec, counts_input=not self._hadoop_input_format)
        if not self._by_blocks:
            return report
        with aws_errors():
            client = self.fs.s3.make_s3_client()
            text = read_objects(client, objects_below(client, self._reports_uri()))
            return blocks.with_reports(report, text, self._names().of, self._spec)

    def stop(self) -> str:
        """Return what stands of a run that ends before its time: its output, once it was published."""
        return is_complete(self._published)

    def cat_output(self) -> Iterator[bytes]:
        """Yield the output, as mrjob's runner does."""
        with aws_errors():
            yield from super().cat_output()

    def publish(self) -> None:
        """Make the output a result: the run was checked, is whole, and its input is what it was."""
        with aws_errors(), signals_held(second_ends=True):
            client = self.fs.s3.make_s3_client()
            self._inputs.check_unchanged(client)
            if self._by_blocks:
                remove_objects(client, objects_below(client, self._reports_uri()))
            self.fs.s3.touchz(posixpath.join(self._output_dir, "_SUCCESS"))
            self._published = "" if self._output_dir.startswith(self._cloud_tmp_dir) else self._output_dir

    def cleanup(self, mode: list[str] | None = None) -> None:
        """Stop what this run has started on AWS, before anything that takes time or may fail."""
        if self._cluster_id and not self._ran_job:
            with suppress(ClientError, BotoCoreError):
                self._stop()
        super().cleanup(mode=mode)

    def _stop(self) -> None:
        client = self.make_emr_client()
        if not self._opts["cluster_id"] and not self._opts["pool_clusters"]:
            client.terminate_job_flows(JobFlowIds=[self._cluster_id])
        elif self._step_ids:
            log.info("Cancelling our steps on cluster %s", self._cluster_id)
            cancel_steps(client, self._cluster_id, self._step_ids)
            if not self._step_failed:
                client.add_job_flow_steps(JobFlowId=self._cluster_id, Steps=[kill_step(self._job_name())])

    # Steps

    def _found_inputs(self) -> EmrInputs:
        look = self._opts["check_input_paths"]
        inputs = EmrInputs.find(self._input_paths, self.fs.s3.make_s3_client, look_at_s3=look)
        tables.refuse_if_changed(self._spec, inputs.states())
        return inputs

    def _check_output_not_exists(self) -> None:
        check_output(self.fs.s3, self._output_dir, is_named=self._spec.options.output_dir is not None)

    def _check_input_path(self, path: str) -> None:
        pass  # _found_inputs() has looked at all of them

    def _add_input_files_for_upload(self) -> None:
        # Hadoop would take some characters of a file's name for a glob's
        for path, name in self._inputs.upload_names().items():
            self._upload_mgr._path_to_name[path] = name  # add() would make a name of its own
        super()._add_input_files_for_upload()

    def _step_input_uris(self, step_num: int) -> list[str]:
        # the files that were uploaded are in one directory: a step may not have as many words as files
        uploaded = posixpath.join(self._upload_mgr.prefix, UPLOADED)
        uris = super()._step_input_uris(step_num)
        return list(dict.fromkeys(uploaded if posixpath.dirname(uri) == uploaded else uri for uri in uris))

    def _jobconf_for_step(self, step_num: int) -> dict[str, Any]:
        step = self._get_step(step_num)
        own = step_settings(self._job_key, step, self._spec, by_blocks=self._by_blocks)
        return dict(combine_dicts(own, self._ranges, super()._jobconf_for_step(step_num)))

    def _job_name(self) -> str:
        return str(self._jobconf_for_step(0)[JOB_NAME])

    def _cmdenv(self) -> dict[str, str]:
        return {**task_settings(), **super()._cmdenv()}

    # Buckets

    def _fix_s3_tmp_and_log_uri_opts(self) -> None:
        named = self._opts["cloud_log_dir"]
        super()._fix_s3_tmp_and_log_uri_opts()
        if not named:
            # mrjob would put logs below the temporary data, which expires sooner
            self._opts["cloud_log_dir"] = f"s3://{split_uri(self._opts['cloud_tmp_dir'])[0]}/logs/"

    def _upload_local_files(self) -> None:
        (tmp_bucket, tmp), (log_bucket, logs) = (
            split_uri(self._opts[name]) for name in ("cloud_tmp_dir", "cloud_log_dir")
        )
        shared = {logs: LOG_DAYS} if log_bucket == tmp_bucket else {}
        ensure_bucket(self.fs.s3, tmp_bucket, {tmp: TMP_DAYS, **shared})
        ensure_bucket(self.fs.s3, log_bucket, {logs: LOG_DAYS})
        if self._by_blocks:
            names = self._names()
            options = blocks.options_of_tasks(self._spec, names.uri_of)
            self._options_file.write_bytes(options.to_json())
            self._ranges = tables.list_ranges(self, self._spec, names.uri_of)
        with self._inputs.uploading():
            super()._upload_local_files()

    def _names(self) -> UploadedNames:
        return UploadedNames({path: self._upload_mgr.uri(path) for path in self._inputs.files})

    def _reports_uri(self) -> str:
        return posixpath.join(self._output_dir, blocks.REPORTS)

    # Clusters

    def _create_dir_archive(self, dir_path: str) -> None:
        if is_uri(dir_path):
            super()._create_dir_archive(dir_path)
            return
        # mrjob's has the time of packing in it: no pooled cluster would match the next run's files
        archive = Path(self._dir_archive_path(dir_path))
        archive.parent.mkdir(exist_ok=True)
        pack(Path(dir_path), map(Path, self.fs.ls(dir_path)), archive)

    def _create_cluster(self, persistent: bool = False) -> str:
        name = self._opts["extra_cluster_params"].get("SecurityConfiguration")
        if name:
            ensure_security_configuration(self.make_emr_client(), name)
        return str(super()._create_cluster(persistent))

    def _cluster_description_matches(self, cluster: dict[str, Any]) -> bool:
        return bool(super()._cluster_description_matches(as_asked_for(cluster, self._opts)))

    def _add_tags(self, tags: dict[str, str], cluster_id: str) -> None:
        # mrjob's first call once a cluster is there: whatever fails from now on, cleanup() knows what to stop
        self._cluster_id = cluster_id
        self._announce()
        super()._add_tags(tags, cluster_id)

    def _add_steps_to_cluster(self, steps: list[dict[str, Any]]) -> None:
        self._announce()
        super()._add_steps_to_cluster(steps)

    def _announce(self) -> None:
        if self._announced != self._cluster_id:
            self._announced = self._cluster_id
            log.info("Cluster %s: %s", self._cluster_id, console_link(self._opts["region"], self._cluster_id))

    # Waiting

    def _wait_for_step_to_complete(self, step_id: str, step_num: int | None = None) -> None:
        known = len(self._log_interpretations)

        def wait() -> None:
            del self._log_interpretations[known:]  # each try adds its own
            super(EmrRunner, self)._wait_for_step_to_complete(step_id, step_num)

        until_reached(wait, self._opts["check_cluster_every"])

    def _stream_log_dirs(
        self, log_desc: str, dir_name: str, s3_dir_name: str, **kwargs: Any
    ) -> Iterator[list[str]]:
        self._log_dir_awaited = s3_dir_name
        yield from super()._stream_log_dirs(log_desc, dir_name, s3_dir_name, **kwargs)

    def _ls_task_logs(self, step_type: str, **given: Any) -> Iterator[dict[str, Any]]:
        if not given.get("attempt_to_container_id"):
            # without the job's history mrjob looks for names that YARN doesn't give, and finds nothing
            given["error_attempt_ids"] = None
        yield from super()._ls_task_logs(step_type, **given)

    def _wait_for_logs_on_s3(self) -> None:
        step_id, every = self._interpreted_step_id(), self._opts["check_cluster_every"]
        state, have_come = self._cluster_state, partial(self._logs_have_come, step_id)
        self._log_wait.wait(step_id, state, have_come, every)

    def _cluster_state(self) -> str:
        return str(self._describe_cluster()["Status"]["State"])

    def _interpreted_step_id(self) -> str:
        return str((self._log_interpretations or [self._mns_log_interpretation])[-1]["step_id"])

    def _logs_have_come(self, step_id: str) -> bool:
        if not self._s3_log_dir() or self._log_dir_awaited.startswith("hadoop-mapreduce"):
            return True  # job history only helps to find a failed task's log, and does not always come
        step = self.make_emr_client().describe_step(ClusterId=self._cluster_id, StepId=step_id)["Step"]
        return logs_have_come(step, self.fs.s3, posixpath.join(self._s3_log_dir(), self._log_dir_awaited))
