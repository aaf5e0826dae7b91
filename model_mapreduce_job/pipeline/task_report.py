"""What a task reports when it ends: its counters, and a few things that a person should see."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, Self

import msgspec

from model_mapreduce_job.exceptions import TooManyFailuresError
from model_mapreduce_job.formats.lines import Place
from model_mapreduce_job.formats.records import one_line
from model_mapreduce_job.pipeline.agreement import Agreement, merged_agreements
from model_mapreduce_job.pipeline.counters import OTHER, Counters
from model_mapreduce_job.profiles.pace import Pace, PaceBuilder
from model_mapreduce_job.profiles.repeats import Repeats  # noqa: TC001 - msgspec looks at it

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from model_mapreduce_job.formats.records import Failure
    from model_mapreduce_job.profiles.profile import Profile

MAX_WARNINGS: Final = 20
MAX_SLOWEST: Final = 5
FAIL_FAST_RECORDS: Final = 1000
_MAX_CHARACTERS: Final = 300
_MOST_WAITING: Final = 1 << 23  # bytes of reports that are merged together


class Example(msgspec.Struct, frozen=True):
    """One failure of its type: its message, of at most 300 characters, and its line, where that is known."""

    message: str
    place: Place | None = None


class SlowBatch(msgspec.Struct, frozen=True):
    """A batch that took long: its seconds, the number of its lines, and the first of them."""

    seconds: float
    lines: int
    place: Place | None = None


class TaskReport(msgspec.Struct, frozen=True):
    """What a task reports when it ends, or all of a run's tasks together.

    examples has one failure for each type of error. warnings are what a person should know of the model, at
    most 20 different ones. slowest are the batches that took longest, at most 5, the longest first. profile
    has sketches of values, packed, pace says how many records came when, and repeats what is known of equal
    records, where they are asked for. leading_failures is how many records failed before the first one that
    did not. Of a run of several models, models has by their names what is reported of each, and agreements
    how far each but the first agrees with the first.
    """

    counters: Counters
    examples: dict[str, Example] = {}
    warnings: tuple[str, ...] = ()
    slowest: tuple[SlowBatch, ...] = ()
    profile: bytes | None = None
    leading_failures: int = 0
    models: dict[str, TaskReport] = {}
    agreements: dict[str, Agreement] = {}
    repeats: Repeats | None = None
    pace: Pace | None = None

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the report that to_json has written."""
        return msgspec.convert(json.loads(text), cls)

    def to_json(self) -> str:
        """Return the report as JSON."""
        # msgspec's own JSON takes no name of a file that isn't UTF-8
        return json.dumps(msgspec.to_builtins(self))

    def with_places(self, change: Callable[[Place], Place | None]) -> TaskReport:
        """Return this report with other places; None for one that the reader of the report could not find."""

        def changed(place: Place | None) -> Place | None:
            return change(place) if place else None

        replace = msgspec.structs.replace
        examples = {kind: replace(it, place=changed(it.place)) for kind, it in self.examples.items()}
        slowest = tuple(replace(batch, place=changed(batch.place)) for batch in self.slowest)
        models = {name: report.with_places(change) for name, report in self.models.items()}
        repeats = self.repeats and _moved(self.repeats, change)
        return replace(self, examples=examples, slowest=slowest, models=models, repeats=repeats)

    def in_file(self, file: str, start: int) -> TaskReport:
        """Return this report with places that name a file, and the byte from which its lines are counted."""
        return self.with_places(lambda place: Place(place.line, file, start))

    def of_worker(self, name: str) -> TaskReport:
        """Return this report with the name of the worker that had the task."""
        return msgspec.structs.replace(self, pace=self.pace and self.pace.of_worker(name))

    def without_places(self) -> TaskReport:
        """Return this report without places, where it is not known what lines are counted from."""
        return self.with_places(lambda _: None)


def merged(reports: Iterable[TaskReport]) -> TaskReport:
    """Return what tasks report together; where only a number of them is kept, it is the first ones."""
    together = ReportBuilder()
    for report in reports:
        together.add(report)
    return together.built()


