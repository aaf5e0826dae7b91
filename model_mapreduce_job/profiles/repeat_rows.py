"""Rows of digests: how they merge, and what they say of equal records and their predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from msgspec.structs import replace

from model_mapreduce_job.formats.lines import Place
from model_mapreduce_job.profiles.repeats import Repeats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from model_mapreduce_job.profiles.repeats import Source

    Rows = NDArray[np.void]

KEPT: Final = 1 << 16
MOST_PAIRS: Final = 5
LAST_LINE: Final = 2**32 - 1
# The records of one digest have a row for the first of them, which counts all, and perhaps one for the first
# with another prediction, which counts none. A place is the number of a source, and a line there, from 1.
ROW: Final = np.dtype(
    [
        ("high", "<u8"),
        ("low", "<u8"),
        ("prediction", "<u8"),
        ("count", "<u8"),
        ("source", "<u4"),
        ("line", "<u4"),
    ]
)
_BITS: Final = 64


def rows_of(repeats: Repeats) -> Rows:
    """Return the rows, in the order of their digests."""
    return np.frombuffer(repeats.packed, ROW)


def of_rows(rows: Rows, whole: Repeats, *, in_order: bool = False) -> Repeats:
    """Return what is known with these rows in place of its own, of which several may be of one digest.

    in_order says that the first of these comes first.
    """
    rows, level = _bounded(_grouped(rows, in_order=in_order), whole.level)
    return replace(whole, level=level, packed=rows.tobytes())


def merged(parts: Sequence[Repeats]) -> Repeats:
    """Return what is known of the records of all parts, of one or more."""
    sources = sorted({source for part in parts for source in part.sources})
    rows = np.concatenate([_renumbered(rows_of(part), part.sources, sources) for part in parts])
    records, level = sum(part.records for part in parts), max(part.level for part in parts)
    return of_rows(rows, Repeats(records, level, tuple(sources)))


def moved(repeats: Repeats, change: Callable[[Place], Place]) -> Repeats:
    """Return this with other places; change gives a line's, which is after those of the lines before."""
    old, rows = rows_of(repeats), rows_of(repeats).copy()
    sources: list[Source] = []
    for number, source in enumerate(repeats.sources):
        is_there = old["source"] == number
        for first, last, place in _alike(np.unique(old["line"][is_there]).tolist(), source, change):
            chosen = is_there & (old["line"] >= first) & (old["line"] <= last)
            rows["source"][chosen] = len(sources)
            rows["line"][chosen] = (
                old["line"][chosen] - np.uint32(first) + np.uint32(min(place.line, LAST_LINE))
            )
            sources.append((place.file, place.start))
    ordered = sorted(set(sources))
    return of_rows(_renumbered(rows, sources, ordered), replace(repeats, sources=tuple(ordered)))


def _alike(
    lines: list[int], source: Source, change: Callable[[Place], Place]
) -> Iterator[tuple[int, int, Place]]:
    """Yield the first and last of lines that stay together in one source, and the first one's place."""
    if not lines:
        return
    first, last = (change(Place(line, *source)) for line in (lines[0], lines[-1]))
    if last == replace(first, line=first.line + lines[-1] - lines[0]):
        yield lines[0], lines[-1], first
        return
    middle = len(lines) // 2
    yield from _alike(lines[:middle], source, change)
    yield from _alike(lines[middle:], source, change)


def _renumbered(rows: Rows, before: Sequence[Source], after: Sequence[Source]) -> Rows:
    """Return a copy of rows with the numbers that their sources have in another order."""
    numbers = {source: number for number, source in enumerate(after)}
    rows = rows.copy()
    if len(rows):
        rows["source"] = np.array([numbers[source] for source in before], np.uint32)[rows["source"]]
    return rows


