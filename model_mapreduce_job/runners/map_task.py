"""A map task as the local engine sees it, and what comes of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from model_mapreduce_job.runners.splits import Split

MAX_ATTEMPTS = 4  # as on Hadoop: mapreduce.map.maxattempts


@dataclass(frozen=True)
class MapTask:
    """One task: its number, from 0 in the order of the input, its split, and of a stream the bytes."""

    number: int
    split: Split
    data: bytes = b""


@dataclass(frozen=True)
class Attempt:
    """One try of a task: where it writes, and the environment that Hadoop would give it."""

    task: MapTask
    number: int
    output: str
    durable: bool
    environment: dict[str, str] = field(default_factory=dict)

    def as_header(self) -> dict[str, Any]:
        """Return the request that is sent to a worker; the stream's bytes go beside it."""
        return {
            "split": asdict(self.task.split),
            "attempt": self.number,
            "output": self.output,
            "durable": self.durable,
            "environment": self.environment,
        }
