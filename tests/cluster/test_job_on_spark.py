"""The job on a real Spark in one process: same answers, same rules."""

import gzip
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from backports import zstd
from cluster_jobs import IRIS, IRIS_SETTINGS, OBEDIENT, fingerprint, half_failed
from hostile_rows import COMPLETE, FILES, OPTIONS, ROWS
from local_jobs import PROJECT, LocalJob, write_records
from report_contract import check_report

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

INPUT = PROJECT / "data" / "input.ldjson"
MOST = 2 * ROWS * 0.99  # some of the bad lines are blank
LOCAL = ("-r", "spark", "--no-conf", "--spark-master", "local[2]")


@pytest.fixture
def job(tmp_path: Path) -> Iterator[LocalJob]:
    """Give the iris job in one process, which leaves neither processes nor temporary files."""
    job = LocalJob(tmp_path, (*LOCAL, *IRIS), environment=IRIS_SETTINGS)
    yield job
    assert job.processes() == []
    assert [name for name in job.left() if "shipped_script" in name or name.startswith("spark")] == []


@pytest.fixture
def obedient(tmp_path: Path) -> LocalJob:
    """Give the job with a model that does what a record says."""
    return LocalJob(tmp_path, (*LOCAL, *OBEDIENT))


@pytest.fixture
def inputs(rows: Path, tmp_path: Path) -> dict[str, list[Path]]:
    """Give the files of each format, with names that need escaping elsewhere."""
    place = tmp_path / "a b,c%20d"
    place.mkdir()
    return {
        kind: [shutil.copy(rows / name, place / f"größe {name}") for name in FILES[kind]] for kind in FILES
    }


def test_any_bytes_give_the_same_output_as_inline_in_parts_that_are_compressed_as_asked(
    job: LocalJob, inputs: dict[str, list[Path]], rows_fingerprint: dict[str, str], tmp_path: Path
) -> None:
    """Lines with CRs, TABs and bytes that are no UTF-8 among them; Spark has gzip alone for its parts."""
    output = tmp_path / "out put"
    ended = job.run(
        "--output_compression", "gz", "--output-dir", output, *OPTIONS["ldjson"], *inputs["ldjson"]
    )
    assert fingerprint(ended) == rows_fingerprint["ldjson"]
    assert COMPLETE in ended.errors
    assert (output / "_SUCCESS").exists()
    parts = [gzip.decompress(part.read_bytes()) for part in output.glob("part-*.gz")]
    assert len(parts) > 1
    assert sum(part.count(b"\n") for part in parts) > MOST
    ended = job.run("--output_compression", "zst", "--output-dir", tmp_path / "no", INPUT)
    assert (ended.code, ended.errors.splitlines()[-1][-28:]) == (1, "Use --output_compression gz.")


def test_rows_come_out_on_standard_output_with_one_header_as_one_stream(
    job: LocalJob, inputs: dict[str, list[Path]], rows_fingerprint: dict[str, str]
) -> None:
    """Which may be compressed in any way, as on each runner. Spark starts before the input is looked at."""
    ended = job.run("-v", "--output_compression", "zst", *OPTIONS["csv"], *inputs["csv"])
    assert fingerprint(ended) == rows_fingerprint["csv"]
    assert COMPLETE in ended.errors
    assert "Spark was started in advance" in ended.errors
    header, *lines = zstd.decompress(ended.output).split(b"\n")
    assert header == b"sepal_length,sepal_width,petal_length,petal_width,species"
    assert header not in lines
    assert len(lines) > MOST


