"""The job on the stand-in for EMR, whose steps a real Hadoop runs with all data on S3."""

import gzip
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cluster_jobs import IRIS_SETTINGS, fingerprint_in, inline_fingerprint, summary_of
from local_hadoop import LocalHadoop, eventually
from local_jobs import TESTS

pytest.importorskip("moto.server")
pytest.importorskip("boto3")

from emr_stack.driver import MAIN_JOB, PROJECT, Driver
from emr_stack.stack import EmrStack, emr_stack

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

ROWS = 1_000
MEASURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")
MODEL = ("--model_qualified_name", "iris_model")
RUN_SECONDS = 300.0  # starting Java processes takes most of it, on a machine that does other things too
KILL_SECONDS = 60.0
IDLE = ("--extra-cluster-param", "AutoTerminationPolicy.IdleTimeout=36000")


@dataclass(frozen=True)
class First:
    """The run that started the cluster, which the others join."""

    ended: subprocess.CompletedProcess[str]
    summary: dict[str, Any]
    cluster_id: str


@pytest.fixture(scope="module")
def iris_rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write 1,000 rows, of which the last can't be predicted."""
    path = tmp_path_factory.mktemp("rows") / "rows.ldjson"
    good = [line for line in (PROJECT / "data" / "input.ldjson").read_text().splitlines() if _is_good(line)]
    lines = [good[number % len(good)] for number in range(ROWS - 1)]
    path.write_text("".join(f"{line}\n" for line in [*lines, '{"sepal_length": "no number"}']))
    return path


def _is_good(line: str) -> bool:
    try:
        return all(isinstance(value, int | float) for value in json.loads(line).values())
    except ValueError:
        return False


@pytest.fixture(scope="module")
def stack(hadoop: LocalHadoop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmrStack]:
    """Run the stand-in with its steps on Hadoop."""
    assert hadoop.report()["default_fs"]
    with emr_stack(tmp_path_factory.mktemp("emr"), steps_in="hadoop") as running:
        yield running


@pytest.fixture(scope="module")
def first(stack: EmrStack, iris_rows: Path, tmp_path_factory: pytest.TempPathFactory) -> First:
    """Run the job to a good end on a cluster that stays up."""
    place = tmp_path_factory.mktemp("first")
    summary = place / "summary.json"
    driver = Driver(stack, place, RUN_SECONDS)
    options = ("--fingerprint", "--summary_file", summary, "--pool-clusters", *IDLE)
    ended = driver.run(*MODEL, *options, iris_rows, job=MAIN_JOB)
    assert ended.returncode == 0, ended.stderr
    found = re.search(r"Created new cluster (j-\w+)", ended.stderr)
    assert found
    return First(ended, summary_of(summary), found[1])


@pytest.fixture
def driver(stack: EmrStack, tmp_path: Path) -> Driver:
    """Return a driver with time enough for Hadoop."""
    return Driver(stack, tmp_path, RUN_SECONDS)


def facts(summary: dict[str, Any]) -> list[Any]:
    """Return what a summary says of the rows, which no runner may change."""
    counted = [summary["counts"][name] for name in ("lines", "predicted", "failed", "blank", "headers")]
    reasons = [(reason["type"], reason["count"]) for reason in summary["reasons"]]
    return [summary["fingerprint"], *counted, *reasons]


def applications(hadoop: LocalHadoop, state: str) -> set[str]:
    """Return the ids of the upper-case job's applications that are in a state."""
    return {found for found, name in hadoop.applications(state).items() if name.startswith("upper_case")}


def logs(stack: EmrStack, name: str) -> str:
    """Return the text of all logs on S3 whose key ends so."""
    s3 = stack.client("s3")
    texts = []
    for bucket in s3.list_buckets()["Buckets"]:
        for item in s3.list_objects_v2(Bucket=bucket["Name"], Prefix="logs/").get("Contents", ()):
            if item["Key"].endswith(name):
                body = s3.get_object(Bucket=bucket["Name"], Key=item["Key"])["Body"].read()
                texts.append(gzip.decompress(body).decode())
    return "\n".join(texts)


