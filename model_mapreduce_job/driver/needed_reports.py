"""What of a run is in its tasks' reports alone, and so can't be had where these don't come home."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_mapreduce_job.exceptions import InputError

if TYPE_CHECKING:
    from model_mapreduce_job.task.run_options import RunOptions


def profile_option(options: RunOptions) -> str:
    """Return the option that asks for a profile, as it was given; "" where none does."""
    names = (name for name in ("profile", "report", "baseline") if getattr(options, name) is not None)
    return next((f"--{name} {getattr(options, name)}" for name in names), "")


def check_reports(options: RunOptions) -> None:
    """Raise InputError for what needs the tasks' reports, on a Hadoop whose tasks are given lines."""
    asked = "--check_duplicates" if options.task.check_duplicates else profile_option(options)
    if asked:
        raise InputError(
            f"{asked} needs the reports of Hadoop's tasks, which come with blocks alone. "
            f"Leave out what keeps the run from them (docs/hadoop.md), or {asked}."
        )
