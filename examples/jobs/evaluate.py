"""Evaluates predictions against a label that the records have: a MapReduce job over this project's output.

    python examples/jobs/evaluate.py --label_field species examples/jobs/flowers.ldjson

reads output of json or ldjson on any of mrjob's runners, and writes a line of JSON for all records, and one
for each group: docs/evaluation.md.
"""

from __future__ import annotations

import logging
import os
import sys
from argparse import SUPPRESS
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

# a cluster's tasks have the package in their working directory; in this repository it is above the examples
sys.path[1:1] = [os.getcwd(), str(Path(__file__).resolve().parents[2])]  # noqa: PTH109 - sys.path takes text

from mrjob.job import MRJob
from mrjob.protocol import BytesValueProtocol, StandardJSONProtocol, StandardJSONValueProtocol
from mrjob.step import StepFailedException

from model_mapreduce_job.exceptions import IncompleteRunError, InputError
from model_mapreduce_job.printable import counted, printable
from model_mapreduce_job.report.evaluation.judged import EVALUATED, HINTS, OUTCOMES, judged
from model_mapreduce_job.report.evaluation.questions import Questions
from model_mapreduce_job.report.evaluation.results import ALL, merged_json, result_of, sums_by_key
from model_mapreduce_job.task.mistakes import one_line_for_mistakes, raise_input_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from model_mapreduce_job.driver.runner import Runner
    from model_mapreduce_job.report.evaluation.judged import Judged

    Pairs = Iterator[tuple[str, dict[str, Any]]]

RECORDS_AT_ONCE = 10_000
COUNTERS = "evaluation"
LINES = "lines"
WARNINGS = "evaluation warnings"
_FIELD = {"metavar": "FIELD", "default": ""}
OPTIONS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("label_field", "the field of the input that has the right answer", _FIELD),
    ("predicted_field", "the field of the prediction; default: all of it, or its only field", _FIELD),
    ("numbers", "labels are numbers: RMSE, MAE, R2; default: they are classes", {"action": "store_true"}),
    ("probability_field", "the prediction's field with a probability, or with one for each class", _FIELD),
    ("positive", "the class that a single probability is of", {"metavar": "CLASS", "default": ""}),
    ("of_predicted", "it is of the class that is predicted, of two", {"action": "store_true"}),
    ("classes", "the classes of a list of probabilities, or of fields", {"metavar": "A,B,C", "default": ""}),
    ("group_by", "write a line for each value of this field of the input as well", _FIELD),
)


