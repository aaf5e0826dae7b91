"""What a run amounts to: its counts, the proof that they are complete, and what is told of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.exceptions import IncompleteRunError, InputError, TooManyFailuresError
from model_mapreduce_job.pipeline.counters import (
    FINGERPRINT_GROUP,
    GROUP,
    KEYS_GROUP,
    MAX_KINDS,
    OTHER,
    fingerprint_of,
)
from model_mapreduce_job.printable import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COUNTS = ("lines", "predicted", "failed", "blank", "headers", "batches", "predict_ms", "load_ms", "loads")
_TOP_REASONS = 3
# scikit-learn's, of a model that another version of it has written
_SERIOUS = "InconsistentVersionWarning"
_FAILED = "failed: "
_KEY = "key "
_ENDS_A_PROCESS = ("ProcessDied", "PredictTimeout")
_LONGEST_EXAMPLE = 300
_LIMBS = 4  # the counters that a fingerprint travels as


class Proof(Enum):
    """What a run's counts prove: that it is whole, that it is not, or, where some are not known, nothing."""

    COMPLETE = "complete"
    INCOMPLETE = "not complete"
    UNPROVEN = "unproven"


@dataclass(frozen=True)
class RunSummary:
    """The sums of a run's counters.

    reasons counts failures by type of error, and examples has one message for each. seconds is the run's
    wall time; predict_ms and load_ms are summed over tasks. known is false when the runner gave no counters.
    input_records is how many records the cluster itself says that it gave to the tasks. warnings are what
    tasks say of the model that a person should know. keys is how many lines had each field that --key
    names, by its place.
    """

    seconds: float
    lines: int = 0
    predicted: int = 0
    failed: int = 0
    blank: int = 0
    headers: int = 0
    batches: int = 0
    predict_ms: int = 0
    load_ms: int = 0
    loads: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, str] = field(default_factory=dict)
    fingerprint: str | None = None
    known: bool = True
    input_records: int | None = None
    warnings: Sequence[str] = ()
    keys: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        counters: Mapping[str, Mapping[str, int]],
        seconds: float,
        examples: Mapping[str, str],
        input_records: int | None = None,
        warnings: Sequence[str] = (),
    ) -> RunSummary:
        """Return the summary of a step's counters by group and name; no counters at all are unknown."""
        own = dict(counters.get(GROUP, {}))
        limbs = dict(counters.get(FINGERPRINT_GROUP, {}))
        counts = {name: own.get(name, 0) for name in COUNTS}
        return cls(
            seconds=seconds,
            reasons=_most_frequent({n.removeprefix(_FAILED): own[n] for n in own if n.startswith(_FAILED)}),
            examples=examples,
            fingerprint=fingerprint_of(limbs) if len(limbs) == _LIMBS else None,
            known=bool(own) or input_records == 0,
            input_records=input_records,
            warnings=warnings,
            keys={int(name.removeprefix(_KEY)): n for name, n in counters.get(KEYS_GROUP, {}).items()},
            **counts,
        )

    @property
    def failed_share(self) -> float:
        """Return the failed records' share of all records, 0 when there were none."""
        records = self.predicted + self.failed
        return self.failed / records if records else 0.0

    @property
    def proof(self) -> Proof:
        """Return what the counts prove."""
        if not self.known or (self._answered and not self.lines):
            return Proof.UNPROVEN
        given = self.lines if self.input_records is None else self.input_records
        if self.lines != self._answered or self.lines > given:
            return Proof.INCOMPLETE
        # the counts of some tasks may be lost, or some of their lines
        return Proof.COMPLETE if self.lines == given else Proof.UNPROVEN

    @property
    def _answered(self) -> int:
        return self.predicted + self.failed + self.blank + self.headers

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
        if self.failed_share > max_error_rate:
            raise TooManyFailuresError(
                f"{self.failed:,} of {self.predicted + self.failed:,} records failed "
                f"({self.failed_share:.2%}), more than --max_error_rate {max_error_rate} allows. "
                f"{self._reasons_in_words()}"
            )

    def check_keys(self, keys: Sequence[str]) -> None:
        """Raise InputError for a --key that none of the records has: a slip of the pen, most likely."""
        lacking = [key for place, key in enumerate(keys) if not self.keys.get(place)]
        if lacking and self.predicted:
            raise InputError(
                f"--key {lacking[0]} is a field of none of the {self.predicted + self.failed:,} records. "
                "Nothing was published. Name one that they have."
            )

    def serious_warnings(self) -> str:
        """Return, a line each, the warnings that predictions may be wrong, which not even --quiet hides."""
        return "\n".join(
            f"warning: {printable(warning)}" for warning in self.warnings if warning.startswith(_SERIOUS)
        )

    def table(self) -> str:
        """Return the summary as lines for a person to read."""
        warnings = [f"warning: {printable(warning)}" for warning in self.warnings]
        return "\n".join([*self._rows(), *self._reason_rows(), *warnings, self._verdict()])

    def as_json(self) -> dict[str, Any]:
        """Return the summary as a JSON object."""
        return {
            "proof": self.proof.value,
            "counts": {name: getattr(self, name) for name in COUNTS} if self.known else None,
            "failed_share": self.failed_share if self.known else None,
            "reasons": [
                {"type": kind, "count": count, "example": self.examples.get(kind)}
                for kind, count in self.reasons.items()
            ],
            "seconds": round(self.seconds, 3),
            "records_per_second": round(self.records_per_second, 1),
            "fingerprint": self.fingerprint,
            "warnings": list(self.warnings),
        }

    @property
    def records_per_second(self) -> float:
        """Return the records that the run got through in a second of wall time."""
        return (self.predicted + self.failed) / self.seconds if self.seconds else 0.0

    def _rows(self) -> list[str]:
        if not self.known:
            return []
        rows = [
            ("lines", f"{self.lines:,}"),
            ("predicted", f"{self.predicted:,}"),
            ("failed", f"{self.failed:,} ({self.failed_share:.2%})"),
            ("blank", f"{self.blank:,}"),
            ("records/s", f"{self.records_per_second:,.0f} ({self.seconds:.2f} s)"),
        ]
        if self.headers:
            rows.insert(4, ("headers", f"{self.headers:,}"))
        if self.loads > 1:
            rows.append(("loads", f"{self.loads:,} ({self.load_ms / 1000:.2f} s){self._why_loaded()}"))
        if self.fingerprint:
            rows.append(("fingerprint", self.fingerprint))
        return [f"{name:<12} {value}" for name, value in rows]

    def _why_loaded(self) -> str:
        """Return why the model was loaded again, where that is known: others are one a worker or task."""
        ended = sum(self.reasons.get(kind, 0) for kind in _ENDS_A_PROCESS)
        return f": {ended:,} records ended the process that predicted them" if ended else ""

    def _reason_rows(self) -> list[str]:
        return [f"  {count:>9,} x {reason}" for count, reason in self._top_reasons()]

    def _reasons_in_words(self) -> str:
        words = [f"{count:,} x {reason}" for count, reason in self._top_reasons()]
        return "Most frequent: " + "; ".join(words) + "."

    def _top_reasons(self) -> list[tuple[int, str]]:
        """Return counts and, in words, types of errors with their examples, which may hold anything."""
        top = list(self.reasons.items())[:_TOP_REASONS]
        return [
            (count, printable(f"{kind}: {self.examples.get(kind, '')}".rstrip(": "), _LONGEST_EXAMPLE))
            for kind, count in top
        ]

    def _verdict(self) -> str:
        if self.proof is Proof.UNPROVEN:
            return f"unproven: {self._gap()}"
        if self.proof is Proof.INCOMPLETE:
            return f"not complete: {self._contradiction()}"
        headers = f" + {self.headers:,} headers" if self.headers else ""
        return (
            f"complete: {self.lines:,} lines = {self.predicted:,} predicted + {self.failed:,} failed "
            f"+ {self.blank:,} blank{headers}"
        )

    def _contradiction(self) -> str:
        if self.lines != self._answered:
            return (
                f"of {self.lines:,} lines, {self.predicted:,} were predicted, "
                f"{self.failed:,} failed and {self.blank + self.headers:,} held no record"
            )
        return self._given()

    def _gap(self) -> str:
        if not self.known:
            return "the runner reported no counts"
        return self._given() if self.lines else "the runner reported only some of the counts"

    def _given(self) -> str:
        return f"the cluster gave its tasks {self.input_records:,} records, they counted {self.lines:,} lines"


def _most_frequent(reasons: dict[str, int]) -> dict[str, int]:
    """Return the 20 most frequent reasons, most frequent first, the rest of them as `other`."""
    ordered = sorted(reasons.items(), key=lambda item: (item[0] == OTHER, -item[1], item[0]))
    kept = dict(ordered[:MAX_KINDS])
    if rest := sum(count for _, count in ordered[MAX_KINDS:]):
        kept[OTHER] = kept.get(OTHER, 0) + rest
    return kept
