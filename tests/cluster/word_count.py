"""An mrjob job that leaves the counters that its runner has read in the file that COUNTERS names."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

from mrjob.job import MRJob
from mrjob.runner import MRJobRunner


class WordCount(MRJob):
    """Counts words; a line that is `fail` fails its task."""

    def mapper(self, _: None, line: str) -> Iterator[tuple[str, int]]:
        """Split a line into words."""
        if line == "fail":
            raise ValueError("this line was made to fail")
        self.increment_counter("word_count", "lines")
        for word in line.split():
            yield word, 1

    def reducer(self, word: str, counts: Iterator[int]) -> Iterator[tuple[str, int]]:
        """Add up."""
        yield word, sum(counts)

    def make_runner(self) -> MRJobRunner:
        """Keep the runner, to ask it for the counters."""
        self.runner = super().make_runner()
        return self.runner

    def run_job(self) -> None:
        """Run, then write the counters."""
        super().run_job()
        Path(os.environ["COUNTERS"]).write_text(json.dumps(self.runner.counters()), encoding="utf-8")


if __name__ == "__main__":
    WordCount.run()