def test_too_many_failures_leave_nothing_that_can_be_taken_for_a_result(
    job: LocalJob, tmp_path: Path
) -> None:
    ended = job.run("--max_error_rate", "0.01", "--output-dir", tmp_path / "results" / "out", INPUT)
    assert ended.code == 3, ended.errors
    assert "more than --max_error_rate 0.01 allows" in ended.errors.splitlines()[-1]
    assert list((tmp_path / "results").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing-here.ldjson"], "There is no input nothing-here.ldjson."),
        (["--output-dir", str(PROJECT / "data"), str(INPUT)], "The output .*data is there already."),
        (
            ["--spark-submit-bin", "/nowhere/spark-submit", str(INPUT)],
            "/nowhere/spark-submit can't be started",
        ),
        (
            ["--spark-master", "spark://127.0.0.1:1", str(INPUT)],
            "The Spark master spark://127.0.0.1:1 can't be",
        ),
    ],
)
def test_a_mistake_costs_one_line_and_no_run(job: LocalJob, arguments: list[str], message: str) -> None:
    ended = job.run("-q", *arguments)
    assert ended.code == 1
    assert ended.output == b""
    (line,) = ended.errors.splitlines()
    assert re.match(message, line), line


def test_a_task_that_gives_up_says_why_where_and_on_what(job: LocalJob, tmp_path: Path) -> None:
    """The exit code is that of one machine."""
    path = write_records(tmp_path / "wrong", [{"n": number} for number in range(3000)])
    ended = job.run("-q", path)
    assert ended.code == 3
    line = ended.errors.splitlines()[-1]
    place = rf"A task failed on \S+, reading {re.escape(str(path))}, bytes [\d,]+ to [\d,]+: "
    assert re.match(rf"{place}The first 1,\d+ records of the input all failed", line), line


def test_a_record_costs_itself(obedient: LocalJob, tmp_path: Path) -> None:
    """Nothing that a record does to its process costs another record its prediction."""
    bad = ("segfault", "leave", "be_killed", "hang", "hang_in_c")
    records: list[dict[str, object]] = [{"n": number} for number in range(200)]
    for place, action in enumerate(bad):
        records[20 + 40 * place] |= {"do": action}
    ended = obedient.run("--predict_timeout", "2", write_records(tmp_path / "records", records))
    assert ended.code == 0, ended.errors
    assert [key["n"] for key, _ in ended.pairs] == list(range(200))
    assert [key["do"] for key, value in ended.pairs if value is None] == list(bad)


@pytest.mark.parametrize("loses_an_attempt", [False, True])
def test_all_that_tasks_report_comes_home_and_counts_once(
    obedient: LocalJob, tmp_path: Path, loses_an_attempt: bool
) -> None:
    """Examples of failures, warnings and slow batches, also where a task is killed half-way."""
    check_report(obedient, tmp_path, loses_an_attempt=loses_an_attempt)


READS_PARQUET = """
import sys
from pyspark.sql import SparkSession

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
found = spark.read.parquet(sys.argv[1])
species = found.select("species")
print(found.columns, found.count(), species.where("species is null").count(), species.distinct().count())
"""


def test_a_replay_predicts_again_what_has_failed(job: LocalJob, tmp_path: Path) -> None:
    earlier, whole = half_failed(tmp_path)
    ended = job.run("--replay", earlier)
    assert fingerprint(ended) == fingerprint(whole)
    assert ended.output == whole.output
    assert "complete: 15 lines = 6 kept + 8 predicted + 1 failed + 0 blank" in ended.errors


def test_spark_reads_the_parts_of_a_table_as_one(tmp_path: Path) -> None:
    """Written on this machine, by two workers; the directory has _SUCCESS, and a part of failures alone."""
    lines = INPUT.read_text().splitlines()
    (tmp_path / "a.ldjson").write_text("".join(f"{line}\n" for line in lines))
    (tmp_path / "b.ldjson").write_text("{}\n" * 2)
    options = ("-r", "local", "--no-conf", "--no_fail_fast", "--output_protocol", "parquet", "--quiet")
    job = LocalJob(tmp_path, (*options, *IRIS), environment=IRIS_SETTINGS)
    ended = job.run("--output-dir", tmp_path / "out", "a.ldjson", "b.ldjson")
    assert (ended.code, len(list((tmp_path / "out").glob("*.parquet")))) == (0, 2)
    read = subprocess.run(
        [sys.executable, "-c", READS_PARQUET, tmp_path / "out"], capture_output=True, check=False, text=True
    )
    fields = ["sepal_length", "sepal_width", "petal_length", "petal_width", "species"]
    assert read.stdout.strip() == f"{fields} {len(lines) + 2} 3 4", read.stderr[-2000:]
