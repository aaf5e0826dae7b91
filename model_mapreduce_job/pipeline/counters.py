"""What is counted of a run: the sums, and the names by which counters go through mrjob and Hadoop."""

from __future__ import annotations

from hashlib import blake2b
from itertools import zip_longest
from typing import TYPE_CHECKING, Final, Self, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Groups: TypeAlias = "dict[str, dict[str, int]]"  # amounts by group and name, as mrjob has counters

GROUP: Final = "predictions"
FINGERPRINT_GROUP: Final = "fingerprint"
KEYS_GROUP: Final = "keys"
MAX_REASONS: Final = 20
OTHER: Final = "other"
_AMOUNTS: Final = ("lines", "kept", "predicted", "failed", "blank", "headers", "batches")
_TIMES: Final = ("predict_ms", "load_ms")
COUNTS: Final = (*_AMOUNTS, *_TIMES, "loads")
_FAILED: Final = "failed: "
_KEY: Final = "key "
_LIMB: Final = "limb "
_FINGERPRINT_BYTES: Final = 16
_LIMB_BITS: Final = 32
_LIMBS: Final = _FINGERPRINT_BYTES * 8 // _LIMB_BITS
_NS_IN_MS: Final = 1_000_000


class Counters(msgspec.Struct):
    """The sums of a task, or of a whole run.

    lines = kept + predicted + failed + blank + headers; a replay alone keeps some of an earlier output. loads
    is how many processes loaded the model. predict_ns, the model's time with that of writing its answers
    down, and load_ns are in nanoseconds, summed over tasks. fingerprint is the sum of the digests of all
    output lines. reasons counts failures by the type of error, at most 20 types and `other`. keys is how many
    lines had each field that --key names, in their order.
    """

    lines: int = 0
    kept: int = 0
    predicted: int = 0
    failed: int = 0
    blank: int = 0
    headers: int = 0
    batches: int = 0
    loads: int = 0
    predict_ns: int = 0
    load_ns: int = 0
    fingerprint: int = 0
    reasons: dict[str, int] = {}
    keys: list[int] = []

    @classmethod
    def of_groups(cls, groups: Mapping[str, Mapping[str, int]]) -> Self:
        """Return the counters whose sums, by group and name, came through mrjob."""
        own, limbs = groups.get(GROUP, {}), groups.get(FINGERPRINT_GROUP, {})
        keys = {int(name.removeprefix(_KEY)): n for name, n in groups.get(KEYS_GROUP, {}).items()}
        predict_ms, load_ms = (own.get(name, 0) for name in _TIMES)
        return cls(
            **{name: own.get(name, 0) for name in (*_AMOUNTS, "loads")},
            predict_ns=predict_ms * _NS_IN_MS,
            load_ns=load_ms * _NS_IN_MS,
            fingerprint=_fingerprint(limbs) if len(limbs) == _LIMBS else 0,
            reasons={n.removeprefix(_FAILED): own[n] for n in own if n.startswith(_FAILED)},
            keys=[keys.get(place, 0) for place in range(max(keys, default=-1) + 1)],
        )

    def as_groups(self) -> Groups:
        """Return the counters by group and name; times are always there, others where they are not zero."""
        amounts = {name: getattr(self, name) for name in (*_AMOUNTS, "loads") if getattr(self, name)}
        times = {name: getattr(self, name) for name in _TIMES}
        reasons = {f"{_FAILED}{kind}": count for kind, count in self.reasons.items()}
        keys = {f"{_KEY}{place}": lines for place, lines in enumerate(self.keys)}
        groups = {GROUP: {**amounts, **times, **reasons}, KEYS_GROUP: keys, FINGERPRINT_GROUP: self._limbs()}
        return {group: counts for group, counts in groups.items() if counts}

    @property
    def records(self) -> int:
        """The lines that hold a record."""
        return self.kept + self.predicted + self.failed

    @property
    def answered(self) -> int:
        """The lines of which it is known what they were; in a complete run all of them."""
        return self.records + self.blank + self.headers

    @property
    def predict_ms(self) -> int:
        """The model's time, in milliseconds."""
        return self.predict_ns // _NS_IN_MS

    @property
    def load_ms(self) -> int:
        """The time that loading the model took, in milliseconds."""
        return self.load_ns // _NS_IN_MS

    @property
    def fingerprint_hex(self) -> str | None:
        """The fingerprint, 128 bits in hexadecimal; None when there is none."""
        bits = _FINGERPRINT_BYTES * 8
        return f"{self.fingerprint % (1 << bits):0{bits // 4}x}" if self.fingerprint else None

    def add(self, other: Counters) -> None:
        """Add another task's counters, or those of another part of this one."""
        for name in _SUMMED:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for kind, count in other.reasons.items():
            self._add_reason(kind, count)
        self.add_keys(other.keys)

    def add_failure(self, kind: str) -> str:
        """Count a failed record by its type of error; return the type that it is counted as."""
        self.failed += 1
        return self._add_reason(kind, 1)

    def add_keys(self, found: list[int]) -> None:
        """Count the lines that had each field that --key names."""
        self.keys = [sum(both) for both in zip_longest(self.keys, found, fillvalue=0)]

    def add_output(self, lines: Iterable[bytes]) -> None:
        """Add output lines to the fingerprint: a sum, so that neither order nor parts matter."""
        for line in lines:
            self.fingerprint += int.from_bytes(blake2b(line, digest_size=_FINGERPRINT_BYTES).digest(), "big")

    def _add_reason(self, kind: str, count: int) -> str:
        known = kind if kind in self.reasons or len(self.reasons) < MAX_REASONS else OTHER
        self.reasons[known] = self.reasons.get(known, 0) + count
        return known

    def _limbs(self) -> dict[str, int]:
        """Return the fingerprint as four counters of 32 bits, which any number of tasks can add up."""
        if not self.fingerprint:
            return {}
        return {f"{_LIMB}{n}": self.fingerprint >> n * _LIMB_BITS & 0xFFFFFFFF for n in range(_LIMBS)}


_SUMMED: Final = tuple(name for name in Counters.__struct_fields__ if name not in {"reasons", "keys"})


def _fingerprint(limbs: Mapping[str, int]) -> int:
    return sum(amount << int(name.removeprefix(_LIMB)) * _LIMB_BITS for name, amount in limbs.items())
