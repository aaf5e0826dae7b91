"""The job itself on EMR, with mrjob.conf as shipped: the answers and exit codes are those of one machine."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import fastavro
import pyarrow as pa
import pytest
from emr_stack.driver import MAIN_JOB, PROJECT, Driver
from emr_stack.faults import Fault
from emr_stack.stack import REGION, EmrStack, emr_stack
from pyarrow import orc

GUIDE = PROJECT / "docs" / "emr.md"
INPUT = PROJECT / "data" / "input.ldjson"
MODEL = ("--model_qualified_name", "iris_model")
PARQUET = ("--output_protocol", "parquet", "--output-dir", "s3://nobody/out")


def documented(output: str) -> list[str]:
    """Return the options and input of the command in the guide that writes its output there."""
    commands = [
        line for line in GUIDE.read_text().splitlines() if line.startswith("python model_mapreduce_job/")
    ]
    (command,) = [line for line in commands if ("--output-dir" in line) == (output == "S3")]
    _, _, conf, *rest = shlex.split(command)
    assert conf == "--conf-path=./mrjob.conf"
    assert rest[:2] == ["-r", "emr"]
    return rest[2:]


@dataclass(frozen=True)
class First:
    """The run that started the cluster, which the others join."""

    ended: subprocess.CompletedProcess[str]
    summary: Path
    cluster_id: str


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmrStack]:
    with emr_stack(tmp_path_factory.mktemp("emr")) as running:
        yield running


@pytest.fixture(scope="module")
def first(stack: EmrStack, tmp_path_factory: pytest.TempPathFactory) -> First:
    place = tmp_path_factory.mktemp("first")
    options = ("--fingerprint", "--summary_file", place / "summary.json", "--pool-clusters")
    idle = ("--extra-cluster-param", "AutoTerminationPolicy.IdleTimeout=3600")
    avro = ("--bootstrap", "sudo python3.11 -m pip install fastavro datasketches")
    ended = Driver(stack, place).run(*options, *idle, *avro, *documented("standard output"), job=MAIN_JOB)
    assert ended.returncode == 0, ended.stderr
    found = re.search(r"Created new cluster (j-\w+)", ended.stderr)
    assert found
    return First(ended, place / "summary.json", found[1])


@pytest.fixture
def driver(stack: EmrStack, tmp_path: Path) -> Driver:
    return Driver(stack, tmp_path)


def on_this_machine(tmp_path: Path) -> tuple[str, dict[str, object]]:
    summary = tmp_path / "local.json"
    command = [sys.executable, MAIN_JOB, *MODEL, "--fingerprint", "--summary_file", summary, INPUT]
    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    return ended.stdout, json.loads(summary.read_text())


@pytest.mark.measured
def test_the_answers_and_their_fingerprint_are_those_of_this_machine(first: First, tmp_path: Path) -> None:
    output, local = on_this_machine(tmp_path)
    remote = json.loads(first.summary.read_text())
    assert first.ended.stdout == output
    assert remote["fingerprint"]
    assert remote["fingerprint"] == local["fingerprint"]
    assert remote["reasons"][0]["count"] == 1


def test_the_summary_proves_that_every_line_was_answered(first: First) -> None:
    assert "complete: 15 lines" in first.ended.stderr


@pytest.mark.measured
def test_input_and_output_may_be_on_s3(driver: Driver, first: First) -> None:
    s3 = driver.stack.client("s3")
    s3.create_bucket(Bucket="your-bucket", CreateBucketConfiguration={"LocationConstraint": REGION})
    rows = INPUT.read_bytes().splitlines(keepends=True)
    s3.put_object(Bucket="your-bucket", Key="in/a.ldjson", Body=b"".join(rows[:7]))
    s3.put_object(Bucket="your-bucket", Key="in/b.ldjson", Body=b"".join(rows[7:]))
    # the counters of the attempts to wait that failed must not be taken for the run's
    driver.stack.break_next(Fault("drop", service="elasticmapreduce", path="DescribeStep", times=4))
    command = [word.replace("YOUR-BUCKET", "your-bucket") for word in documented("S3")]
    ended = driver.run("--cluster-id", first.cluster_id, *command, job=MAIN_JOB)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == ""
    assert "complete: 15 lines" in ended.stderr
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket="your-bucket", Prefix="out/")["Contents"]]
    assert keys == ["out/_SUCCESS", "out/part-00000", "out/part-00001"]
    parts = [s3.get_object(Bucket="your-bucket", Key=key)["Body"].read().decode() for key in keys[1:]]
    assert "".join(parts) == first.ended.stdout


def test_a_replay_predicts_again_what_failed_and_needs_a_whole_output(driver: Driver, first: First) -> None:
    """On S3, where _SUCCESS says that it is one."""
    lines = first.ended.stdout.splitlines(keepends=True)
    lines[::2] = [line.partition("\t")[0] + "\tnull\n" for line in lines[::2]]
    s3 = driver.stack.client("s3")
    s3.create_bucket(Bucket="earlier", CreateBucketConfiguration={"LocationConstraint": REGION})
    for number, part in enumerate((lines[:7], lines[7:])):
        s3.put_object(Bucket="earlier", Key=f"out/part-{number:05d}", Body="".join(part).encode())
    given = (*MODEL, "--cluster-id", first.cluster_id, "--replay", "s3://earlier/out/")
    ended = driver.run("-q", *given, job=MAIN_JOB)
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1), ended.stderr
    assert "s3://earlier/out/ is a directory without _SUCCESS" in ended.stderr
    s3.put_object(Bucket="earlier", Key="out/_SUCCESS", Body=b"")
    ended = driver.run(*given, job=MAIN_JOB)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == first.ended.stdout
    assert "complete: 15 lines = 6 kept + 8 predicted + 1 failed + 0 blank" in ended.stderr


def test_too_many_failures_end_with_exit_code_3_and_no_result_on_s3(driver: Driver, first: First) -> None:
    s3 = driver.stack.client("s3")
    s3.create_bucket(Bucket="refused", CreateBucketConfiguration={"LocationConstraint": REGION})
    place = ("--max_error_rate", "0.01", "--output-dir", "s3://refused/out/")
    ended = driver.run(*MODEL, *place, "--cluster-id", first.cluster_id, INPUT, job=MAIN_JOB)
    assert ended.returncode == 3, ended.stderr
    assert ended.stdout == ""
    assert "more than --max_error_rate 0.01 allows" in ended.stderr
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket="refused").get("Contents", [])]
    assert [key for key in keys if key.endswith("_SUCCESS")] == []


def test_the_drivers_settings_reach_the_tasks(
    driver: Driver, first: First, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APP_SETTINGS", "TestConfig")
    ended = driver.run(*MODEL, "--cluster-id", first.cluster_id, INPUT, job=MAIN_JOB)
    assert ended.returncode == 0, ended.stderr
    *_, step = driver.stack.calls("AddJobFlowSteps")[-1]["Steps"]
    assert "APP_SETTINGS=TestConfig" in step["HadoopJarStep"]["Args"]


@pytest.mark.measured
def test_a_task_that_fails_ends_the_run_with_exit_code_1_and_its_reason(driver: Driver, first: First) -> None:
    ended = driver.run(
        *MODEL, "--cmdenv", "APP_SETTINGS=NoSuchConfig", "--cluster-id", first.cluster_id, INPUT, job=MAIN_JOB
    )
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert "NoSuchConfig" in ended.stderr.partition("Probable cause of failure")[2]


@pytest.mark.measured
def test_files_may_have_their_columns_in_another_order_each_and_equal_records_are_counted(
    driver: Driver, first: First, tmp_path: Path
) -> None:
    """One is on S3, one is uploaded; what tasks report is known by the person's own names of files."""
    names = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
    rows = [dict(zip(names, map(str, (5, 3, n % 4, 1)), strict=True)) for n in range(8)]
    texts = [
        "".join(
            f"{','.join(row[name] for name in order)}\n"
            for row in [dict(zip(names, names, strict=True)), *rows]
        )
        for order in (names, names[::-1])
    ]
    s3 = driver.stack.client("s3")
    s3.create_bucket(Bucket="orders", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="orders", Key="one.csv", Body=texts[0].encode())
    (tmp_path / "two.csv").write_text(f"{texts[1]}1,2,3,none\n")
    summary = tmp_path / "summary.json"
    csv = ("--input_protocol", "csv", "--check_duplicates", "--summary_file", summary)
    csv = (*csv, "--report", tmp_path / "page.html", "--cluster-id", first.cluster_id)
    ended = driver.run(*MODEL, *csv, "s3://orders/one.csv", tmp_path / "two.csv", job=MAIN_JOB)
    assert ended.returncode == 0, ended.stderr
    assert "complete: 19 lines = 16 predicted + 1 failed + 0 blank + 2 headers" in ended.stderr
    (reason,) = json.loads(summary.read_text())["reasons"]
    assert reason["place"] == {"file": str(tmp_path / "two.csv"), "line": 10, "from_byte": 0}
    assert "repeat an earlier one" in ended.stderr
    page = (tmp_path / "page.html").read_text()
    assert "Throughput of all workers" in page
    predictions = [line.rpartition("\t")[2] for line in ended.stdout.splitlines()]
    assert sorted(predictions[:8]) == sorted(predictions[8:16])


