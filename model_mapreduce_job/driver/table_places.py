"""Where the files of a table are that is on a cluster, as the driver finds them before a run."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.formats.registry import TABLES
from model_mapreduce_job.storage.inputs import is_remote
from model_mapreduce_job.task.job import looking_runner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_mapreduce_job.storage.remote_tables import RemoteFiles
    from model_mapreduce_job.storage.table_files import TablePlace
    from model_mapreduce_job.task.job import Job
    from model_mapreduce_job.task.run_options import RunOptions


@contextmanager
def table_places(job: Job, options: RunOptions) -> Iterator[tuple[TablePlace, ...]]:
    """Return the files of an input of tables of which some are not on this machine; nothing of other inputs.

    What they say of themselves is on this machine until the with statement ends. Raises InputError,
    ClusterError and AwsError.
    """
    is_table = options.task.source_protocol in TABLES
    if options.is_on_this_machine or not is_table or not any(map(is_remote, options.inputs)):
        yield ()
        return
    # it needs mrjob, which not all that imports this has
    from model_mapreduce_job.storage import remote_tables  # noqa: PLC0415

    with looking_runner(job) as runner:
        directory = Path(runner._get_local_tmp_dir())  # noqa: SLF001 - mrjob has no public name for it
        protocol = options.task.source_protocol
        yield remote_tables.table_places(_files_of(runner), options.inputs, protocol, directory)


def _files_of(runner: Any) -> RemoteFiles:
    if runner.alias == "emr":
        from model_mapreduce_job.storage.s3_tables import S3Files  # noqa: PLC0415 - it needs boto3

        return S3Files(runner.fs.s3.make_s3_client)
    from model_mapreduce_job.storage.remote_tables import HadoopFiles  # noqa: PLC0415 - as above

    return HadoopFiles(runner.fs.hadoop)
