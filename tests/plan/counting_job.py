"""A job that goes on where the predictions end."""

from collections.abc import Iterator
from typing import Any

from model_mapreduce_job import MLModelMapReduceJob


class CountingJob(MLModelMapReduceJob):
    """Counts the records of each prediction."""

    def reducer(self, key: Any, values: Iterator[Any]) -> Iterator[tuple[Any, int]]:
        yield key, len(list(values))


if __name__ == "__main__":
    CountingJob.run()
