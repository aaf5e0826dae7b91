"""A job whose predicting step has a combiner and a reducer, which answer equal records once."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_mapreduce_job import MLModelMapReduceJob

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Distinct(MLModelMapReduceJob):
    """Keeps one prediction of each record."""

    def combiner(self, data: Any, predictions: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        """Yield one of what a task predicts for equal records."""
        self.increment_counter("distinct", "combined")
        print("combining", file=sys.stderr)  # noqa: T201 - a library might
        yield data, next(iter(predictions))

    def reducer(self, data: Any, predictions: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        """Yield one of what all tasks predict for equal records."""
        self.increment_counter("distinct", "reduced")
        if data.get("reduce") == "wait":
            Path(data["reached"]).touch()
            time.sleep(1000)
        if data.get("reduce") == "fail":
            os.kill(os.getpid(), signal.SIGKILL)
        yield data, next(iter(predictions))


if __name__ == "__main__":
    Distinct.run()
