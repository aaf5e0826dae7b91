"""What looks at a task's records on their way: for a profile, and for repeats, where a run asks for these."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_mapreduce_job.exceptions import ConfigurationError
from model_mapreduce_job.models.schemas import record_schema
from model_mapreduce_job.pipeline.observers import Observer, Unobserved

if TYPE_CHECKING:
    from model_mapreduce_job.models.contract import MLModel
    from model_mapreduce_job.pipeline.observers import LineObserver
    from model_mapreduce_job.task.task_options import TaskOptions


def repeats_of(options: TaskOptions) -> LineObserver | None:
    """Return what counts repeated records; None where that is not asked for."""
    if not options.check_duplicates:
        return None
    from model_mapreduce_job.profiles.repeat_counter import RepeatCounter  # noqa: PLC0415 - few runs need it

    return RepeatCounter()


def observer_of(options: TaskOptions, model: MLModel) -> Observer:
    """Return what makes a profile; raises ConfigurationError where its library is missing."""
    if not options.is_profiled:
        return Unobserved()
    try:
        from model_mapreduce_job.profiles.observer import ProfileObserver  # noqa: PLC0415 - profiles alone need sketches
    except ImportError as error:
        raise ConfigurationError(
            f"A profile needs {error.name}, which is not installed where tasks run. Install it: "
            "pip install model_mapreduce_job[report]; on a cluster, put it into the bundle."
        ) from error
    return ProfileObserver(record_schema(model.input_schema).fields)
