"""Counts records by the species that is predicted for them; null counts those that have no prediction.

Run it as the job itself:

    export APP_SETTINGS=ProdConfig
    python examples/jobs/count_by_species.py --model_qualified_name iris_model data/input.ldjson
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mrjob.step import MRStep

from model_mapreduce_job import MLModelMapReduceJob

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Counts = Iterator[tuple[str | None, int]]


class CountBySpecies(MLModelMapReduceJob):
    """Adds a reducer to the step that predicts, and a step that adds up what it yields."""

    def steps(self) -> list[MRStep]:
        """Return the two steps."""
        return [*super().steps(), MRStep(combiner=self.add_up, reducer=self.add_up)]

    def reducer(self, _data: Any, predictions: Iterable[dict[str, str] | None]) -> Counts:
        """Yield each prediction's species; equal records come together from all splits."""
        for prediction in predictions:
            yield prediction["species"] if prediction else None, 1

    def add_up(self, species: str | None, counts: Iterable[int]) -> Counts:
        """Yield a species' count."""
        yield species, sum(counts)


if __name__ == "__main__":
    CountBySpecies.run()
