"""The job as the driver and the plan see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Mapping, Sequence

    from model_mapreduce_job.formats.column_order import ColumnOrder
    from model_mapreduce_job.task.first_worker import FirstWorker
    from model_mapreduce_job.task.messages import Begin


class Job(Protocol):
    """What a run needs of an mrjob job that predicts."""

    column_orders: Mapping[str, ColumnOrder]

    @property
    def options(self) -> Namespace:
        """The parsed command line."""
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
        """What is called with each line that a model's code writes; None where none are shown."""
        ...

    def steps(self) -> Sequence[Any]:
        """Return mrjob's steps."""
        ...

    def predicts(self, step_num: int) -> bool:
        """Return whether a step's mapper is the one that predicts."""
        ...

    def begin(self) -> Begin:
        """Return what a process that predicts for this job is sent first."""
        ...

    def first_worker(self) -> FirstWorker:
        """Return the process that is asked what the driver needs to know of the configuration."""
        ...

    def make_runner(self) -> Any:
        """Return the runner that was chosen, with what it needs to know of this job."""
        ...

    def make_plain_runner(self) -> Any:
        """Return the runner that was chosen, as mrjob makes it; raises InputError when it can't be made."""
        ...

    def set_option(self, name: str, value: str) -> None:
        """Set an option that the driver found the value of, here and for the tasks."""
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
