"""A job with a step behind the one that predicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mrjob.step import MRStep

from model_mapreduce_job import MLModelMapReduceJob

if TYPE_CHECKING:
    from collections.abc import Iterator


class TwoSteps(MLModelMapReduceJob):
    """Predicts, and then keeps the predictions alone."""

    def steps(self) -> list[MRStep]:
        """Return the two steps."""
        return [*super().steps(), MRStep(mapper=self.keep_prediction)]

    def keep_prediction(self, _data: Any, prediction: Any) -> Iterator[tuple[None, Any]]:
        """Yield a prediction without its record."""
        yield None, prediction


if __name__ == "__main__":
    TwoSteps.run()