def irises(count: int) -> pa.Table:
    """Return rows, of which each tenth lacks what the model needs."""
    values = pa.array([n % 70 / 10 if n % 10 else None for n in range(count)], pa.float64())
    names = ("sepal_length", "sepal_width", "petal_length", "petal_width")
    return pa.table({"id": pa.array(range(count), pa.int64()), **dict.fromkeys(names, values)})


@pytest.mark.measured
def test_orc_and_avro_are_read_from_s3_and_orc_is_written_there(
    driver: Driver, first: First, tmp_path: Path
) -> None:
    """A file of this machine goes along with those there; the rows are those that the files name."""
    s3 = driver.stack.client("s3")
    s3.create_bucket(Bucket="tables", CreateBucketConfiguration={"LocationConstraint": REGION})
    orc.write_table(irises(300), tmp_path / "there.orc")
    orc.write_table(irises(30), tmp_path / "here.orc")
    with (tmp_path / "rows.avro").open("wb") as file:
        fields = [{"name": name, "type": ["null", "double"]} for name in irises(1).column_names]
        fastavro.writer(file, {"type": "record", "name": "r", "fields": fields}, irises(50).to_pylist())
    for name in ("there.orc", "rows.avro"):
        s3.put_object(Bucket="tables", Key=f"in/n=7/{name}", Body=(tmp_path / name).read_bytes())
    out = ("--output_protocol", "orc", "--output-dir", "s3://tables/out", "--cluster-id", first.cluster_id)
    ended = driver.run(*MODEL, *out, "s3://tables/in/n=7/there.orc", tmp_path / "here.orc", job=MAIN_JOB)
    assert "complete: 330 lines = 297 predicted + 33 failed" in ended.stderr
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket="tables", Prefix="out/")["Contents"]]
    assert keys == ["out/_SUCCESS", "out/part-00000.orc", "out/part-00001.orc"]
    bodies = [s3.get_object(Bucket="tables", Key=key)["Body"].read() for key in keys[1:]]
    found = [
        number for body in bodies for number in orc.ORCFile(pa.BufferReader(body)).read()["id"].to_pylist()
    ]
    assert sorted(found) == sorted([*range(300), *range(30)])
    again = ("--input_protocol", "orc", "--output_protocol", "orc", "--output-dir", "s3://tables/again")
    again = (*again, "--replay", "s3://tables/out", "--cluster-id", first.cluster_id)
    ended = driver.run(*MODEL, *again, job=MAIN_JOB)
    assert "complete: 330 lines = 297 kept + 0 predicted + 33 failed" in ended.stderr
    avro = ("--input_protocol", "avro", "--cluster-id", first.cluster_id)
    ended = driver.run(*MODEL, *avro, "s3://tables/in", "--key", "n", "--key", "id", job=MAIN_JOB)
    assert "rows.avro" not in ended.stdout
    assert ended.returncode == 1, ended.stderr
    assert "s3://tables/in/n=7/there.orc is no avro file" in ended.stderr
    ended = driver.run(*MODEL, *avro, "s3://tables/in/*/*.avro", "--key", "n", "--key", "id", job=MAIN_JOB)
    assert "complete: 50 lines = 45 predicted + 5 failed" in ended.stderr
    assert json.loads(ended.stdout.splitlines()[1].partition("\t")[0]) == {"n": 7, "id": 1.0}


@pytest.mark.measured
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model_qualified_name", "nobody", INPUT], "iris_model"),
        ([*MODEL, "s3://nobody/nothing.ldjson"], "s3://nobody/nothing.ldjson"),
        ([*MODEL, "--output-dir", "hdfs:///out", INPUT], "--output-dir hdfs:///out is no place on S3"),
        ([*MODEL, PROJECT / "data" / "*.xz"], "There is no input"),
        ([*MODEL, *PARQUET, "--no_blocks", INPUT], "Tables come in blocks on Hadoop and EMR"),
        ([*MODEL, "--input_protocol", "parquet", "s3://nobody/x"], "There is no input s3://nobody/x"),
    ],
)
def test_a_mistake_costs_no_cluster_and_one_line(
    driver: Driver, arguments: list[str | Path], message: str
) -> None:
    before = len(driver.stack.calls("RunJobFlow"))
    ended = driver.run(*arguments, job=MAIN_JOB)
    assert ended.returncode == 1
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr
    assert len(driver.stack.calls("RunJobFlow")) == before
