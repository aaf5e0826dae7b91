"""What mrjob's runners need to keep the promises."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from model_mapreduce_job.driver.runner import Runner
from model_mapreduce_job.driver.start import pyspark_by_its_path
from model_mapreduce_job.exceptions import InputError

# Each is imported when it's chosen: no run needs what the others need.
_OWN = {
    "inline": ("local", "InlineRunner"),
    "local": ("local", "LocalRunner"),
    "emr": ("emr", "EmrRunner"),
    "hadoop": ("hadoop", "HadoopRunner"),
    "spark": ("spark", "SparkRunner"),
}


def as_runner(mrjobs: Any) -> Runner:
    """Return a runner as the driver needs it, made of mrjob's where it is none of this project's."""
    from model_mapreduce_job.runners.shared import PlainRunner  # noqa: PLC0415 - a task does without

    return mrjobs if isinstance(mrjobs, Runner) else PlainRunner(mrjobs)


def runner_class(alias: str) -> Any:
    """Return the class of the runner of this name: this project's own where it has one, else mrjob's."""
    if alias not in _OWN:
        from mrjob.runner import _runner_class  # noqa: PLC0415 - a task that only maps does without mrjob

        return _runner_class(alias)
    module, name = _OWN[alias]
    try:
        with pyspark_by_its_path():
            return getattr(import_module(f"{__name__}.{module}.runner"), name)
    except ModuleNotFoundError as error:
        if error.name not in {"boto3", "botocore"}:
            raise
        raise InputError(
            f"-r {alias} needs {error.name}, which is not installed. "
            "Install it: pip install 'model_mapreduce_job[emr]'."
        ) from error
