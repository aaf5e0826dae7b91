"""--plan with -r emr and mrjob.conf as shipped: S3 is read, cluster and cost are told, nothing is made."""

import gzip
import json
import lzma
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from emr_stack.driver import MAIN_JOB, PROJECT, Driver
from emr_stack.faults import Fault
from emr_stack.stack import REGION, EmrStack, emr_stack

from model_mapreduce_job.plan.prices import COPIED_ON

INPUT = (PROJECT / "data" / "input.ldjson").read_bytes()
BUCKET = "plans"
LARGE = INPUT * 8000  # 10 MB
OTHERS = "4 x m6i.xlarge, 4 x m6a.xlarge, 2 x m5.2xlarge, 2 x m6i.2xlarge"  # as mrjob.conf has them
TASKS = (
    "3 tasks, the model is loaded 3 times: 1 file is cut into 2 tasks; 1 file, which can't be cut, is a task"
)
OBJECT = r"/plans/small/a\.ldjson$"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmrStack]:
    with emr_stack(tmp_path_factory.mktemp("emr")) as running:
        s3 = running.client("s3")
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        for key, body in (
            ("small/a.ldjson", INPUT),
            ("small/b.ldjson.gz", gzip.compress(INPUT)),
            ("small/_SUCCESS", b""),
            ("large.ldjson", LARGE),
            ("a.csv", b"a,b\n1,2\n"),
        ):
            s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        yield running


