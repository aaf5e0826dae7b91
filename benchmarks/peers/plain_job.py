"""The job that a person writes first: mrjob's own JSON protocols, and one record at a time."""

from collections.abc import Iterator

from mrjob.job import MRJob
from mrjob.protocol import JSONProtocol, JSONValueProtocol
from record_arrays import Record, arrays
from served_model import MODELS, predict


class PlainJob(MRJob):
    """Writes each record with its prediction, null where a number is bad."""

    INPUT_PROTOCOL = JSONValueProtocol
    OUTPUT_PROTOCOL = JSONProtocol

    def configure_args(self) -> None:
        """Add the name of the model."""
        super().configure_args()
        self.add_passthru_arg("--model", default="iris")

    def mapper(self, _: None, record: Record) -> Iterator[tuple[Record, Record | None]]:
        """Yield the record and its prediction."""
        name = self.options.model
        outputs = predict(name, *arrays([record], MODELS[name]))
        prediction = {field: values.tolist()[0] for field, values in outputs.items()}
        yield record, None if None in prediction.values() else prediction


if __name__ == "__main__":
    PlainJob.run()
