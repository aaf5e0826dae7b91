"""The plain mrjob job: mrjob's own JSON protocols, and one record at a time to the model."""

from collections.abc import Iterator
from typing import Any

from mrjob.job import MRJob
from mrjob.protocol import JSONProtocol, JSONValueProtocol

from model_mapreduce_job.task.run_model import load_model


class PlainJob(MRJob):
    """Predicts each record on its own."""

    INPUT_PROTOCOL = JSONValueProtocol
    OUTPUT_PROTOCOL = JSONProtocol

    def configure_args(self) -> None:
        """Add the name of the model."""
        super().configure_args()
        self.add_passthru_arg("--model_qualified_name")

    def mapper_init(self) -> None:
        """Load the model, once a task."""
        self.model = load_model(self.options.model_qualified_name)

    def mapper(self, _: None, record: Any) -> Iterator[tuple[Any, Any]]:
        """Yield the record and its prediction, None when it has none."""
        try:
            yield record, self.model.predict(record)
        except ValueError:
            yield record, None


if __name__ == "__main__":
    PlainJob.run()