def test_output_fingerprint_and_counters_are_those_of_this_machine(
    first: First, iris_rows: Path, tmp_path: Path
) -> None:
    """Hadoop numbers the halves of the input as it likes, so their order alone may differ."""
    summary = tmp_path / "inline.json"
    command = [sys.executable, MAIN_JOB, "-r", "inline", *MODEL, "--fingerprint", "--summary_file", summary]
    inline = subprocess.run([*command, iris_rows], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert sorted(first.ended.stdout.splitlines()) == sorted(inline.stdout.splitlines())
    assert facts(first.summary) == facts(summary_of(summary))
    assert first.summary["fingerprint"]
    assert first.summary["counts"]["failed"] == 1
    assert f"complete: {ROWS:,} lines" in first.ended.stderr


@pytest.mark.usefixtures("first")
def test_the_step_ran_on_hadoop_and_read_s3(stack: EmrStack) -> None:
    """S3A counts what it reads, and containers ran two tasks or more; plain processes have neither.

    On a busy machine Hadoop may start an attempt again, to see which one ends first.
    """
    syslog = logs(stack, "/syslog.gz")
    assert re.search(r"S3: Number of bytes read=[1-9]", syslog), syslog
    assert re.search(r"Launched map tasks=[2-9]", syslog), syslog


def test_what_the_tasks_report_comes_home_and_names_this_machines_file(first: First, iris_rows: Path) -> None:
    """They were given blocks, by a jar that the master node has fetched before."""
    assert "Master node setup" in first.ended.stderr
    (reason,) = first.summary["reasons"]
    assert reason["example"].startswith("Expected `float`, got `str`")
    assert reason["place"]["file"] == str(iris_rows)
    assert first.summary["examples_are_in"] == "this summary"
    assert first.summary["slowest_batches"]


def test_a_task_that_dies_is_tried_again_and_counts_once(
    driver: Driver, first: First, models_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it had reported before is not committed; the example is of the attempt that was."""
    does = {3: "refuse", 500: "be_killed"}
    rows = "".join(f"{json.dumps({'n': n} | ({'do': does[n]} if n in does else {}))}\n" for n in range(600))
    put(driver, "dying", {"in/a": rows.encode(), "in/b": b'{"n": 1}'})
    (tmp_path / "rows").write_text(f'{rows}{{"n": 1}}')
    settings = {"APP_SETTINGS": "models.settings.TestModels"}
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    monkeypatch.setenv("APP_SETTINGS", settings["APP_SETTINGS"])
    obedient, summary = ("--model_qualified_name", "obedient", "--fingerprint"), tmp_path / "summary.json"
    where = ("--bundle", models_bundle, "--cluster-id", first.cluster_id, "--summary_file", summary)
    ended = driver.run(*obedient, *where, "s3://dying/in", job=MAIN_JOB)
    expected = inline_fingerprint(tmp_path, *obedient, tmp_path / "rows", **settings)
    assert fingerprint_in(ended.returncode, ended.stderr) == expected
    assert "complete: 601 lines = 599 predicted + 2 failed + 0 blank" in ended.stderr
    places = {reason["type"]: reason["place"] for reason in summary_of(summary)["reasons"]}
    assert places["ValueError"] == {"file": "s3://dying/in/a", "line": 4, "from_byte": 0}


def test_parquet_on_s3_comes_out_as_on_one_machine(driver: Driver, first: First, tmp_path: Path) -> None:
    """The driver reads what the files say of themselves, tasks get row groups, and paths name a column."""
    values = pa.array([n % 70 / 10 if n % 100 else None for n in range(30_000)], pa.float64())
    table = pa.table({"id": pa.array(range(30_000), pa.int64()), **dict.fromkeys(MEASURES, values)})
    objects = {}
    for year, rows in (("2024", table), ("2025", table.slice(0, 3)), ("2026", table.slice(0, 0))):
        path = tmp_path / "in" / f"year={year}" / "a b.parquet"
        path.parent.mkdir(parents=True)
        pq.write_table(rows, path, row_group_size=5_000)
        objects[str(path.relative_to(tmp_path))] = path.read_bytes()
    put(driver, "tables", {**objects, "in/_temporary/half.parquet": b"PAR1"})
    parquet = ("--output_protocol", "parquet", "--fingerprint", "--output-dir")
    options = ("--input_protocol", "parquet", "-D", "mapreduce.job.maps=3", "--cluster-id", first.cluster_id)
    ended = driver.run(*MODEL, *options, *parquet, "s3://tables/out", "s3://tables/in", job=MAIN_JOB)
    here = inline_fingerprint(tmp_path, *MODEL, *parquet, tmp_path / "here", tmp_path / "in", **IRIS_SETTINGS)
    assert fingerprint_in(ended.returncode, ended.stderr) == here
    assert "complete: 30,003 lines = 29,702 predicted + 301 failed + 0 blank" in ended.stderr
    s3 = driver.stack.client("s3")
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket="tables", Prefix="out/")["Contents"]]
    parts = [key for key in keys if key.endswith(".parquet")]
    assert keys == ["out/_SUCCESS", *parts]
    assert len(parts) >= 3
    bodies = [s3.get_object(Bucket="tables", Key=key)["Body"].read() for key in parts]
    years = pa.concat_tables([pq.read_table(pa.BufferReader(body)) for body in bodies])["year"]
    counted = {each["values"]: each["counts"] for each in years.value_counts().to_pylist()}
    assert counted == {2024: 30_000, 2025: 3}


def put(driver: Driver, bucket: str, objects: dict[str, bytes]) -> None:
    """Make a bucket with these objects."""
    s3 = driver.stack.client("s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    for key, body in objects.items():
        s3.put_object(Bucket=bucket, Key=key, Body=body)


def test_a_task_that_fails_ends_the_run_with_exit_code_1_and_its_reason(
    driver: Driver, first: First, iris_rows: Path
) -> None:
    """The cause comes from the log of the task's container."""
    settings = ("--cmdenv", "APP_SETTINGS=NoSuchConfig", "-D", "mapreduce.map.maxattempts=1")
    ended = driver.run(*MODEL, *settings, "--cluster-id", first.cluster_id, iris_rows, job=MAIN_JOB)
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert "NoSuchConfig" in ended.stderr.partition("Probable cause of failure")[2]


def test_ctrl_c_on_a_shared_cluster_kills_the_application_that_cancelling_leaves(
    driver: Driver, hadoop: LocalHadoop, first: First, tmp_path: Path
) -> None:
    """EMR ends the step's own processes alone; a step that follows finds the application by its name."""
    slow = tmp_path / "slow.txt"
    slow.write_text("slow\n")
    before = applications(hadoop, "RUNNING")
    with driver.start("--sleep", "600", "--cluster-id", first.cluster_id, slow) as started:
        assert eventually(lambda: applications(hadoop, "RUNNING") > before, RUN_SECONDS)
        (ours,) = applications(hadoop, "RUNNING") - before
        started.end(signal.SIGINT)
    assert eventually(lambda: ours in applications(hadoop, "KILLED"), KILL_SECONDS)
    status = driver.stack.client("emr").describe_cluster(ClusterId=first.cluster_id)["Cluster"]["Status"]
    assert status["State"] in {"RUNNING", "WAITING"}


def test_nested_prefixes_and_the_mark_of_a_result(driver: Driver, first: First, iris_rows: Path) -> None:
    """Hadoop's own listing reads what the driver's does, and writes no _SUCCESS before the proof.

    A run by lines with too many failures, one row in a thousand, ends with exit code 3 and never gets the
    mark.
    """
    s3 = driver.stack.client("s3")
    rows = iris_rows.read_bytes().splitlines(keepends=True)[:20]
    found = {"in/d=1/h=1/a": rows[:9], "in/d=2/b[1]": rows[9:], "in/_tmp/c": rows, "in/d=1/.e": rows}
    put(driver, "nested", {key: b"".join(body) for key, body in found.items()})
    where = ("--cluster-id", first.cluster_id, "--output-dir", "s3://nested/out")
    ended = driver.run(*MODEL, *where, "s3://nested/in/d=1", "s3://nested/in/d=2/b[1]", job=MAIN_JOB)
    assert ended.returncode == 0, ended.stderr
    assert "complete: 20 lines" in ended.stderr
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket="nested", Prefix="out/")["Contents"]]
    assert "out/_SUCCESS" in keys
    refused = ("--no_blocks", "--max_error_rate", "0.0001", "--output-dir", "s3://nested/refused", iris_rows)
    ended = driver.run(*MODEL, "--cluster-id", first.cluster_id, *refused, job=MAIN_JOB)
    assert ended.returncode == 3, ended.stderr
    assert ended.stdout == ""
    assert "more than --max_error_rate 0.0001 allows" in ended.stderr
    assert s3.list_objects_v2(Bucket="nested", Prefix="refused/_SUCCESS")["KeyCount"] == 0


def test_ctrl_c_kills_the_application_of_the_step(
    driver: Driver, hadoop: LocalHadoop, tmp_path: Path
) -> None:
    """The cluster that the run has started is terminated, and no task works on for nobody."""
    slow = tmp_path / "slow.txt"
    slow.write_text("slow\n")
    before = applications(hadoop, "RUNNING")
    with driver.start("--sleep", "600", slow) as started:
        assert eventually(lambda: applications(hadoop, "RUNNING") > before, RUN_SECONDS)
        (ours,) = applications(hadoop, "RUNNING") - before
        started.end(signal.SIGINT)
    assert eventually(lambda: ours in applications(hadoop, "KILLED"), KILL_SECONDS)