def plan(stack: EmrStack, place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    driver = Driver(stack, place)
    return driver.run("--model_qualified_name", "iris_model", "--plan", *arguments, job=MAIN_JOB)


@pytest.fixture
def watched(stack: EmrStack, tmp_path: Path) -> Iterator[EmrStack]:
    """See to it that a plan makes nothing: no cluster, no bucket, no object, no temporary file."""

    def there() -> list[str]:
        s3 = stack.client("s3")
        buckets = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
        listed = [s3.list_objects_v2(Bucket=bucket).get("Contents", ()) for bucket in buckets]
        return buckets + [item["Key"] for contents in listed for item in contents]

    before = there()
    yield stack
    stack.heal()
    assert stack.client("emr").list_clusters()["Clusters"] == []
    assert stack.calls("RunJobFlow") == []
    assert there() == before
    assert {path.name for path in (tmp_path / "tmp").iterdir()} <= {".ses"}  # ONNX Runtime's own


def test_input_on_s3_is_planned_with_the_cluster_of_mrjob_conf_and_its_cost(
    watched: EmrStack, tmp_path: Path
) -> None:
    """What is printed, and what the summary file has of it."""
    summary = tmp_path / "plan.json"
    told = plan(watched, tmp_path, "--summary_file", str(summary), f"s3://{BUCKET}/small/")
    assert told.returncode == 0, told.stderr
    assert told.stderr == ""
    for line in (
        f"input          2 files, {len(INPUT) + len(gzip.compress(INPUT)):,} bytes, 30 rows",
        "sample         30 lines of 2 files: 28 predicted, 2 failed (6.67%), 0 blank",
        "cluster        a new EMR cluster, emr-7.13.0 in us-west-2",
        "  master       1 x m5.xlarge, on demand; or 1 x m6i.xlarge, 1 x m6a.xlarge",
        "  core         1 x m5.xlarge, on demand; or 1 x m6i.xlarge, 1 x m6a.xlarge",
        f"  task         4 x m5.xlarge, spot; or {OTHERS}",
        f"tasks          {TASKS}",
    ):
        assert line in told.stdout.splitlines()
    assert "on 18 cores, of which the input's tasks keep 3 busy: 10 min to start" in told.stdout
    # 10.5 minutes to start, of 6 machines at 0.216 to 0.24 an hour
    assert f"about 0.23 to 0.25 USD (on-demand prices of EC2 and EMR, a copy of {COPIED_ON})" in told.stdout
    figures = json.loads(summary.read_text())["plan"]
    (expected,) = figures["expected"]
    # the smallest of mrjob.conf's choices for the core, and its cheapest for either
    assert figures["cost"]["lowest"] == pytest.approx(6 * 0.216 * expected["seconds"] / 3600)
    assert figures["cost"]["highest"] == pytest.approx(6 * 0.24 * expected["seconds"] / 3600)
    assert (figures["cost"]["currency"], figures["cost"]["unpriced"]) == ("USD", [])
    assert COPIED_ON in figures["cost"]["source"]
    assert figures["cluster"]["fleets"][2]["choices"][0] == {"instance_type": "m5.xlarge", "count": 4}


def test_the_command_that_the_guide_shows_plans_a_run(watched: EmrStack, tmp_path: Path) -> None:
    """docs/plan.md has it, with a bucket of the reader's."""
    guide = (PROJECT / "docs" / "plan.md").read_text(encoding="utf-8")
    (command,) = (line for line in guide.splitlines() if line.startswith("python") and "-r emr" in line)
    _, *arguments = shlex.split(command.replace("s3://YOUR-BUCKET/in/", f"s3://{BUCKET}/small/"))
    told = subprocess.run(
        [sys.executable, *arguments],
        cwd=PROJECT,
        env=Driver(watched, tmp_path)._environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert f"a copy of {COPIED_ON}, and prices as given)" in told.stdout


def test_given_prices_take_the_place_of_the_copied_ones(watched: EmrStack, tmp_path: Path) -> None:
    types = ("m5.xlarge", "m6i.xlarge", "m6a.xlarge", "m5.2xlarge", "m6i.2xlarge")
    prices = [f"--price_per_hour={name}={2 if '2x' in name else 1}" for name in types]
    told = plan(watched, tmp_path, *prices, "--price_per_hour=g5.xlarge=3", f"s3://{BUCKET}/small/a.ldjson")
    assert "about 1.05 USD (prices as given)" in told.stdout
    assert "--price_per_hour g5.xlarge changes nothing" in told.stdout


def test_where_no_price_is_known_they_are_asked_for(watched: EmrStack, tmp_path: Path) -> None:
    told = plan(watched, tmp_path, "--instance-fleets", FLEET, f"s3://{BUCKET}/small/a.ldjson")
    assert "not known. Give the prices of an instance's hour: --price_per_hour g5.xlarge=PRICE" in told.stdout


FLEET = """[{"InstanceFleetType": "MASTER", "TargetOnDemandCapacity": 1,
  "InstanceTypeConfigs": [{"InstanceType": "g5.xlarge"}]}]"""


def test_a_large_object_is_read_in_several_places_only(watched: EmrStack, tmp_path: Path) -> None:
    told = plan(watched, tmp_path, f"s3://{BUCKET}/large.ldjson")
    assert told.returncode == 0, told.stderr
    assert "bytes), about 120,0" in told.stdout


def test_local_input_is_planned_without_uploading_it(watched: EmrStack, tmp_path: Path) -> None:
    told = plan(watched, tmp_path, str(PROJECT / "data" / "input.ldjson"))
    assert told.returncode == 0, told.stderr
    assert "1 file, 1,247 bytes, 15 rows" in told.stdout


def test_what_the_run_would_refuse_is_refused(watched: EmrStack, tmp_path: Path) -> None:
    (tmp_path / "rows.xz").write_bytes(lzma.compress(b"{}\n"))
    told = plan(watched, tmp_path, str(tmp_path / "rows.xz"))
    assert (told.returncode, told.stdout) == (1, "")
    assert "rows.xz can't be read on a cluster: Hadoop does not know .xz" in told.stderr


def test_an_output_that_is_there_is_refused_with_and_without_a_plan(
    watched: EmrStack, tmp_path: Path
) -> None:
    output = f"s3://{BUCKET}/small"
    arguments = ("--output-dir", output, str(PROJECT / "data" / "input.ldjson"))
    refused = [
        plan(watched, tmp_path, *arguments),
        Driver(watched, tmp_path).run("--model_qualified_name", "iris_model", *arguments, job=MAIN_JOB),
    ]
    for told in refused:
        assert (told.returncode, told.stdout) == (1, "")
        assert f"The output {output}/ is there already. Name another" in told.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("output", "mistake"),
    [
        (f"s3://{BUCKET}/a.csv", f"The output s3://{BUCKET}/a.csv/ is there already."),
        ("s3://no-bucket/out", "There is no bucket no-bucket for the output s3://no-bucket/out/."),
        ("/tmp/out", "--output-dir /tmp/out is no place on S3"),  # noqa: S108 - nothing is made there
        (f"s3://{BUCKET}", f"--output-dir s3://{BUCKET} is no place on S3"),
    ],
)
def test_an_output_that_cant_be_made_is_refused(
    watched: EmrStack, tmp_path: Path, output: str, mistake: str
) -> None:
    told = plan(watched, tmp_path, "--output-dir", output, str(PROJECT / "data" / "input.ldjson"))
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.splitlines()[-1].startswith(mistake)


def test_rows_that_lack_a_column_start_no_cluster(watched: EmrStack, tmp_path: Path) -> None:
    path = f"s3://{BUCKET}/a.csv"
    options = ("--model_qualified_name", "iris_model", "--input_protocol", "csv")
    told = Driver(watched, tmp_path).run(*options, path, job=MAIN_JOB)
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.splitlines()[-1].startswith("The model needs sepal_length, ")


def test_a_cluster_that_is_there_is_neither_asked_nor_paid_for(watched: EmrStack, tmp_path: Path) -> None:
    told = plan(watched, tmp_path, "--cluster-id", "j-THERE", f"s3://{BUCKET}/small/")
    assert told.returncode == 0, told.stderr
    assert "the EMR cluster j-THERE, which is running already" in told.stdout
    assert "cost" not in told.stdout


def test_too_many_failures_end_with_exit_code_3(watched: EmrStack, tmp_path: Path) -> None:
    told = plan(watched, tmp_path, "--max_error_rate", "0.01", f"s3://{BUCKET}/small/")
    assert told.returncode == 3
    assert "30 lines of 2 files" in told.stdout
    assert "more than --max_error_rate 0.01 allows" in told.stderr


@pytest.mark.parametrize("path", [f"s3://{BUCKET}/nothing", "s3://nobody/x"])
def test_an_input_that_is_not_there_is_named(watched: EmrStack, tmp_path: Path, path: str) -> None:
    told = plan(watched, tmp_path, path)
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr == f"There is no input {path}. Check the path.\n"


def test_a_connection_that_breaks_is_taken_up_where_it_broke(watched: EmrStack, tmp_path: Path) -> None:
    watched.break_next(Fault("cut", method="GET", path=OBJECT))
    met = watched.faults_met()
    told = plan(watched, tmp_path, f"s3://{BUCKET}/small/a.ldjson")
    assert told.returncode == 0, told.stderr
    assert watched.faults_met() == met + 1
    assert "1,247 bytes, 15 rows" in told.stdout


def test_a_connection_that_breaks_again_and_again_ends_the_plan_with_one_line(
    watched: EmrStack, tmp_path: Path
) -> None:
    watched.break_next(Fault("cut", method="GET", path=OBJECT, times=20))
    told = plan(watched, tmp_path, f"s3://{BUCKET}/small/a.ldjson")
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.startswith("AWS can't be reached")
    assert len(told.stderr.splitlines()) == 1
