"""A run's records per second over its time as small charts: of all its workers, and of each."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec

from model_mapreduce_job.profiles.pace import MOST_SPANS, MOST_WORKERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_WIDTH: Final = 100
_HEIGHT: Final = 40
_QUARTERS: Final = 4
_ALL: Final = "all workers"


class Worker(msgspec.Struct, frozen=True):
    """A worker's records in each span of the run's time."""

    name: str
    records: tuple[Annotated[int, msgspec.Meta(ge=0)], ...]


class Throughput(msgspec.Struct, frozen=True):
    """A run's throughput as its summary has it: Pace.as_json()."""

    began: str = msgspec.field(name="from")
    span_seconds: Annotated[float, msgspec.Meta(gt=0)]
    workers: tuple[Worker, ...]


@dataclass(frozen=True)
class Row:
    """A chart: whose, its path, in words how much each quarter of the time had, and the sum and the most."""

    name: str
    path: str
    quarters: tuple[str, ...]
    records: int
    highest: float


@dataclass(frozen=True)
class Charts:
    """The charts of a run: when it began, in how long spans of time it is shown, and how long it took."""

    began: str
    span_seconds: float
    seconds: float
    rows: tuple[Row, ...]


def throughput_of(found: Any) -> Charts | None:
    """Return the charts of what a summary has of the throughput; None where it has nothing.

    Raises msgspec.ValidationError or ValueError for what no run writes.
    """
    if found is None:
        return None
    known = msgspec.convert(found, Throughput)
    lengths = {len(worker.records) for worker in known.workers}
    if len(lengths) != 1 or not 0 < max(lengths) <= MOST_SPANS or len(known.workers) > MOST_WORKERS + 1:
        raise ValueError("its throughput has other spans of time")
    return Charts(known.began, known.span_seconds, known.span_seconds * max(lengths), tuple(_rows(known)))


def _rows(known: Throughput) -> Iterator[Row]:
    workers = sorted(known.workers, key=lambda worker: -sum(worker.records))
    together = Worker(_ALL, tuple(map(sum, zip(*(worker.records for worker in workers), strict=True))))
    yield _row(together, max(together.records), known.span_seconds)
    highest = max(max(worker.records) for worker in workers)
    for worker in workers if len(workers) > 1 else ():
        yield _row(worker, highest, known.span_seconds)


def _row(worker: Worker, highest: int, seconds: float) -> Row:
    return Row(
        worker.name,
        _path([_HEIGHT * (1 - records / (highest or 1)) for records in worker.records]),
        tuple(_quarters(worker.records, seconds)),
        sum(worker.records),
        max(worker.records) / seconds,
    )


def _path(tops: Sequence[float]) -> str:
    """Return the outline of bars that stand side by side."""
    width = _WIDTH / len(tops)
    steps, place = [], 0
    for top, same in groupby(tops):
        place += len(list(same))
        steps.append(f"V{top:.4g}H{place * width:.4g}")
    return f"M0 {_HEIGHT}{''.join(steps)}V{_HEIGHT}Z"


def _quarters(records: Sequence[int], seconds: float) -> Iterator[str]:
    size = -(-len(records) // _QUARTERS)
    for start in range(0, len(records), size):
        part = records[start : start + size]
        rate = sum(part) / (len(part) * seconds)
        yield f"{start * seconds:.4g} to {(start + len(part)) * seconds:.4g} s: {rate:,.0f}/s"
