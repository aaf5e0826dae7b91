"""What a task counts, and sends once, when it ends."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.exceptions import TooManyFailuresError
from model_mapreduce_job.formats.records import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from model_mapreduce_job.formats.records import Failure

GROUP = "predictions"
FINGERPRINT_GROUP = "fingerprint"
KEYS_GROUP = "keys"
MAX_KINDS = 20
MAX_WARNINGS = 20
OTHER = "other"
FAIL_FAST_RECORDS = 1000
_FINGERPRINT_BYTES = 16
_LIMB_BITS = 32
_EXAMPLE_CHARACTERS = 300
_AMOUNTS = (
    "lines",
    "predicted",
    "failed",
    "blank",
    "headers",
    "batches",
    "predict_ns",
    "load_ns",
    "loads",
    "fingerprint",
)


@dataclass
class Tally:
    """The counts of one task.

    lines = predicted + failed + blank + headers. kinds counts failures by the type of error, at most 20 types
    and `other`; examples has one message for each. predict_ns, the model's time with that of writing its
    answers down, and load_ns are in nanoseconds. leading_failures is how many records failed before the first
    one that did not. warnings are what a person should hear of, at most 20 different ones. keys is how many
    lines had each field that --key names, in their order. loads is how many processes loaded the model.
    """

    lines: int = 0
    predicted: int = 0
    failed: int = 0
    blank: int = 0
    headers: int = 0
    batches: int = 0
    predict_ns: int = 0
    load_ns: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    fingerprint: int = 0
    leading_failures: int = 0
    warnings: list[str] = field(default_factory=list)
    keys: list[int] = field(default_factory=list)
    loads: int = 0

    def add_failure(self, failure: Failure) -> None:
        """Count a failed record."""
        known = failure.kind in self.kinds or len(self.kinds) < MAX_KINDS
        kind = failure.kind if known else OTHER
        self.failed += 1
        self.kinds[kind] += 1
        if kind not in self.examples:
            self.examples[kind] = _example(failure)

    def add_leading(self, failures: int) -> None:
        """Count failures that stand before the first prediction."""
        self.leading_failures += failures

    def add_warning(self, warning: str) -> None:
        """Keep a warning, unless it's there already, or there are 20."""
        warning = one_line(warning)[:_EXAMPLE_CHARACTERS]
        if warning not in self.warnings and len(self.warnings) < MAX_WARNINGS:
            self.warnings.append(warning)

    def add_keys(self, found: list[int]) -> None:
        """Count the lines that had each field that --key names."""
        self.keys = [sum(both) for both in zip_longest(self.keys, found, fillvalue=0)]

    def add_output(self, lines: Iterable[bytes]) -> None:
        """Add output lines to the fingerprint: a sum, so that neither order nor parts matter."""
        for line in lines:
            self.fingerprint += int.from_bytes(blake2b(line, digest_size=_FINGERPRINT_BYTES).digest(), "big")

    def check_start(self) -> None:
        """Raise TooManyFailuresError when the first 1,000 records or more all failed.

        These are a run's where the tally is that of its first task, or of its first tasks in their order.
        """
        if self.leading_failures >= FAIL_FAST_RECORDS:
            kind, _ = self.kinds.most_common(1)[0]
            raise TooManyFailuresError(
                f"The first {FAIL_FAST_RECORDS:,} records of the input all failed, most of them with {kind}: "
                f"{self.examples.get(kind, '')} "
                "Check that the model fits the input, or go on with --no_fail_fast."
            )

    def as_dict(self) -> dict[str, Any]:
        """Return the tally as Tally's own arguments, of types that JSON has."""
        return {**vars(self), "kinds": dict(self.kinds)}

    def add(self, other: Tally) -> None:
        """Add what another task, or another part of this one, counted after this."""
        if not self.predicted:
            self.leading_failures += other.leading_failures
        for name in _AMOUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for kind, count in other.kinds.items():
            known = kind in self.kinds or len(self.kinds) < MAX_KINDS
            self.kinds[kind if known else OTHER] += count
        self.examples = other.examples | self.examples
        self.add_keys(other.keys)
        for warning in other.warnings:
            self.add_warning(warning)

    def counters(self) -> Iterator[tuple[str, str, int]]:
        """Yield group, name and amount of each counter that is not zero; times are in milliseconds.

        The fingerprint is among them when there is one.
        """
        for name in ("lines", "predicted", "failed", "blank", "headers", "batches", "loads"):
            if amount := getattr(self, name):
                yield GROUP, name, amount
        yield GROUP, "predict_ms", self.predict_ns // 1_000_000
        yield GROUP, "load_ms", self.load_ns // 1_000_000
        for kind, count in self.kinds.items():
            yield GROUP, f"failed: {kind}", count

        for place, lines in enumerate(self.keys):
            yield KEYS_GROUP, f"key {place}", lines
        yield from self._fingerprint_counters()

    def _fingerprint_counters(self) -> Iterator[tuple[str, str, int]]:
        """Yield the fingerprint as four counters of 32 bits, which any number of tasks can add up."""
        if not self.fingerprint:
            return
        for limb in range(_FINGERPRINT_BYTES * 8 // _LIMB_BITS):
            yield FINGERPRINT_GROUP, f"limb {limb}", self.fingerprint >> limb * _LIMB_BITS & 0xFFFFFFFF


@dataclass
class RunStart:
    """The first records of a run, from the tallies of its tasks in whatever order they end."""

    _tally: Tally = field(default_factory=Tally)
    _next: int = 0
    _waiting: dict[int, Tally] = field(default_factory=dict)

    def add(self, task: int, tally: Tally) -> None:
        """Add the tally of a task, by its number in the order of the input.

        Raises TooManyFailuresError when the run's first 1,000 records all failed, wherever tasks begin.
        """
        if self._tally.predicted:
            return
        self._waiting[task] = tally
        while self._next in self._waiting and not self._tally.predicted:
            self._tally.add(self._waiting.pop(self._next))
            self._next += 1
        self._tally.check_start()


def fingerprint_of(limbs: dict[str, int]) -> str | None:
    """Return the fingerprint, in hexadecimal, whose summed counters these are; None when there are none."""
    if not limbs:
        return None
    total = sum(amount << int(name.removeprefix("limb ")) * _LIMB_BITS for name, amount in limbs.items())
    return f"{total % (1 << _FINGERPRINT_BYTES * 8):032x}"


def _example(failure: Failure) -> str:
    """Return a failure's message, cut, and where it comes from."""
    place = f" (at {failure.place})" if failure.place else ""
    return failure.message[: _EXAMPLE_CHARACTERS - len(place)] + place
