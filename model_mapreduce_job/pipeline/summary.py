"""What a run amounts to: its counts, the proof that they are complete, and what is reported of them."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

import msgspec

from model_mapreduce_job.exceptions import IncompleteRunError, InputError, TooManyFailuresError
from model_mapreduce_job.pipeline.counters import COUNTS, GROUP, MAX_REASONS, OTHER, Counters
from model_mapreduce_job.pipeline.several_counters import report_of_groups
from model_mapreduce_job.pipeline.several_summary import model_rows, models_as_json
from model_mapreduce_job.printable import counted, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from model_mapreduce_job.formats.lines import Place
    from model_mapreduce_job.pipeline.task_report import SlowBatch, TaskReport

_TOP_REASONS = 3
# scikit-learn's, of a model that another version of it has written
_SERIOUS = "InconsistentVersionWarning"
_ENDS_A_PROCESS = ("ProcessDied", "PredictTimeout")
_LONGEST_EXAMPLE = 300
_IN_LOGS = "an example of each is in the logs of the tasks"


class Proof(Enum):
    """What a run's counts prove: that it is whole, that it is not, or, where some are not known, nothing."""

    COMPLETE = "complete"
    INCOMPLETE = "not complete"
    UNPROVEN = "unproven"


class RunSummary(msgspec.Struct, frozen=True):
    """What a run's tasks report together, and what is known of the run beside it.

    seconds is the run's wall time. known is false when the runner gave no counters. input_records is how many
    records the cluster itself says that it gave to the tasks. in_logs says that the tasks' examples and
    warnings did not come home, and are in their logs.
    """

    report: TaskReport
    seconds: float
    known: bool = True
    input_records: int | None = None
    in_logs: bool = False

    @classmethod
    def of_counters(
        cls, groups: Mapping[str, Mapping[str, int]], seconds: float, input_records: int | None = None
    ) -> RunSummary:
        """Return the summary of a run of which only counters came home; with none, they are unknown."""
        known = bool(groups.get(GROUP)) or input_records == 0
        return cls(report_of_groups(groups), seconds, known, input_records, in_logs=True)

    @property
    def counters(self) -> Counters:
        """The sums of the run's counters."""
        return self.report.counters

    @property
    def reasons(self) -> dict[str, int]:
        """Failures by type of error: the 20 most frequent, in that order, and the rest as `other`."""
        return _most_frequent(self.counters.reasons)

    @property
    def failed_share(self) -> float:
        """Return the failed records' share of all records, 0 when there were none."""
        records = self.counters.records
        return self.counters.failed / records if records else 0.0

    @property
    def proof(self) -> Proof:
        """Return what the counts prove."""
        if not self.known or (self.counters.answered and not self.counters.lines):
            return Proof.UNPROVEN
        given = self.counters.lines if self.input_records is None else self.input_records
        if self.counters.lines != self.counters.answered or self.counters.lines > given:
            return Proof.INCOMPLETE
        # the counts of some tasks may be lost, or some of their lines
        return Proof.COMPLETE if self.counters.lines == given else Proof.UNPROVEN

    def check(self, max_error_rate: float, *, unproven: bool = False) -> None:
        """Raise IncompleteRunError unless each line is accounted for, TooManyFailuresError above the rate.

        With unproven, counts that are not known are no reason to raise.
        """
        if self.proof is Proof.INCOMPLETE:
            raise IncompleteRunError(f"The run is not complete: {self._contradiction()}. Run it again.")
        if self.proof is Proof.UNPROVEN and not unproven:
            raise IncompleteRunError(
                f"Nothing proves that this run is complete: {self._gap()}. Nothing was published. "
                f"{'--max_error_rate can not be judged either. ' if max_error_rate < 1 else ''}"
                "Run it again, or with --unproven to have its output all the same."
            )
        self._check_rate(max_error_rate)

    def _check_rate(self, max_error_rate: float, model: str = "") -> None:
        """Raise TooManyFailuresError above the rate; of several models each has to be below it."""
        if self.report.models:
            for name, report in self.report.models.items():
                RunSummary(report, self.seconds)._check_rate(max_error_rate, printable(name))  # noqa: SLF001 - a summary's own
        elif self.failed_share > max_error_rate:
            raise TooManyFailuresError(
                f"{f'Of {model}, ' if model else ''}"
                f"{self.counters.failed:,} of {counted(self.counters.records, 'record')} failed "
                f"({self.failed_share:.2%}), more than --max_error_rate {max_error_rate} allows. "
                f"{self._reasons_in_words()}"
            )

    def check_keys(self, keys: Sequence[str]) -> None:
        """Raise InputError for a --key that none of the records has: a slip of the pen, most likely."""
        if mistake := self.unknown_key(keys):
            raise InputError(f"{mistake} Nothing was published. Name one that they have.")

    def unknown_key(self, keys: Sequence[str]) -> str:
        """Return what is wrong with the first --key that none of the records has, "" if there is none."""
        lacking = [key for place, key in enumerate(keys) if not sum(self.counters.keys[place : place + 1])]
        if not lacking or not self.counters.predicted:
            return ""
        records = counted(self.counters.records, "record")
        return f"--key {lacking[0]} is a field that none of {records} has."

    def serious_warnings(self) -> str:
        """Return, a line each, the warnings that predictions may be wrong, which not even --quiet hides."""
        return "\n".join(
            f"warning: {printable(warning)}"
            for warning in self.report.warnings
            if warning.startswith(_SERIOUS)
        )

    def table(self) -> str:
        """Return the summary as lines for a person to read."""
        warnings = [f"warning: {printable(warning)}" for warning in self.report.warnings]
        models = model_rows(self.report) if self.known else ()
        return "\n".join([*self._rows(), *models, *self._reason_rows(), *warnings, self._verdict()])

    def as_json(self) -> dict[str, Any]:
        """Return the summary as a JSON object."""
        return {
            "proof": self.proof.value,
            "counts": {name: getattr(self.counters, name) for name in COUNTS} if self.known else None,
            "failed_share": self.failed_share if self.known else None,
            "reasons": [
                {"type": kind, "count": count, **self._example(kind)} for kind, count in self.reasons.items()
            ],
            "seconds": round(self.seconds, 3),
            "records_per_second": round(self.records_per_second, 1),
            "fingerprint": self.counters.fingerprint_hex,
            "warnings": list(self.report.warnings),
            "slowest_batches": list(map(_batch, self.report.slowest)),
            "examples_are_in": "the tasks' logs" if self.in_logs else "this summary",
            **self._of_models(),
            **({"throughput": self.report.pace.as_json()} if self.report.pace else {}),
        }

    def _of_models(self) -> dict[str, Any]:
        """Return what is known of each of several models; nothing where there is one."""
        found = models_as_json(self.report) if self.known else {}
        for name, report in self.report.models.items() if found else ():
            own = RunSummary(report, self.seconds, in_logs=self.in_logs).as_json()
            more = {key: own[key] for key in ("failed_share", "reasons", "slowest_batches")}
            found["counts_of_models"][name] |= more
        return found

    @property
    def records_per_second(self) -> float:
        """Return the records that the run got through in a second of wall time."""
        return self.counters.records / self.seconds if self.seconds else 0.0

    def _rows(self) -> list[str]:
        return [f"{name:<12} {value}" for name, value in self._figures()] if self.known else []

    def _figures(self) -> Iterator[tuple[str, str]]:
        counts = self.counters
        yield "lines", f"{counts.lines:,}"
        if counts.kept:
            yield "kept", f"{counts.kept:,}"
        yield "predicted", f"{counts.predicted:,}"
        yield "failed", f"{counts.failed:,} ({self.failed_share:.2%})"
        yield "blank", f"{counts.blank:,}"
        if counts.headers:
            yield "headers", f"{counts.headers:,}"
        yield "records/s", f"{self.records_per_second:,.0f} ({self.seconds:.2f} s)"
        if counts.loads > 1:
            yield "loads", f"{counts.loads:,} ({counts.load_ms / 1000:.2f} s){self._why_loaded()}"
        if fingerprint := counts.fingerprint_hex:
            yield "fingerprint", fingerprint

    def _why_loaded(self) -> str:
        """Return why the model was loaded again, where that is known: others are one a worker or task."""
        ended = sum(self.reasons.get(kind, 0) for kind in _ENDS_A_PROCESS)
        return (
            f": {counted(ended, 'record')} ended the process that predicted {'it' if ended == 1 else 'them'}"
            if ended
            else ""
        )

    def _reason_rows(self) -> list[str]:
        rows = [f"  {count:>9,} x {reason}" for count, reason in self._top_reasons()]
        return [*rows, f"  {_IN_LOGS}"] if rows and self.in_logs else rows

    def _reasons_in_words(self) -> str:
        words = [f"{count:,} x {reason}" for count, reason in self._top_reasons()]
        return "Most frequent: " + "; ".join(words) + "."

    def _top_reasons(self) -> list[tuple[int, str]]:
        """Return counts and, in words, types of errors with their examples, which may hold anything."""
        top = list(self.reasons.items())[:_TOP_REASONS]
        return [
            (count, printable(f"{kind}: {self.message(kind)}".rstrip(": "), _LONGEST_EXAMPLE))
            for kind, count in top
        ]

    def message(self, kind: str) -> str:
        """Return the message of one failure of a type of error; "" where none came home."""
        example = self.report.examples.get(kind)
        return example.message if example else ""

    def _example(self, kind: str) -> dict[str, Any]:
        example = self.report.examples.get(kind)
        if example is None:
            return {"example": None, "place": None}
        return {"example": example.message, "place": _in_json(example.place)}

    def _verdict(self) -> str:
        if self.proof is Proof.UNPROVEN:
            return f"unproven: {self._gap()}"
        if self.proof is Proof.INCOMPLETE:
            return f"not complete: {self._contradiction()}"
        counts = self.counters
        headers = f" + {counted(counts.headers, 'header')}" if counts.headers else ""
        kept = f"{counts.kept:,} kept + " if counts.kept else ""
        return (
            f"complete: {counted(counts.lines, 'line')} = {kept}{counts.predicted:,} predicted "
            f"+ {counts.failed:,} failed + {counts.blank:,} blank{headers}"
        )

    def _contradiction(self) -> str:
        if self.counters.lines != self.counters.answered:
            counts = self.counters
            return (
                f"of {counted(counts.lines, 'line')}, {counts.kept + counts.predicted:,} were predicted, "
                f"{counts.failed:,} failed and {counts.blank + counts.headers:,} held no record"
            )
        return self._given()

    def _gap(self) -> str:
        if not self.known:
            return "the runner reported no counts"
        return self._given() if self.counters.lines else "the runner reported only some of the counts"

    def _given(self) -> str:
        given, lines = self.input_records or 0, self.counters.lines
        return f"the cluster gave its tasks {counted(given, 'record')}, they counted {counted(lines, 'line')}"


def _batch(batch: SlowBatch) -> dict[str, Any]:
    return {"seconds": round(batch.seconds, 3), "lines": batch.lines, "place": _in_json(batch.place)}


def _in_json(place: Place | None) -> dict[str, Any] | None:
    return place.as_json() if place else None


def _most_frequent(reasons: Mapping[str, int]) -> dict[str, int]:
    """Return the 20 most frequent reasons, most frequent first, the rest of them as `other`."""
    ordered = sorted(reasons.items(), key=lambda item: (item[0] == OTHER, -item[1], item[0]))
    kept = dict(ordered[:MAX_REASONS])
    if rest := sum(count for _, count in ordered[MAX_REASONS:]):
        kept[OTHER] = kept.get(OTHER, 0) + rest
    return kept
