"""What a batch of lines was read as: records, failures, blank lines and headers."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from model_mapreduce_job.formats.records import Failure, Records


class Kept(Protocol):
    """What comes out of a replay's batch as it is."""

    @property
    def count(self) -> int:
        """How many records have a prediction."""
        ...

    def with_lines(self, lines: Any) -> Any:
        """Return the output of the whole batch; lines is that of the records that were predicted now."""
        ...


class KeptLines(msgspec.Struct, frozen=True):
    """The lines of an earlier output that have a prediction, and at these places those that have none yet."""

    lines: list[bytes]
    places: Sequence[int]

    @property
    def count(self) -> int:
        """How many have a prediction."""
        return len(self.lines) - len(self.places)

    def with_lines(self, lines: Sequence[bytes]) -> list[bytes]:
        """Return all lines, with those that were predicted now at their places."""
        if not self.places:
            return self.lines
        together = self.lines.copy()
        for place, line in zip(self.places, lines, strict=True):
            together[place] = line
        return together


class ReadBatch(msgspec.Struct, frozen=True):
    """The records of a batch of lines.

    keys has a text for each line that is a record, or the columns of rows that come back; records has those
    that could be read, failures has the others, by their place among the keys, in order. lines has each key's
    place among the lines. kept has what comes out of a replay's batch beside these.
    """

    keys: Any
    records: Records
    failures: Mapping[int, Failure]
    lines: Sequence[int]
    blank: int = 0
    headers: int = 0
    kept: Kept | None = None

    def with_failures(self, texts: Any) -> Any:
        """Return what became of each key's record: its failure, or the next of the texts."""
        if not isinstance(texts, list):
            return texts.with_failures(self.failures)
        outcomes = texts.copy() if self.failures else texts
        for place, failure in self.failures.items():
            outcomes.insert(place, failure)
        return outcomes


class ReadLines(msgspec.Struct):
    """What lines were read as, each in one of these; all but the records are by their place."""

    records: list[Any] = msgspec.field(default_factory=list)
    failures: dict[int, Failure] = msgspec.field(default_factory=dict)
    blank: set[int] = msgspec.field(default_factory=set)
    headers: set[int] = msgspec.field(default_factory=set)

    def place(self) -> int:
        """Return how many lines were read, which is the next one's place."""
        return len(self.records) + len(self.failures) + len(self.blank) + len(self.headers)


def inserted(items: list[Any], more: Mapping[int, Any]) -> list[Any]:
    """Return items with more of them, each at its place in the end; the very list if there are none."""
    if not more:
        return items
    found: list[Any] = []
    taken = 0
    for place in sorted(more):
        upto = taken + place - len(found)
        found += items[taken:upto]
        found.append(more[place])
        taken = upto
    return found + items[taken:]


def places_without(places: range, left_out: Iterable[int]) -> Sequence[int]:
    """Return places without those that are left out, which are given in order."""
    ends = [places.start - 1, *left_out, places.stop]
    if len(ends) == 2:  # noqa: PLR2004 - nothing is left out
        return places
    return [place for before, after in pairwise(ends) for place in range(before + 1, after)]
