"""Equal records of a run, in the driver: what can be counted, and what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from model_mapreduce_job.exceptions import IncompleteRunError, InputError
from model_mapreduce_job.formats.registry import TABLES
from model_mapreduce_job.printable import counted, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_mapreduce_job.formats.lines import Place
    from model_mapreduce_job.pipeline.task_report import TaskReport
    from model_mapreduce_job.profiles.repeats import Repeats
    from model_mapreduce_job.task.run_options import RunOptions


def check_duplicates(options: RunOptions) -> None:
    """Raise InputError where equal records could not be counted."""
    task = options.task
    if not task.check_duplicates:
        return
    table = next((name for name in (task.input_protocol, task.output_protocol) if name in TABLES), None)
    reasons = {
        "is of one model, and this run has several": task.several,
        f"compares lines of text, and {table} has none": table,
        "is of a run, and --plan and --debug_record start none": options.plan or options.debug_record,
    }
    for reason, holds in reasons.items():
        if holds:
            raise InputError(f"--check_duplicates {reason}. Leave it out.")


class RunDuplicates(msgspec.Struct, frozen=True):
    """The equal records of a run; None where they were not counted, lost where no task reported any."""

    found: Repeats | None = None
    is_lost: bool = False

    @classmethod
    def of(cls, options: RunOptions, tasks: TaskReport | None) -> RunDuplicates:
        """Return what a run's options ask for."""
        if not options.task.check_duplicates or (tasks is not None and not tasks.counters.lines):
            return cls()
        if tasks is None or tasks.repeats is None:
            return cls(is_lost=True)
        return cls(tasks.repeats)

    def check(self) -> None:
        """Raise IncompleteRunError where no task reported what was asked for."""
        if self.is_lost:
            raise IncompleteRunError(
                "--check_duplicates asks for equal records, and no task reported any. Nothing was published."
            )

    def in_words(self) -> str:
        """Return the lines of a summary."""
        found = self.as_json().get("duplicates")
        return "".join(f"{line}\n" for line in _lines(found)) if found else ""

    def as_json(self) -> dict[str, Any]:
        """Return what was found, for the summary's file; nothing where it was not counted."""
        if self.found is None:
            return {}
        from model_mapreduce_job.profiles import repeat_rows  # noqa: PLC0415 - few runs need NumPy

        pairs = [tuple(map(_place, pair)) for pair in repeat_rows.pairs_of(self.found)]
        return {
            "duplicates": {
                "records": self.found.records,
                "repeats": repeat_rows.repeated(self.found),
                "is_exact": self.found.level == 0,
                "standard_error": repeat_rows.standard_error(self.found),
                "more_than_once": repeat_rows.more_than_once(self.found),
                "differing": repeat_rows.differing(self.found),
                "pairs": [{"first": first, "other": other} for first, other in pairs],
            }
        }


def _lines(found: dict[str, Any]) -> Iterator[str]:
    repeats, records = found["repeats"], found["records"]
    how = "exactly" if found["is_exact"] else f"with a standard error of {found['standard_error']:,}"
    repeat, come = ("repeats" if repeats == 1 else "repeat"), found["more_than_once"]
    yield f"duplicates   {repeats:,} of {counted(records, 'record')} {repeat} an earlier one, {how}"
    yield f"             {come:,} different {'one comes' if come == 1 else 'ones come'} more than once"
    if found["differing"]:
        yield f"             {found['differing']:,} of these got different predictions:"
    for pair in found["pairs"]:
        yield f"             {_in_words(pair['first'])}, and {_in_words(pair['other'])}"


def _place(at: Place) -> dict[str, Any] | None:
    """Return a place as the summary has it; None where it isn't known."""
    return at.as_json() if at.file else None


def _in_words(place: dict[str, Any] | None) -> str:
    if place is None:
        return "a line in an unknown place"
    start = f" from byte {place['from_byte']:,}" if place["from_byte"] else ""
    return f"{printable(place['file'])} line {place['line']:,}{start}"
