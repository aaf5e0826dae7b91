"""What looks at a task's batches for its profile, and when; an error of its own costs the profile alone."""

from __future__ import annotations

from contextlib import contextmanager
from time import time
from typing import TYPE_CHECKING, Protocol

from model_mapreduce_job.exceptions import MachineFaultError
from model_mapreduce_job.profiles.pace import PaceBuilder
from model_mapreduce_job.profiles.profiler import Profiler

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from model_mapreduce_job.formats.records import Failure, Records, Text
    from model_mapreduce_job.models.fields import Field
    from model_mapreduce_job.profiles.pace import Pace


class Report(Protocol):
    """What a profile is added to."""

    def add_profile(self, packed: bytes) -> None:
        """Add a profile."""
        ...

    def add_pace(self, pace: Pace) -> None:
        """Add how many records came when."""
        ...

    def add_warning(self, warning: str) -> None:
        """Add a warning."""
        ...


class ProfileObserver:
    """Keeps a profile of a task's records, whose fields are known or show themselves."""

    def __init__(self, fields: Sequence[Field] = ()) -> None:
        self._profiler = Profiler(fields)
        self._problem = ""
        self._pace = PaceBuilder()
        self._began = 0.0

    def look(self, records: Records) -> None:
        """Look at a batch's records, before a model is given them."""
        self._began = time()
        with self._careful():
            self._profiler.look(records)

    def answers(self, texts: Sequence[Text], *, has_failures: bool) -> None:
        """Look at the texts of their predictions, or Failures in their place."""
        self._pace.add(len(texts), self._began, time())
        with self._careful():
            self._profiler.answers(texts, has_failures=has_failures)

    def failures(self, failures: Sequence[Failure]) -> None:
        """Look at failures, of records that could not be read as well."""
        if failures:
            with self._careful():
                self._profiler.failures(failures)

    def add_to(self, report: Report) -> None:
        """Add the profile to a task's report, or a warning in its place; begin another."""
        packed = b""
        with self._careful():
            packed = self._profiler.taken()
        pace, self._pace = self._pace.built(), PaceBuilder()
        if pace is not None:
            report.add_pace(pace)
        if self._problem:
            report.add_warning(f"The profile lacks a task, which failed at it with {self._problem}")
            self._problem = ""
        else:
            report.add_profile(packed)

    @contextmanager
    def _careful(self) -> Iterator[None]:
        try:
            yield
        except (MemoryError, MachineFaultError):
            raise
        except Exception as error:  # noqa: BLE001 - values of any kind come by, and the run is worth more
            self._problem = f"{type(error).__name__}: {error}"
