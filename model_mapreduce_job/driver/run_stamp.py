"""The id and the time of a run that stamps its output: fixed by the driver, for all tasks and attempts."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.storage.output_directory import identity_of_stopped
from model_mapreduce_job.task.job import has_further_steps

if TYPE_CHECKING:
    from model_mapreduce_job.task.job import Job
    from model_mapreduce_job.task.run_options import RunOptions

_ID: Final = "the run's id"
_TIME: Final = "the run's time"


def with_run_stamp(job: Job, options: RunOptions) -> RunOptions:
    """Return options with the run's id and time, where its output is stamped.

    A run that goes on with a stopped one has that one's, or its parts would differ. Raises InputError for a
    job whose output is not that of the step that predicts.
    """
    if not options.task.stamp:
        return options
    if has_further_steps(job):
        raise InputError("--stamp is for jobs of one mapper, and this one has further steps. Leave it out.")
    before = identity_of_stopped(options.output_dir) if options.resume and options.output_dir else {}
    run_id, run_time = before.get(_ID), before.get(_TIME)
    if not (run_id and run_time):
        run_id, run_time = secrets.token_hex(8), f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return options.with_task(run_id=run_id, run_time=run_time)


def stamp_identity(options: RunOptions) -> dict[str, str]:
    """Return what a stamp adds to a run's identity: a later run has to have the same to go on with it."""
    return {_ID: options.task.run_id, _TIME: options.task.run_time} if options.task.stamp else {}