class ReportBuilder(msgspec.Struct):
    """A report as it grows while a task runs."""

    counters: Counters = msgspec.field(default_factory=Counters)
    examples: dict[str, Example] = msgspec.field(default_factory=dict)
    warnings: list[str] = msgspec.field(default_factory=list)
    slowest: list[SlowBatch] = msgspec.field(default_factory=list)
    leading_failures: int = 0
    models: dict[str, ReportBuilder] = msgspec.field(default_factory=dict)
    agreements: dict[str, Agreement] = msgspec.field(default_factory=dict)
    profile: Profile | None = None
    repeats: list[Repeats] = msgspec.field(default_factory=list)
    pace: PaceBuilder = msgspec.field(default_factory=PaceBuilder)

    def built(self) -> TaskReport:
        """Return the report of what there is up to now."""
        counters = Counters()
        counters.add(self.counters)
        return TaskReport(
            counters,
            dict(self.examples),
            tuple(self.warnings),
            tuple(self.slowest),
            profile=None if self.profile is None else self.profile.to_bytes(),
            leading_failures=self.leading_failures,
            models={name: report.built() for name, report in self.models.items()},
            agreements=dict(self.agreements),
            repeats=self._merged_repeats(),
            pace=self.pace.built(),
        )

    def add_failures(self, failures: Iterable[Failure], line_of: Callable[[Failure], int]) -> None:
        """Count failed records; line_of returns the task's line that one is in."""
        for failure in failures:
            kind = self.counters.add_failure(failure.kind)
            if kind not in self.examples:
                self.examples[kind] = Example(_message(failure), Place(line_of(failure)))

    def add_warning(self, warning: str) -> None:
        """Keep a warning, unless it's there already, or there are 20."""
        warning = one_line(warning)[:_MAX_CHARACTERS]
        if warning not in self.warnings and len(self.warnings) < MAX_WARNINGS:
            self.warnings.append(warning)

    def of_model(self, name: str) -> ReportBuilder:
        """Return the report of one of several models."""
        return self.models.setdefault(name, ReportBuilder())

    def add_agreement(self, name: str, agreement: Agreement) -> None:
        """Add how far a model's predictions agree with the first one's."""
        self.agreements[name] = merged_agreements(self.agreements.get(name, {}), agreement)

    def add_profile(self, packed: bytes) -> None:
        """Add sketches of values."""
        from model_mapreduce_job.profiles.profile import Profile  # noqa: PLC0415 - runs without one need no sketches

        profile = Profile.from_bytes(packed)
        if self.profile is None:
            self.profile = profile
        else:
            self.profile.merge(profile)

    def add_pace(self, pace: Pace) -> None:
        """Add how many records came when."""
        self.pace.merge(pace)

    def add_repeats(self, repeats: Repeats) -> None:
        """Add what is known of equal records."""
        self.repeats.append(repeats)
        if sum(len(each.packed) for each in self.repeats) > _MOST_WAITING:
            self._merged_repeats()

    def _merged_repeats(self) -> Repeats | None:
        if len(self.repeats) > 1:
            from model_mapreduce_job.profiles.repeat_rows import merged as merged_repeats  # noqa: PLC0415 - as above

            self.repeats = [merged_repeats(self.repeats)]
        return self.repeats[0] if self.repeats else None

    def add_batch(self, batch: SlowBatch) -> None:
        """Keep a batch if it's among the slowest."""
        if len(self.slowest) < MAX_SLOWEST or batch.seconds > self.slowest[-1].seconds:
            self.slowest.append(batch)
            self.slowest.sort(key=lambda it: -it.seconds)
            del self.slowest[MAX_SLOWEST:]

    def add(self, report: TaskReport) -> None:
        """Add what another task, or a later part of this one, reports."""
        if not self.counters.predicted:
            self.leading_failures += report.leading_failures
        self.counters.add(report.counters)
        for kind, example in report.examples.items():
            self.examples.setdefault(kind if kind in self.counters.reasons else OTHER, example)
        for warning in report.warnings:
            self.add_warning(warning)
        for batch in report.slowest:
            self.add_batch(batch)
        for name, own in report.models.items():
            self.of_model(name).add(own)
        for name, agreement in report.agreements.items():
            self.add_agreement(name, agreement)
        self._add_what_was_seen(report)

    def _add_what_was_seen(self, report: TaskReport) -> None:
        if report.profile is not None:
            self.add_profile(report.profile)
        if report.repeats is not None:
            self.add_repeats(report.repeats)
        if report.pace is not None:
            self.add_pace(report.pace)

    def add_part(self, report: TaskReport) -> None:
        """Add what another process reports of this task's next lines, which it counted from 1."""
        before = self.counters.lines
        self.add(report.with_places(lambda place: Place(before + place.line)))


class RunStart(msgspec.Struct):
    """The first records of a run, from the reports of its tasks in whatever order they end."""

    _first: ReportBuilder = msgspec.field(default_factory=ReportBuilder)
    _next: int = 0
    _waiting: dict[int, TaskReport] = msgspec.field(default_factory=dict)

    def add(self, task: int, report: TaskReport) -> None:
        """Add the report of a task, by its number in the order of the input.

        Raises TooManyFailuresError when the run's first 1,000 records all failed, wherever tasks begin.
        """
        if self._first.counters.predicted:
            return
        self._waiting[task] = msgspec.structs.replace(report, profile=None, repeats=None)
        while self._next in self._waiting and not self._first.counters.predicted:
            self._first.add(self._waiting.pop(self._next))
            self._next += 1
        check_start(self._first)


def check_start(report: TaskReport | ReportBuilder) -> None:
    """Raise TooManyFailuresError when the first 1,000 records or more all failed.

    These are a run's where the report is that of its first task, or of its first tasks in their order.
    """
    if report.leading_failures < FAIL_FAST_RECORDS:
        return
    reasons = report.counters.reasons
    kind = max(reasons, key=reasons.__getitem__)
    example = report.examples.get(kind)
    reason = f"{kind}: {example.message}" if example else kind
    raise TooManyFailuresError(
        f"The first {FAIL_FAST_RECORDS:,} records of the input all failed, most of them with "
        f"{reason.rstrip('.')}. Check that the model fits the input, or go on with --no_fail_fast."
    )


def _moved(repeats: Repeats, change: Callable[[Place], Place | None]) -> Repeats:
    from model_mapreduce_job.profiles.repeat_rows import moved  # noqa: PLC0415 - few runs need NumPy

    return moved(repeats, lambda place: change(place) or Place(place.line))


def _message(failure: Failure) -> str:
    """Return a failure's message, cut, and which line of the model's code it comes from."""
    place = f" (at {failure.place})" if failure.place else ""
    return failure.message[: _MAX_CHARACTERS - len(place)] + place
