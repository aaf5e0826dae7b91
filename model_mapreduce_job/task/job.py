"""The job as a protocol, for the driver and the plan."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from model_mapreduce_job.task.first_worker import FirstWorker
    from model_mapreduce_job.task.messages import Begin
    from model_mapreduce_job.task.run_options import RunOptions
    from model_mapreduce_job.task.task_options import TaskOptions

# The runners that ask Hadoop by a Java machine.
_ASK_HADOOP: Final = frozenset({"hadoop", "spark"})


class Job(Protocol):
    """The parts of an mrjob job that predicts which a run uses."""

    @property
    def run_options(self) -> RunOptions:
        """What the command line says."""
        ...

    @property
    def stdin(self) -> Any:
        """The binary stream that the run reads where no input is named."""
        ...

    @property
    def stdout(self) -> Any:
        """The binary stream that the output goes to."""
        ...

    @property
    def stderr(self) -> Any:
        """The binary stream that messages go to."""
        ...

    @property
    def show(self) -> Callable[[bytes], None] | None:
        """A function to call with each line that a model's code writes; None when they are not shown."""
        ...

    hadoop: Any
    """The Java machine that runs commands of Hadoop, where one was started before it was needed."""

    advance: Any
    """Spark's driver program on this machine, where one was started before its arguments are known."""

    def steps(self) -> Sequence[Any]:
        """Return mrjob's steps."""
        ...

    def predicts(self, step_num: int) -> bool:
        """Return whether a step's mapper is the one that predicts."""
        ...

    def secrets(self) -> Iterable[str]:
        """Return the values of the command line that no log shows."""
        ...

    def begin(self, options: TaskOptions) -> Begin:
        """Return the first message to a process that predicts for this job with these options."""
        ...

    def first_worker(self) -> FirstWorker:
        """Return the process that answers the driver's questions about the configuration."""
        ...

    def import_runner(self) -> None:
        """Import the chosen runner, which takes a while; make_runner() raises what can't be imported."""
        ...

    def make_runner(self, spec: Any) -> Any:
        """Return the chosen runner with its RunSpec."""
        ...

    def make_plain_runner(self) -> Any:
        """Return the chosen runner as mrjob makes it; raises InputError when it can't be made."""
        ...

    def set_up_logging(self, *, quiet: bool, verbose: bool, stream: Any) -> None:
        """Set up mrjob's logging."""
        ...

    def replace_stdin(self, stream: Any) -> None:
        """Read another stream in place of standard input."""
        ...

    def should_cat_output(self) -> bool:
        """Return whether the output goes to standard output."""
        ...


def has_further_steps(job: Job) -> bool:
    """Return whether the output of a job is not that of its first mapper: it has a reducer, or more steps."""
    steps = job.steps()
    return len(steps) > 1 or not steps[0].description(0).keys().isdisjoint({"combiner", "reducer"})


@contextmanager
def looking_runner(job: Job) -> Iterator[Any]:
    """Give mrjob's runner for a look at the input, before the run; it starts nothing.

    The Java machine by which it has asked Hadoop is handed over to the job's next runner.
    """
    runner = job.make_plain_runner()
    try:
        yield runner
    finally:
        if runner.alias in _ASK_HADOOP:
            job.hadoop = runner.fs.hadoop.hand_over()
        runner.cleanup(mode=["LOCAL_TMP"])  # nothing else was made