def _grouped(rows: Rows, *, in_order: bool) -> Rows:
    """Return the one or two rows of each digest, in their order, with the count of all in the first."""
    if not len(rows):
        return rows
    rows = rows[_order(rows, in_order=in_order)]
    begins = np.concatenate([[True], _differ(rows, "high") | _differ(rows, "low")])
    starts, group = np.flatnonzero(begins), np.cumsum(begins) - 1
    totals = np.add.reduceat(rows["count"], starts)
    differing = np.flatnonzero(rows["prediction"] != rows["prediction"][starts][group])
    others = differing[np.unique(group[differing], return_index=True)[1]]
    rows["count"] = 0
    rows["count"][starts] = totals
    found: Rows = rows[np.sort(np.concatenate([starts, others]))]
    return found


def _order(rows: Rows, *, in_order: bool) -> NDArray[np.intp]:
    """Return the order of the rows by their digests, and of one digest by their places."""
    if in_order:
        order = np.argsort(rows["high"], kind="stable")
        found = rows[["high", "low"]][order]
        if not np.any(~_differ(found, "high") & _differ(found, "low")):
            return order
    return np.lexsort((rows["line"], rows["source"], rows["low"], rows["high"]))


def _differ(rows: Rows, name: str) -> NDArray[np.bool_]:
    """Return for each row but the first whether it has another value than the one before."""
    values = rows[name]
    found: NDArray[np.bool_] = values[1:] != values[:-1]
    return found


def _bounded(rows: Rows, level: int) -> tuple[Rows, int]:
    """Return the rows of at most 65,536 digests, those of this level or of a higher one, and that level."""
    while True:
        rows = rows[: int(np.searchsorted(rows["high"], highest(level), "right"))]
        if np.count_nonzero(rows["count"]) <= KEPT:
            return rows, level
        level += 1


def highest(level: int) -> np.uint64:
    """Return the greatest upper half of a digest that a level keeps."""
    return np.uint64((1 << max(0, _BITS - level)) - 1)


def repeated(repeats: Repeats) -> int:
    """Return how many records are equal to an earlier one: exactly at level 0, else about.

    It is what all records are more than different ones. What the repeats that are kept say of all would have
    no bound for its error: one record may come a million times, and not be kept.
    """
    counts = rows_of(repeats)["count"]
    kept = int(np.count_nonzero(counts))
    return max(int(counts.sum()) - kept, repeats.records - (kept << repeats.level))


def standard_error(repeats: Repeats) -> int:
    """Return the standard deviation of what repeated() returns, 0 where it is exact.

    Each different record is kept with the probability p = 2**-level: it is that of their number, of which n
    are kept, sqrt(n * (1 - p)) / p. Source: W. Cochran, Sampling Techniques, Wiley 1977, section 3.2.
    """
    kept, share = int(np.count_nonzero(rows_of(repeats)["count"])), 2.0**-repeats.level
    return round(float(np.sqrt(kept * (1 - share))) / share)


def more_than_once(repeats: Repeats) -> int:
    """Return how many different records come more than once: exactly at level 0, else about."""
    return int(np.count_nonzero(rows_of(repeats)["count"] > 1)) << repeats.level


def differing(repeats: Repeats) -> int:
    """Return how many different records got more than one prediction: exactly at level 0, else about."""
    return int(np.count_nonzero(rows_of(repeats)["count"] == 0)) << repeats.level


def pairs_of(repeats: Repeats) -> list[tuple[Place, Place]]:
    """Return the places of equal records with different predictions: the first pairs, at most 5."""
    rows = rows_of(repeats)
    others = np.flatnonzero(rows["count"] == 0)
    order = np.lexsort((rows["line"][others], rows["source"][others]))[:MOST_PAIRS]
    return [
        (_place(rows[other - 1], repeats), _place(rows[other], repeats)) for other in others[order].tolist()
    ]


def _place(row: Any, repeats: Repeats) -> Place:
    return Place(int(row["line"]), *repeats.sources[int(row["source"])])
