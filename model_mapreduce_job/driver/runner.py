"""What the driver asks of a runner, and what it gets from a finished run."""

from __future__ import annotations

import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

import msgspec

from model_mapreduce_job.pipeline.summary import RunSummary
from model_mapreduce_job.task.signals import signals_held

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from model_mapreduce_job.driver.run_spec import RunSpec
    from model_mapreduce_job.pipeline.counters import Groups
    from model_mapreduce_job.pipeline.task_report import TaskReport
    from model_mapreduce_job.plan.tasks import ExpectedTasks, InputSize
    from model_mapreduce_job.task.messages import ModelFacts


class RunReport(msgspec.Struct, frozen=True):
    """What a finished run gives the driver.

    counters are those of the step that predicts, by group and name; input_records is how many records the
    cluster itself gave to that step's tasks, where it says so. tasks is what all of these tasks report
    together, where the runner brings that home; models has the facts of the run's models by name, where this
    machine loaded them.
    """

    counters: Mapping[str, Mapping[str, int]] = msgspec.field(default_factory=dict)
    input_records: int | None = None
    tasks: TaskReport | None = None
    models: Mapping[str, ModelFacts] = msgspec.field(default_factory=dict)

    def summary(self, seconds: float) -> RunSummary:
        """Return the summary of the run, which took this many seconds."""
        if self.tasks is not None:
            return RunSummary(self.tasks, seconds, input_records=self.input_records)
        return RunSummary.of_counters(self.counters, seconds, self.input_records)


@runtime_checkable
class Runner(Protocol):
    """Runs a job. Each method raises ModelMapReduceError."""

    def __enter__(self) -> Self:
        """Return the runner."""
        ...

    def __exit__(self, *_: object) -> None:
        """Remove temporary files, and an output that was not published."""
        ...

    def prepare(self, spec: RunSpec) -> None:
        """Take what it needs to know of the run."""
        ...

    def mrjobs(self) -> Any:
        """Return the runner as mrjob knows it."""
        ...

    def check_places(self) -> None:
        """Raise what a run would be refused for by its input, its output's place or its cluster."""
        ...

    def expected_tasks(self, files: Sequence[InputSize], cores: int) -> ExpectedTasks:
        """Return the tasks of a run over files, on this many cores."""
        ...

    def run(self) -> None:
        """Run the job to its end; the output gets its name by publish()."""
        ...

    def report(self) -> RunReport:
        """Return what the run amounts to."""
        ...

    def publish(self) -> None:
        """Make the output a result: the run is verified."""
        ...

    def cat_output(self) -> Iterator[bytes]:
        """Yield the output in the order of its parts."""
        ...

    def stop(self) -> str:
        """Keep what is finished of a run that ends before its time; return what to report of it."""
        ...


@contextmanager
def cleaned_up(runner: Runner) -> Iterator[Runner]:
    """Enter and leave a runner; a signal that comes while it removes what it has made waits for that.

    The error of a run that has one stands: the signal asks for no more than its end.
    """
    runner.__enter__()
    try:
        yield runner
    except BaseException:
        with suppress(SystemExit, KeyboardInterrupt), signals_held():
            runner.__exit__(*sys.exc_info())
        raise
    try:
        with signals_held():
            runner.__exit__(None, None, None)
    except (SystemExit, KeyboardInterrupt) as stopped:
        note_what_is_kept(runner, stopped)
        raise


def note_what_is_kept(runner: Runner, error: BaseException) -> None:
    """Add what is kept of a run to the error that has ended it."""
    if kept := runner.stop():
        error.add_note(kept)


def step_report(steps: Sequence[Groups] | None, spec: RunSpec, *, counts_input: bool = False) -> RunReport:
    """Return the report of the step that predicts, from each step's counters.

    counts_input says that Hadoop counted the records that it gave to the first step's tasks.
    """
    step = spec.predicted_step
    counters = dict(enumerate(steps or ())).get(step, {})
    given = counters.get("Map-Reduce Framework", {}).get("Map input records")
    return RunReport(counters, given if counts_input and step == 0 else None)
