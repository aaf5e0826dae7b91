"""`python -m model_mapreduce_job`, the console script, and what the job's own script runs."""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial

from model_mapreduce_job.task.signals import end_at_once_by_signals, ignore_signals_at_the_end

TYPE_CHECKING = False  # typing takes a while
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from model_mapreduce_job.storage.java_server import JavaServer
    from model_mapreduce_job.task.model_process import EarlyStart

# What a command line has that asks for something else than a run.
_RUNS_NOTHING = frozenset(
    {"-h", "--help", "--version", "--steps", "--mapper", "--combiner", "--reducer", "--spark"}
)
_TOO_LITTLE_MEMORY = "this machine gives it too little memory"


def main() -> None:
    """Run the job as the command line says; exits with the job's exit code."""
    end_at_once_by_signals()
    from model_mapreduce_job.task import memory  # noqa: PLC0415 - a signal may come first

    memory.collect_rarely()
    try:
        with ExitStack() as stack:
            with _one_line_if_it_cannot_start():
                run = _prepared(stack)
            run()
    except MemoryError:
        # to end the worker takes memory as well; without its driver it ends by itself
        sys.exit(f"The job was ended: {_TOO_LITTLE_MEMORY}.")
    finally:
        ignore_signals_at_the_end()
        memory.leave_to_exit()


def _prepared(stack: ExitStack) -> Callable[[], None]:
    """Return what runs the job, whose first workers end with the stack."""
    from model_mapreduce_job.driver.start import prepare_process  # noqa: PLC0415 - a signal may come first

    prepare_process()
    early = stack.enter_context(_early_start())
    hadoop = stack.enter_context(_early_hadoop())
    # takes a while, in which the worker imports what it needs
    from model_mapreduce_job.ml_model_map_reduce_job import MLModelMapReduceJob  # noqa: PLC0415

    return partial(MLModelMapReduceJob.run, early, hadoop)


@contextmanager
def _one_line_if_it_cannot_start() -> Iterator[None]:
    """Turn want of memory or descriptors, and a package that isn't there, into one line and exit code 1."""
    try:
        yield
    except (ImportError, OSError, MemoryError) as error:
        reason = " ".join(str(error).split()) or _TOO_LITTLE_MEMORY
        sys.exit(f"The job can't start: {reason}.")


def _early_start() -> AbstractContextManager[EarlyStart | None]:
    """Start the run's first workers, if the command line looks like that of a run."""
    if _RUNS_NOTHING.intersection(sys.argv):
        return nullcontext()
    from model_mapreduce_job.driver.start import early_workers  # noqa: PLC0415 - a signal may come first
    from model_mapreduce_job.task.model_process import EarlyStart  # noqa: PLC0415 - as above

    return EarlyStart(early_workers(sys.argv))


def _early_hadoop() -> AbstractContextManager[JavaServer | None]:
    """Start the Java machine that asks Hadoop for the driver, if the command line is that of a run there."""
    if "hadoop" not in " ".join(sys.argv) or _RUNS_NOTHING.intersection(sys.argv):
        return nullcontext()
    from model_mapreduce_job.driver.early_hadoop import early_hadoop  # noqa: PLC0415 - other runs have no use for it

    return early_hadoop(sys.argv)


if __name__ == "__main__":
    main()
