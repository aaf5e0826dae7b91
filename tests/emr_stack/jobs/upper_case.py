"""The smallest job that shows whether a step was run rightly."""

import time
from collections.abc import Iterator

from mrjob.job import MRJob
from mrjob.protocol import RawValueProtocol


class UpperCaseJob(MRJob):
    """Upper-cases each line."""

    INPUT_PROTOCOL = RawValueProtocol
    OUTPUT_PROTOCOL = RawValueProtocol

    def configure_args(self) -> None:
        """Add the options by which a test lets it fail or take its time."""
        super().configure_args()
        self.add_passthru_arg("--sleep", type=float, default=0.0, help="seconds to take for a line")
        self.add_passthru_arg("--fail-on", default="\n", help="the line that ends the task")

    def mapper(self, _: None, line: str) -> Iterator[tuple[None, str]]:
        """Upper-case one line."""
        time.sleep(self.options.sleep)
        if line == self.options.fail_on:
            raise ValueError(f"told to fail on {line}")
        self.increment_counter("upper", "lines")
        yield None, line.upper()

    def _runner_class(self) -> type:
        # asked for on the nodes too, which have neither boto3 nor the package
        if self.options.runner != "emr":
            return super()._runner_class()
        from model_mapreduce_job.runners.emr.runner import EmrRunner  # noqa: PLC0415 see above

        return EmrRunner


if __name__ == "__main__":
    UpperCaseJob.run()
