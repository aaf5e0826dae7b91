"""The job on a real Spark, in one process and on a standalone cluster: same answers, same rules."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster_jobs import IRIS, IRIS_SETTINGS, OBEDIENT, fingerprint, inline_fingerprint, summary_of
from hostile_rows import COMPRESSIONS, FORMATS
from local_hadoop import LocalHadoop
from local_jobs import PROJECT, LocalJob, output_of, write_records

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

INPUT = PROJECT / "data" / "input.ldjson"
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
def standalone(hadoop: LocalHadoop, spark_master: str, iris_bundle: Path, tmp_path: Path) -> LocalJob:
    """Give the iris job on a cluster, whose executors run in the bundle."""
    options = ("-r", "spark", "--no-conf", "--spark-master", spark_master, "--bundle", str(iris_bundle))
    return LocalJob(tmp_path, (*options, *IRIS), environment={**hadoop.environment, **IRIS_SETTINGS})


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("ending", COMPRESSIONS)
def test_any_bytes_give_the_same_output_as_inline(
    job: LocalJob, rows: Path, kind: str, ending: str, tmp_path: Path
) -> None:
    """Lines with CRs, TABs and bytes that are no UTF-8 among them."""
    arguments = ("--input_protocol", kind, rows / f"rows.{kind}{ending}")
    ended = job.run("--output-dir", tmp_path / "out", *arguments)
    assert fingerprint(ended) == inline_fingerprint(tmp_path, *IRIS, *arguments, **IRIS_SETTINGS)
    assert "complete: 100," in ended.errors
    assert (tmp_path / "out" / "_SUCCESS").exists()


def test_a_cluster_reads_from_hdfs_and_writes_to_it(
    hadoop: LocalHadoop, standalone: LocalJob, rows: Path, rows_in_hdfs: str, tmp_path: Path
) -> None:
    """The executors have nothing but the bundle; counters, summary and proof are there."""
    output = ("--output-dir", "hdfs:///spark/out", "--summary_file", tmp_path / "summary.json")
    ended = standalone.run(*output, f"{rows_in_hdfs}/rows.ldjson")
    assert fingerprint(ended) == inline_fingerprint(tmp_path, *IRIS, rows / "rows.ldjson", **IRIS_SETTINGS)
    assert summary_of(tmp_path / "summary.json")["counts"]["lines"] == 100_000
    names = hadoop.hadoop("fs", "-ls", "-C", "/spark").stdout.split()
    assert names == ["/spark/out"]
    assert "/spark/out/_SUCCESS" in hadoop.hadoop("fs", "-ls", "-C", "/spark/out").stdout.split()


def test_local_input_comes_out_on_a_clusters_standard_output(standalone: LocalJob, tmp_path: Path) -> None:
    ended = standalone.run(INPUT)
    assert ended.code == 0, ended.errors
    expected = LocalJob(tmp_path, environment=IRIS_SETTINGS).run(*IRIS, INPUT)
    assert Counter(ended.output.splitlines()) == Counter(expected.output.splitlines())


def test_too_many_failures_leave_nothing_that_can_be_taken_for_a_result(
    job: LocalJob, tmp_path: Path
) -> None:
    ended = job.run("--max_error_rate", "0.01", "--output-dir", tmp_path / "results" / "out", INPUT)
    assert ended.code == 3, ended.errors
    assert "more than --max_error_rate 0.01 allows" in ended.errors.splitlines()[-1]
    assert list((tmp_path / "results").iterdir()) == []


def test_names_that_need_escaping_elsewhere_are_taken_as_they_are(job: LocalJob, tmp_path: Path) -> None:
    path = tmp_path / "a b,c%20d" / "größe.ldjson"
    path.parent.mkdir()
    path.write_bytes(INPUT.read_bytes())
    ended = job.run("--output-dir", tmp_path / "out put", path)
    assert ended.code == 0, ended.errors
    assert len(output_of(tmp_path / "out put").splitlines()) == 15


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


@pytest.mark.parametrize("bad", ["segfault", "leave", "be_killed", "hang", "hang_in_c"])
def test_a_record_costs_itself(obedient: LocalJob, tmp_path: Path, bad: str) -> None:
    """Nothing that a record does to its process costs another record its prediction."""
    records = [{"n": number} for number in range(200)]
    records[70] = {"n": 70, "do": bad}
    ended = obedient.run("--predict_timeout", "2", write_records(tmp_path / "records", records))
    assert ended.code == 0, ended.errors
    assert [key["n"] for key, _ in ended.pairs] == list(range(200))
    assert [key["n"] for key, value in ended.pairs if value is None] == [70]


def test_attempts_that_failed_are_not_counted(obedient: LocalJob, tmp_path: Path) -> None:
    """A task that is killed twice half-way counts each line once."""
    records = [{"n": number} for number in range(3000)]
    records[1500] = {"n": 1500, "do": "be_killed_once", "mark": str(tmp_path / "mark"), "times": 1}
    ended = obedient.run(write_records(tmp_path / "records", records))
    assert ended.code == 0, ended.errors
    assert "complete: 3,000 lines = 3,000 predicted" in ended.errors
    assert sorted(value["n"] for value in ended.values) == list(range(3000))
