"""What looks at batches on their way: at records and predictions, or at lines and what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from model_mapreduce_job.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_mapreduce_job.formats.records import Failure, Records, Text
    from model_mapreduce_job.models.fields import Field
    from model_mapreduce_job.pipeline.task_report import ReportBuilder
    from model_mapreduce_job.profiles.repeats import Repeats


class Observer(Protocol):
    """What looks at records and predictions on their way."""

    def look(self, records: Records) -> None:
        """Look at a batch's records, before a model is given them."""
        ...

    def answers(self, texts: Sequence[Text], *, has_failures: bool) -> None:
        """Look at the texts of their predictions, or Failures in their place."""
        ...

    def failures(self, failures: Sequence[Failure]) -> None:
        """Look at failures, of records that could not be read as well."""
        ...

    def add_to(self, report: ReportBuilder) -> None:
        """Add what was seen to a task's report, and begin anew."""
        ...


class Unobserved:
    """Looks at nothing."""

    def look(self, records: Records) -> None:
        """Look at no records."""

    def answers(self, texts: Sequence[Text], *, has_failures: bool) -> None:
        """Look at no predictions."""

    def failures(self, failures: Sequence[Failure]) -> None:
        """Look at no failures."""

    def add_to(self, report: ReportBuilder) -> None:
        """Add nothing."""


class LineObserver(Protocol):
    """What looks at lines and what became of them."""

    def add(
        self, lines: Sequence[bytes], predictions: Sequence[Any], places: Sequence[int], first: int
    ) -> None:
        """Add records: the batch's lines, the predictions' texts, and which of the lines these are of.

        first is the number of the batch's first line in the task.
        """
        ...

    def taken(self) -> Repeats:
        """Return what is known, and begin anew."""
        ...


def profiling(fields: Sequence[Field]) -> Observer:
    """Return what makes a profile of records with these fields, and of their predictions.

    Raises ConfigurationError where its library is missing.
    """
    try:
        from model_mapreduce_job.profiles.observer import ProfileObserver  # noqa: PLC0415 - profiles alone need sketches
    except ImportError as error:
        raise ConfigurationError(
            f"A profile needs {error.name}, which is not installed where tasks run. Install it: "
            "pip install model_mapreduce_job[report]; on a cluster, put it into the bundle."
        ) from error
    return ProfileObserver(fields)


def counting_repeats() -> LineObserver:
    """Return what counts equal records."""
    from model_mapreduce_job.profiles.repeat_counter import RepeatCounter  # noqa: PLC0415 - few runs need it

    return RepeatCounter()
