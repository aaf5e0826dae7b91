"""A run's profile in the driver: what it needs is checked before the run, the file is written after it."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import msgspec

from model_mapreduce_job.driver.summary_file import try_file, write_file
from model_mapreduce_job.exceptions import ConfigurationError, DriftError, IncompleteRunError, InputError
from model_mapreduce_job.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from model_mapreduce_job.pipeline.task_report import TaskReport
    from model_mapreduce_job.profiles.profile import Profile
    from model_mapreduce_job.report.drift import FieldDrift
    from model_mapreduce_job.task.run_options import RunOptions

# Others' tasks report counts alone.
_WITH_PROFILES: Final = ("inline", "local", "hadoop", "emr", "spark")
_LIBRARIES: Final = ("datasketches", "jinja2")


def check_profile(options: RunOptions, inputs: Iterable[str]) -> None:
    """Raise a ModelMapReduceError where a run's profile could not be made, or not be written."""
    for option, name in (("--profile", options.profile), ("--report", options.report)):
        if name:
            try_file(option, name, options.output_dir, inputs)
    if options.task.several:
        raise InputError(
            f"{profile_option(options)} is of one model, and this run has several. Leave it out, or run "
            "each model by itself."
        )
    for library in _LIBRARIES:
        if find_spec(library) is None:
            raise ConfigurationError(
                f"A profile needs {library}, which is not installed. Install it: "
                "pip install model_mapreduce_job[report]."
            )
    if options.baseline:
        from model_mapreduce_job.report.files import read_profile  # noqa: PLC0415 - runs without one need no sketches

        read_profile(options.baseline)
    if options.runner not in _WITH_PROFILES:
        raise InputError(
            f"{profile_option(options)} is not for -r {options.runner}, whose tasks bring home no profiles. "
            "Leave it out, or use -r local, hadoop, emr or spark."
        )


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


class RunProfile(msgspec.Struct, frozen=True):
    """The profile of a run, and how far its fields are from a baseline's, where there is one."""

    profile: Profile | None = None
    drifts: Sequence[FieldDrift] = ()
    not_compared: Sequence[str] = ()
    is_lost: bool = False

    @classmethod
    def of(cls, options: RunOptions, tasks: TaskReport | None) -> RunProfile:
        """Return what a run's options ask for; lost is what no task brought home."""
        if not options.is_profiled:
            return cls()
        from model_mapreduce_job.profiles.profile import Profile  # noqa: PLC0415 - runs without one need no sketches

        if tasks is None or (tasks.profile is None and tasks.counters.lines):
            return cls(is_lost=True)
        profile = Profile() if tasks.profile is None else Profile.from_bytes(tasks.profile)
        if not options.baseline:
            return cls(profile)
        from model_mapreduce_job.report.drift import drift_of, not_compared  # noqa: PLC0415 - as above
        from model_mapreduce_job.report.files import read_profile  # noqa: PLC0415 - as above

        baseline = read_profile(options.baseline)
        return cls(profile, drift_of(baseline, profile), not_compared(baseline, profile))

    def in_words(self, options: RunOptions) -> str:
        """Return which field moved most, and which were not compared; nothing without a baseline."""
        if not options.baseline or self.profile is None:
            return ""
        from model_mapreduce_job.report import drift  # noqa: PLC0415 - as above

        lines = f"{printable(drift.worst_in_words(list(self.drifts)))}\n"
        rest = printable(drift.not_compared_in_words(list(self.not_compared)))
        return f"{lines}             {rest}\n" if rest else lines

    def check(self, options: RunOptions, *, is_published: bool) -> None:
        """Raise DriftError when a field is further from the baseline than --max_drift.

        Raises IncompleteRunError where that is not known, and for a profile that was lost.
        """
        limit = options.max_drift
        worst = self.drifts[0] if self.drifts else None
        what = "The output is published." if is_published else "Nothing was published."
        if self.is_lost:
            raise IncompleteRunError(
                f"{profile_option(options)} asks for a profile, and no task brought one home. {what}"
            )
        if limit is None or worst is None or worst.most <= limit:
            return
        psi = "no values in common" if worst.psi is None else worst.in_words()
        raise DriftError(
            f"The {worst.side} {printable(worst.name)} has drifted from {options.baseline}: {psi}, more than "
            f"--max_drift {limit:g} allows. {what}"
        )

    def as_json(self) -> dict[str, Any]:
        """Return how far fields are from the baseline, the one that moved most first; nothing without one."""
        return {"drift": [each.as_json() for each in self.drifts]} if self.drifts else {}

    def write(self, options: RunOptions, about: dict[str, Any]) -> None:
        """Write the profile and its page where they are asked for, with what else is known of the run."""
        if self.profile is None:
            return
        self.profile.about = about
        if options.profile:
            write_file("--profile", options.profile, f"{self.profile.to_json().decode()}\n")
        if options.report:
            from model_mapreduce_job.report.files import read_profile  # noqa: PLC0415 - as above
            from model_mapreduce_job.report.page import page_of  # noqa: PLC0415 - as above

            baseline = read_profile(options.baseline) if options.baseline else None
            write_file("--report", options.report, page_of(self.profile, baseline))
