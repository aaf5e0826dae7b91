"""What several of mrjob's runners need alike, as functions and values that their subclasses hold."""

from __future__ import annotations

import os
from functools import partial
from shutil import rmtree
from typing import TYPE_CHECKING, Any

from mrjob.conf import combine_dicts

from model_mapreduce_job.driver.runner import RunReport, step_report
from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.runners.task_environment import ship_options
from model_mapreduce_job.storage.hadoop_fs import HadoopShell
from model_mapreduce_job.storage.private_directory import PrivateDirectory
from model_mapreduce_job.task.child_processes import die_with_parent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Self

    from model_mapreduce_job.driver.run_spec import RunSpec
    from model_mapreduce_job.plan.tasks import ExpectedTasks, InputSize


def default_opts(mrjobs: Mapping[str, Any]) -> dict[str, Any]:
    """Return mrjob's defaults with those of this job: no leftovers, and inputs that it looks at itself."""
    return dict(combine_dicts(mrjobs, {"cleanup_on_failure": ["ALL"], "check_input_paths": False}))


def with_hadoop_shell(filesystems: Any, hadoop_bin: list[str] | None, local_tmp: Callable[[], str]) -> Any:
    """Return a runner's filesystems with a Hadoop that needs few calls, and ends with this process.

    local_tmp makes and returns the run's own temporary directory.
    """
    if not isinstance(filesystems.hadoop, HadoopShell):
        filesystems.hadoop = HadoopShell(hadoop_bin or None, partial(die_with_parent, os.getpid()))
        filesystems.hadoop.local_tmp = local_tmp
    return filesystems


def itself(runner: Any) -> Any:
    """Return a runner: what one that is also mrjob's has as its mrjobs()."""
    return runner


def is_complete(output: str) -> str:
    """Return what a run that ends before its time says of the output that it has published, if any."""
    return f"The output {output} is complete." if output else ""


class LocalTmp:
    """A runner's temporary directory on this machine, which nobody else can read."""

    def __init__(self) -> None:
        self._directory: PrivateDirectory | None = None

    def make(self, parent: str | None, name: str) -> str:
        """Make the directory and return its path."""
        self._directory = PrivateDirectory(parent, name)
        return str(self._directory.path)

    @property
    def path(self) -> Path:
        """The directory, which was made."""
        assert self._directory is not None  # noqa: S101 - make() comes first
        return self._directory.path

    def remove(self) -> None:
        """Remove the directory, if there is one."""
        if self._directory:
            rmtree(self._directory.path, ignore_errors=True)
            self.release()

    def release(self, *, stays: bool = True) -> None:
        """Let go of the directory; if it stays, no later run removes it."""
        if self._directory:
            self._directory.release(stays=stays)
            self._directory = None


class PlainRunner:
    """One of mrjob's runners as it is: it publishes by itself, and has counters alone to report."""

    def __init__(self, runner: Any) -> None:
        self._runner = runner

    def __enter__(self) -> Self:
        """Return the runner."""
        self._runner.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        """Remove temporary files."""
        self._runner.__exit__(*error)

    def prepare(self, spec: RunSpec) -> None:
        """Take what it needs to know of the run."""
        self._spec = spec
        if spec.options.task.part_compression:
            raise InputError(
                f"--output_compression {spec.options.task.part_compression} of an --output-dir is for -r "
                f"inline, local, hadoop, emr and spark, and this is -r {self._runner.alias}. Leave it out."
            )
        ship_options(self._runner, spec.options.task)

    def mrjobs(self) -> Any:
        """Return the runner as mrjob knows it."""
        return self._runner

    def check_places(self) -> None:
        """Do nothing: mrjob's runner looks at its input and output when it runs."""

    def expected_tasks(self, files: Sequence[InputSize], cores: int) -> ExpectedTasks:  # noqa: ARG002 - the protocol's
        """Return the tasks that Hadoop makes of files by lines."""
        from model_mapreduce_job.runners.hadoop.expected_tasks import expected_tasks  # noqa: PLC0415 - plans alone need it

        return expected_tasks(self._spec, self._runner._opts["jobconf"], files, by_blocks=False)

    def run(self) -> None:
        """Run the job to its end."""
        self._spec.check_columns()
        self._runner.run()

    def report(self) -> RunReport:
        """Return what the run amounts to."""
        return step_report(self._runner.counters(), self._spec)

    def publish(self) -> None:
        """Do nothing: the output has its name already."""

    def cat_output(self) -> Iterator[bytes]:
        """Yield the output."""
        yield from self._runner.cat_output()

    def stop(self) -> str:
        """Return that there is nothing to report of what is kept."""
        return ""
