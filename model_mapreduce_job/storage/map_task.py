"""A map task as the local engine sees it, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model_mapreduce_job.storage.splits import Split

MAX_ATTEMPTS = 4  # as on Hadoop: mapreduce.map.maxattempts


@dataclass(frozen=True)
class MapTask:
    """One task: its number, from 0 in the order of the input, its split, and of a stream the bytes."""

    number: int
    split: Split
    data: bytes = b""


@dataclass(frozen=True)
class Attempt:
    """One try of a task, counted from 0, and the path that it writes to."""

    task: MapTask
    number: int
    output: str