class Evaluate(MRJob):
    """Adds up what records and predictions come to, by group; what a mapper holds of them is bounded."""

    INPUT_PROTOCOL = BytesValueProtocol
    INTERNAL_PROTOCOL = StandardJSONProtocol
    OUTPUT_PROTOCOL = StandardJSONValueProtocol

    def configure_args(self) -> None:
        """Add this job's options to mrjob's."""
        super().configure_args()
        self.arg_parser.error = raise_input_error
        for name, words, given in OPTIONS:
            names = dict.fromkeys([f"--{name}", f"--{name.replace('_', '-')}"])
            self.add_passthru_arg(*names, help=words, **given)
        self.arg_parser.add_argument("--options_file", help=SUPPRESS)  # of tasks that predict

    @cached_property
    def questions(self) -> Questions:
        """What the command line asks."""
        given = self.options
        return Questions(
            label=given.label_field,
            predicted=given.predicted_field,
            probability=given.probability_field,
            positive=given.positive,
            of_predicted=given.of_predicted,
            classes=tuple(filter(None, given.classes.split(","))),
            group=given.group_by,
            numbers=given.numbers,
        )

    def mapper_init(self) -> None:
        """Begin with no records."""
        self.records: list[Judged] = []

    def mapper(self, _: None, line: bytes) -> Pairs:
        """Judge a record; yield what the last 10,000 add up to."""
        self.records.append(judged(line, self.questions))
        if len(self.records) == RECORDS_AT_ONCE:
            yield from self.mapper_final()

    def mapper_final(self) -> Pairs:
        """Yield what the records at the end add up to."""
        if self.records:
            self.increment_counter(COUNTERS, LINES, len(self.records))
            yield from sums_by_key(self.records, self.questions)
        self.records = []

    def combiner(self, key: str, sums: Iterable[dict[str, Any]]) -> Pairs:
        """Yield a key's sums of one task."""
        yield key, merged_json(sums).as_json()

    def reducer(self, key: str, sums: Iterable[dict[str, Any]]) -> Iterator[tuple[None, dict[str, Any]]]:
        """Yield what a key's sums amount to; those of all records are counted, for the driver to compare."""
        total = merged_json(sums)
        if key == ALL:
            for outcome, count in total.outcomes.items():
                self.increment_counter(COUNTERS, outcome, count)
        result = result_of(key, total, self.questions)
        for warning in result.get("warnings", ()) if key == ALL else ():
            self.increment_counter(WARNINGS, warning)
        yield None, result

    # The driver's side: the project's own runners give whole output or none

    def _runner_class(self) -> Any:
        from model_mapreduce_job.runners import runner_class  # noqa: PLC0415 - tasks need no runner

        return runner_class(self.options.runner or "inline")

    @property
    def is_on_this_machine(self) -> bool:
        """Whether tasks run here, where the package is."""
        return self.options.runner in {None, "inline", "local"}

    def make_runner(self) -> Runner:
        """Return the runner that was chosen, prepared for a job of no model and no bundle."""
        from model_mapreduce_job.driver.run_spec import RunSpec  # noqa: PLC0415 - as above
        from model_mapreduce_job.runners import as_runner  # noqa: PLC0415 - as above
        from model_mapreduce_job.task.run_options import RunOptions  # noqa: PLC0415 - as above

        runner = as_runner(super().make_runner())
        options = RunOptions(runner=self.options.runner or "inline", bundle="none")
        runner.prepare(RunSpec(options=options))
        return runner

    def dirs(self) -> list[str]:
        """Return the directories that go to the tasks of a cluster: the package."""
        import model_mapreduce_job  # noqa: PLC0415 - as above

        package = Path(model_mapreduce_job.__file__).parent
        return [*super().dirs(), *([] if self.is_on_this_machine else [f"{package}#{package.name}"])]

    def run_job(self) -> None:
        """Run it, and print the result when that is of every line; raises ModelMapReduceError."""
        self.questions.check()
        self.set_up_logging(quiet=self.options.quiet, verbose=self.options.verbose, stream=sys.stderr)
        if self.is_on_this_machine and not self.options.verbose:  # where mrjob's own words add nothing
            logging.getLogger("mrjob").setLevel(logging.WARNING)
            logging.getLogger("mrjob.conf").setLevel(logging.ERROR)
        if self.is_on_this_machine:
            check_inputs(self.options.args)
        with self.make_runner() as runner:
            try:
                runner.run()
            except StepFailedException as error:
                raise IncompleteRunError(f"The evaluation failed: {error}") from error
            proof = self.proof(runner)
            if not self.options.quiet:
                warnings = runner.report().counters.get(WARNINGS, {})
                sys.stderr.write("".join(f"warning: {printable(each)}\n" for each in warnings))
                sys.stderr.write(f"{proof}\n")
            runner.publish()
            for chunk in runner.cat_output() if self._should_cat_output() else ():
                self.stdout.write(chunk)
            self.stdout.flush()

    def proof(self, runner: Runner) -> str:
        """Return in a line what became of the records; raises for missing lines, or all of no use."""
        counts = dict(runner.report().counters.get(COUNTERS, {}))
        lines = counts.pop(LINES, 0)
        found = " + ".join(f"{counts[name]:,} {name}" for name in OUTCOMES if name in counts)
        equation = f"{counted(lines, 'line')} = {found or 0}"
        if not lines and not counts:
            raise InputError("No record could be evaluated: the input has no lines that are known of.")
        if lines != sum(counts.values()):
            raise IncompleteRunError(
                f"The evaluation is not proven whole: {equation}. Nothing was published."
            )
        if not counts.get(EVALUATED):
            hint = HINTS[max(counts, key=counts.__getitem__)]
            raise InputError(f"No record could be evaluated: {equation}. {hint}")
        return f"complete: {equation}"


def check_inputs(names: Iterable[str]) -> None:
    """Raise InputError for compressed files, of which mrjob's own mappers on this machine may read a part."""
    from model_mapreduce_job.storage.compression import is_compressed  # noqa: PLC0415 - tasks have no use for it
    from model_mapreduce_job.storage.inputs import list_inputs  # noqa: PLC0415 - as above

    for path in filter(is_compressed, list_inputs(names)):
        raise InputError(f"{path} is compressed. Decompress it, or evaluate it on a cluster.")


def main() -> None:
    """Run the job; a mistake ends it with one line."""
    from model_mapreduce_job.driver.start import prepare_process  # noqa: PLC0415 - tasks need no driver

    prepare_process()
    with one_line_for_mistakes():
        Evaluate().execute()


if __name__ == "__main__":
    main()
