"""The job that a client submits, as its log tells of it, and how it is ended with all that is of it."""

from __future__ import annotations

import logging
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from model_mapreduce_job.storage.hadoop_commands import ClusterError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from model_mapreduce_job.storage.hadoop_fs import HadoopShell

log = logging.getLogger("mrjob.hadoop")  # mrjob shows what its own loggers write

# In this order. The first comes when there is a directory of the job in the staging area, of HDFS alone; the
# second just before the job is submitted, in words that all versions of Hadoop have. Each goes on behind its
# id: half an id would be another job's.
_MADE: Final = re.compile(rb"Disabling Erasure Coding for path: (\S+/(job_\d+_\d+))\s")
_SUBMITTING: Final = re.compile(rb"Submitting tokens for job: (job_\d+_\d+)\s")
_SUBMITTED: Final = re.compile(rb"Submitted application application_(\d+_\d+)\s")
_RUNNING: Final = re.compile(rb"Job (job_\d+_\d+) running in uber mode")
_OVER: Final = re.compile(rb"Job (job_\d+_\d+) (?:completed|failed)")


class SubmittedJob:
    """What is known of a client's job: nothing before it has an id."""

    def __init__(self) -> None:
        self.id = ""
        self.staging = ""
        self._is_running = False
        self._is_over = False

    @property
    def application(self) -> str:
        """The job's application, which it has once it was submitted."""
        return self.id.replace("job_", "application_", 1)

    def learnt_from(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the lines of a client's log, of which each was looked at."""
        for line in lines:
            self.look_at(line)
            yield line

    def look_at(self, text: bytes) -> None:
        """Learn what some text of the client's log says of its job."""
        if found := _MADE.search(text):
            self.staging = found[1].decode()
        for pattern in (_MADE, _SUBMITTING):
            if found := pattern.search(text):
                self.id = found[found.re.groups].decode()
        if found := _SUBMITTED.search(text):
            self.id = f"job_{found[1].decode()}"
        self._is_running = self._is_running or bool(_RUNNING.search(text))
        self._is_over = self._is_over or bool(_OVER.search(text))

    @property
    def leavings(self) -> list[str]:
        """What is to be removed of a job that was ended: one whose master has not come up can't do that."""
        return [self.staging] if self.staging else []

    def end(self, shell: HadoopShell) -> None:
        """End the job, if there is one and it is not over."""
        if self.id and not self._is_over:
            log.info("Ending %s", self.id)
            with suppress(ClusterError):
                shell.invoke_hadoop(self._kill())

    def _kill(self) -> list[str]:
        if self._is_running:
            # the job, not its application: so ended, its committer can undo what it has done
            return ["org.apache.hadoop.mapred.JobClient", "-kill", self.id]
        # which JobClient would look for in the history server, for seconds, where it was not submitted
        program = "org.apache.hadoop.yarn.client.cli.ApplicationCLI"
        return [program, "application", "-kill", self.application]
