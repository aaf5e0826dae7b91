"""--replay: an earlier output is the input; its failures are predicted again, all else of it is kept."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
from local_jobs import PROJECT, LocalJob, output_of, write_records
from models.mending import BROKEN

if TYPE_CHECKING:
    from pathlib import Path

MODEL = ("--model_qualified_name", "mending")
CUSTOMERS = PROJECT / "examples" / "model_files" / "customers.csv"


class Broken:
    """Runs in a directory, of a model that is broken, and of the mended one."""

    def __init__(self, directory: Path) -> None:
        self.mended = LocalJob(directory, MODEL)
        self.broken = LocalJob(directory, MODEL, environment={BROKEN: "1"})
        self.directory = directory
        write_records(directory / "in", [{"n": n, "text": "x" * 400} for n in range(3000)])

    def run(self, *arguments: object) -> bytes:
        """Return the output of the broken model."""
        ran = self.broken.run("--quiet", *arguments)
        assert ran.code == 0, ran.errors
        return ran.output

    def refused(self, *arguments: object) -> str:
        """Return the one line by which a run ends that is refused."""
        ran = self.mended.run(*arguments)
        assert (ran.code, ran.output) == (1, b"")
        assert ran.errors.count("\n") == 1, ran.errors
        return ran.errors


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Broken:
    """Return a place for runs, with an output of the broken model in parts."""
    jobs = Broken(tmp_path_factory.mktemp("replay"))
    jobs.run("-r", "local", "--output-dir", "scored", "in")
    return jobs


def test_a_replay_is_a_whole_output_with_a_proof_of_its_own(jobs: Broken) -> None:
    """Of -r local as of -r inline: that of a first run, in its order."""
    whole = jobs.mended.run("--quiet", "in").output
    ran = jobs.mended.run(
        *("-r", "local", "--output-dir", "again", "--summary_file", "again.json", "--replay", "scored")
    )
    assert "complete: 3,000 lines = 2,000 kept + 1,000 predicted + 0 failed + 0 blank" in ran.errors
    assert output_of(jobs.directory / "again") == whole
    assert jobs.mended.run("--replay", "scored/part-*").output == whole
    counts = json.loads((jobs.directory / "again.json").read_bytes())["counts"]
    assert (counts["kept"], counts["predicted"], counts["failed"]) == (2000, 1000, 0)


def test_the_same_model_gives_the_same_bytes_and_all_records_count_for_the_rate(jobs: Broken) -> None:
    ran = jobs.broken.run("--max_error_rate", "0.4", "--isolate", "always", "--replay", "scored")
    assert ran.output == output_of(jobs.directory / "scored")
    assert "failed       1,000 (33.33%)" in ran.errors
    assert jobs.broken.run("--max_error_rate", "0.3", "--replay", "scored").code == 3


@pytest.mark.measured
def test_rows_name_their_columns_themselves_and_files_may_be_compressed(jobs: Broken) -> None:
    rows = ("--output_protocol", "csv", "--header", "--on_error", "explain", "--stamp")
    (jobs.directory / "in.csv").write_text("n,text\n" + "".join(f'{n},"=a, {n}"\n' for n in range(9)))
    earlier = jobs.run(*rows, "in.csv")
    (jobs.directory / "rows.gz").write_bytes(gzip.compress(earlier))
    ran = jobs.mended.run(*rows, "--input_protocol", "csv", "--replay", "rows.gz")
    assert "complete: 10 lines = 6 kept + 3 predicted + 0 failed + 0 blank + 1 header" in ran.errors
    before, after = earlier.splitlines(), ran.output.splitlines()
    assert len(after) == len(before)
    kept = [line for line in before if b"RuntimeError" not in line]
    assert [line for line in after if line in before] == kept, "with their old stamp"
    assert after[1].startswith(b'0,"\'=a, 0",0,"\'=a, 0",,,mending,1.0,,')


@pytest.mark.measured
def test_a_model_file_is_bound_to_the_columns_of_the_first_input(jobs: Broken) -> None:
    churn = ("--model_file", PROJECT / "examples" / "model_files" / "churn.onnx")
    job = LocalJob(jobs.directory)
    for more in (("--output_protocol", "csv", "--header"), ()):
        earlier = job.run("--quiet", *churn, *more, CUSTOMERS)
        (jobs.directory / "churn").write_bytes(earlier.output)
        again = job.run(*churn, *more, "--input_protocol", "csv", "--replay", "churn")
        assert again.output == earlier.output
        assert " kept + " in again.errors


@pytest.mark.measured
def test_a_replay_that_was_stopped_goes_on(jobs: Broken) -> None:
    stopped = jobs.mended.run(
        *("-r", "local", "--output-dir", "resumed", "--max_error_rate", "0", "--predict_timeout", "5"),
        *("--replay", "scored"),
    )
    assert stopped.code == 0, stopped.errors
    again = jobs.broken.run("--output-dir", "rated", "--max_error_rate", "0", "--replay", "scored")
    assert again.code == 3
    assert "--resume" in again.errors
    resumed = jobs.broken.run("--output-dir", "rated", "--resume", "--replay", "scored")
    assert "2,000 kept + 0 predicted + 1,000 failed" in resumed.errors
    assert output_of(jobs.directory / "rated") == output_of(jobs.directory / "scored")


@pytest.mark.measured
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--replay", "scored", "in"), "--replay scored is the whole input"),
        (("--key", "n", "--replay", "scored"), "an output made with --key has not all of its input"),
        (("--plan", "--replay", "scored"), "--plan and --debug_record"),
        (("--profile", "p.json", "--replay", "scored"), "--profile, --report and --baseline"),
        (("--check_duplicates", "--replay", "scored"), "--check_duplicates compares inputs"),
        (("--stamp", "--fingerprint", "--replay", "scored"), "--fingerprint leaves out"),
        (("--stamp", "--replay", "scored"), "it has no stamp, and there is --stamp"),
        (("--output_protocol", "ldjson", "--replay", "scored"), "is none of an output in ldjson"),
        (("--output_protocol", "csv", "--replay", "scored"), "say with --input_protocol"),
        (
            ("--output_protocol", "csv", "--input_protocol", "ldjson", "--replay", "scored"),
            "rows of csv have not",
        ),
        (("--output_protocol", "csv", "--input_protocol", "csv", "--replay", "scored"), "are not known"),
        (("--input_protocol", "parquet", "--replay", "scored"), "JSON has not all of a row of parquet"),
        (("--output_protocol", "parquet", "--output-dir", "o", "--replay", "scored"), "a table, csv or tsv"),
        (("--replay", "in"), "it is no JSON, TAB, JSON"),
        (("--replay", "there/is/none"), "There is no input there/is/none"),
        (("--replay", "models"), "a directory without _SUCCESS"),
        (("--replay", "file://{here}/models"), "a directory without _SUCCESS"),
        (("--output-dir", "scored", "--replay", "scored"), "is there already"),
    ],
)
def test_what_cant_be_replayed_is_refused_in_one_line(jobs: Broken, arguments: Any, words: str) -> None:
    (jobs.directory / "models").mkdir(exist_ok=True)
    (jobs.directory / "models" / "part").write_bytes(b"1\t2\n")
    assert words in jobs.refused(*(argument.format(here=jobs.directory) for argument in arguments))
    assert not (jobs.directory / "o").exists()
