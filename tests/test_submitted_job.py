"""The job of a run on Hadoop that is stopped: which one it is, and how it is ended.

The lines are those that Hadoop 3.4 wrote; tests/cluster/test_stopped_on_hadoop.py stops runs on a real one.
"""

from pathlib import Path

import pytest

from model_mapreduce_job.runners.hadoop.submitted_job import SubmittedJob
from model_mapreduce_job.storage.hadoop_fs import HadoopShell

LOG = [
    b"26/11/29 12:47:07 INFO impl.YarnClientImpl: Connecting to ResourceManager at /127.0.0.1:13762\n",
    b"INFO mapreduce.JobResourceUploader: Disabling Erasure Coding for path: /st/me/.staging/job_17_0002\n",
    b"INFO mapred.FileInputFormat: Total input files to process : 1 of /in/job_99_0001\n",
    b"INFO mapreduce.JobSubmitter: Submitting tokens for job: job_17_0002\n",
    b"INFO impl.YarnClientImpl: Submitted application application_17_0002\n",
    b"INFO mapreduce.Job: Running job: job_17_0002\n",
    b"INFO mapreduce.Job: Job job_17_0002 running in uber mode : false\n",
    b"INFO mapreduce.Job: Job job_17_0002 completed successfully\n",
]
BY_YARN = ["org.apache.hadoop.yarn.client.cli.ApplicationCLI application -kill application_17_0002"]
BY_ITS_MASTER = ["org.apache.hadoop.mapred.JobClient -kill job_17_0002"]


@pytest.mark.parametrize(
    ("seen", "ended_by"),
    [(1, []), (2, BY_YARN), (4, BY_YARN), (5, BY_YARN), (6, BY_YARN), (7, BY_ITS_MASTER), (8, [])],
)
@pytest.mark.parametrize("first", [0, 2])
def test_a_job_is_ended_from_the_moment_on_that_it_has_an_id(
    hdfs: Path, shell: HadoopShell, seen: int, ended_by: list[str], first: int
) -> None:
    """On a staging area that is not HDFS the first line with an id does not come."""
    job = SubmittedJob()
    assert list(job.learnt_from(LOG[first:seen])) == LOG[first:seen]
    job.end(shell)
    calls = hdfs.parent / "calls"
    done = calls.read_text(encoding="utf-8").splitlines() if calls.exists() else []
    assert done == ([] if (seen, first) == (2, 2) else ended_by)
    assert job.leavings == ([] if first or seen < 2 else ["/st/me/.staging/job_17_0002"])


def test_what_was_written_and_not_read_counts_as_well() -> None:
    job = SubmittedJob()
    job.look_at(b"e\0\0\1\0" + LOG[1] + b"e\0\0\1\0" + LOG[3] + b"e\0\0\1\0" + LOG[4][:-3])
    assert (job.id, job.application) == ("job_17_0002", "application_17_0002")
