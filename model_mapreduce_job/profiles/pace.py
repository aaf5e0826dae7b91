"""How many records a run has predicted when, by worker: counts in a fixed number of spans of time."""

from __future__ import annotations

from datetime import UTC, datetime
from math import inf
from typing import Any, Final

import msgspec

MOST_SPANS: Final = 100
MOST_WORKERS: Final = 12
OTHER_WORKERS: Final = "others"
_SHORTEST_SECONDS: Final = 0.125


class Spans(msgspec.Struct, frozen=True):
    """The number of the first of some spans of time that follow each other, and each one's records."""

    first: int
    records: tuple[int, ...]


class Pace(msgspec.Struct, frozen=True):
    """Records by worker and span of time, by the clocks of those that have predicted them.

    A span is 2**level eighths of a second; spans are numbered from 1970 on, so that all tasks have the same.
    At most 100 lie between the first and the last record of all. Of more than 12 workers, the later ones are
    together. A worker is "" until whoever brings its report home knows its name.
    """

    level: int = 0
    workers: dict[str, Spans] = {}

    def of_worker(self, name: str) -> Pace:
        """Return this pace as that of a worker of this name."""
        workers = {known or name: spans for known, spans in self.workers.items()}
        return msgspec.structs.replace(self, workers=workers)

    def as_json(self) -> dict[str, Any]:
        """Return when the first span begins, how long each is, and each worker's records in each of them."""
        first = min(spans.first for spans in self.workers.values())
        last = max(spans.first + len(spans.records) for spans in self.workers.values())
        seconds = _seconds(self.level)
        return {
            "from": datetime.fromtimestamp(first * seconds, UTC).isoformat(timespec="seconds"),
            "span_seconds": seconds,
            "workers": [
                {"name": name, "records": _between(spans, first, last)}
                for name, spans in self.workers.items()
            ],
        }


class PaceBuilder(msgspec.Struct):
    """A pace as it grows; in whatever order parts are added, the spans are as long in the end."""

    _level: int = 0
    _workers: dict[str, dict[int, int]] = msgspec.field(default_factory=dict)
    _began: float = inf
    _ended: float = -inf

    def add(self, records: int, began: float, ended: float) -> None:
        """Add records that came evenly over this time, in seconds since 1970."""
        if not records:
            return
        ended = max(began, ended)  # a clock may be set back
        self._reach(began, ended)
        length = _seconds(self._level)
        last, before = int(ended // length), 0
        for span in range(int(began // length), last):
            upto = int(records * ((span + 1) * length - began) / (ended - began))
            self._count("", span, upto - before)
            before = upto
        self._count("", last, records - before)

    def merge(self, pace: Pace) -> None:
        """Add what others have counted."""
        length = _seconds(pace.level)
        for name, spans in pace.workers.items():
            self._reach(spans.first * length, (spans.first + len(spans.records) - 1) * length)
            while self._level < pace.level:
                self._widen()
            is_known = name in self._workers or len(self._workers) < MOST_WORKERS
            for span, records in enumerate(spans.records, spans.first):
                own = span >> (self._level - pace.level)
                self._count(name if is_known else OTHER_WORKERS, own, records)

    def built(self) -> Pace | None:
        """Return what there is up to now; None without any records."""
        workers = {name: _spans(counts) for name, counts in self._workers.items()}
        return Pace(self._level, workers) if workers else None

    def _count(self, name: str, span: int, records: int) -> None:
        if records:
            counts = self._workers.setdefault(name, {})
            counts[span] = counts.get(span, 0) + records

    def _reach(self, began: float, ended: float) -> None:
        """Widen the spans until few enough reach over all of the time."""
        self._began, self._ended = min(self._began, began), max(self._ended, ended)
        while self._ended // _seconds(self._level) - self._began // _seconds(self._level) >= MOST_SPANS:
            self._widen()

    def _widen(self) -> None:
        self._level += 1
        before, self._workers = self._workers, {}
        for name, counts in before.items():
            for span, records in counts.items():
                self._count(name, span >> 1, records)


def _seconds(level: int) -> float:
    return float(_SHORTEST_SECONDS * 2**level)


def _spans(counts: dict[int, int]) -> Spans:
    first = min(counts)
    return Spans(first, tuple(counts.get(span, 0) for span in range(first, max(counts) + 1)))


def _between(spans: Spans, first: int, last: int) -> list[int]:
    """Return the records of each span from the first to the one before the last."""
    behind = last - spans.first - len(spans.records)
    return [*[0] * (spans.first - first), *spans.records, *[0] * behind]
