"""Tries the job on your own AWS account: a small cluster, every protocol, a stop; then removes all of it.

    python cluster/emr_smoke.py --bucket YOUR-BUCKET

prints what it will do and cost, and asks. Everything it makes on S3 is below one prefix of that bucket, which
it makes if it isn't there. docs/emr.md says what each check is for.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3
import yaml
from botocore.exceptions import ClientError

from model_mapreduce_job.plan.prices import prices_for

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT: Final = Path(__file__).resolve().parent.parent
INSTANCE: Final = "m5.xlarge"
HOURS: Final = 0.75  # of a run that goes well: ten minutes to start, two for each step
IDLE_SECONDS: Final = "1200"
MODEL: Final = ("--model_qualified_name", "iris_model", "--no_fail_fast")
PROTOCOLS: Final = (("ldjson", "json"), ("ldjson", "ldjson"), ("csv", "csv"), ("tsv", "tsv"))
GOOD: Final = b'{"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}'
CELLS: Final = b"5.1,3.5,1.4,0.2"
LDJSON: Final = (
    GOOD,
    GOOD + b"  ",
    GOOD + b"\r",
    GOOD.replace(b", ", b",\r"),
    b"half\rline",
    b"no \xff json",
    b"",
)
CSV: Final = (
    b"sepal_length,sepal_width,petal_length,petal_width",
    CELLS,
    CELLS + b"\r",
    b"5.1,\xff,1,1",
    CELLS,
)
ROWS: Final = {
    "ldjson": b"\n".join((*LDJSON, GOOD)),
    "csv": b"\n".join(CSV),
    "tsv": b"\n".join(CSV).replace(b",", b"\t"),
}


@dataclass(frozen=True)
class Smoke:
    """One trial: where it keeps its things, and on which cluster it runs."""

    bucket: str
    prefix: str
    conf: Path
    place: Path
    emr: Any
    s3: Any
    protocols: tuple[tuple[str, str], ...]
    checks: list[tuple[str, bool]]

    def uri(self, name: str) -> str:
        """Return the place of something on S3."""
        return f"s3://{self.bucket}/{self.prefix}/{name}"

    def check(self, what: str, *, holds: bool) -> None:
        """Report whether something holds."""
        self.checks.append((what, holds))
        say(f"{'ok    ' if holds else 'FAILED'} {what}")

    def command(self, *arguments: str) -> list[str]:
        """Return the job's command, with temporary data and logs below the prefix."""
        places = ("--cloud-tmp-dir", self.uri("tmp/"), "--cloud-log-dir", self.uri("logs/"))
        job = [sys.executable, "-m", "model_mapreduce_job", "-r", "emr", "-c", str(self.conf)]
        return [*job, *places, *MODEL, *arguments]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        """Run the job to its end."""
        return subprocess.run(self.command(*arguments), cwd=PROJECT, capture_output=True, check=False)

    def keys(self, name: str) -> list[str]:
        """Return the keys below a name, without the prefix of the trial."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=f"{self.prefix}/{name}"
        )
        found = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
        return [key.removeprefix(f"{self.prefix}/") for key in found]

    def read(self, key: str) -> bytes:
        """Return an object of the trial's."""
        body: bytes = self.s3.get_object(Bucket=self.bucket, Key=f"{self.prefix}/{key}")["Body"].read()
        return body


def main() -> int:
    """Run the trial; 0 when all checks hold."""
    options = read_options()
    region = yaml.safe_load(options.conf_path.read_text())["runners"]["emr"].get("region", options.region)
    protocols = PROTOCOLS[: options.protocols]
    tell_what_it_takes(options.bucket, region, len(protocols))
    if not options.yes and input("Go on? [y/N] ").strip().lower() != "y":
        say("Nothing was made.")
        return 1
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="emr-smoke-")))
        smoke = Smoke(
            options.bucket,
            f"emr-smoke-{uuid.uuid4().hex[:8]}",
            small_cluster(options.conf_path, place),
            place,
            boto3.client("emr", region_name=region),
            boto3.client("s3", region_name=region),
            protocols,
            [],
        )
        stack.enter_context(bucket_and_prefix(smoke, region))
        cluster_id = stack.enter_context(cluster(smoke))
        try_protocols(smoke, cluster_id)
        try_failures(smoke, cluster_id)
        try_stopping(smoke, cluster_id)
    failed = [what for what, holds in smoke.checks if not holds]
    say(
        f"{len(smoke.checks) - len(failed)} of {len(smoke.checks)} checks hold; all that was made is removed."
    )
    return 1 if failed else 0


def read_options() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--bucket", required=True, help="a bucket of yours in the region; made if it isn't there"
    )
    parser.add_argument("--conf-path", type=Path, default=PROJECT / "mrjob.conf")
    parser.add_argument("--region", default="us-west-2", help="where mrjob.conf names none")
    count = len(PROTOCOLS)
    parser.add_argument(
        "--protocols", type=int, choices=range(1, count + 1), default=count, help="how many pairs to try"
    )
    parser.add_argument("--yes", action="store_true", help="don't ask")
    return parser.parse_args()


def tell_what_it_takes(bucket: str, region: str, protocols: int) -> None:
    """Print what is made and what it costs, before anything is made."""
    price = prices_for(region, {}).per_hour.get(INSTANCE)
    cost = f"about {HOURS * price:.2f} USD" if price else "a price that is not known here"
    say(f"This makes an EMR cluster of one {INSTANCE} in {region} for about {HOURS * 60:.0f} minutes:")
    say(f"{cost} for EC2 and EMR, and less than 0.01 USD for S3. It runs {protocols + 3} small steps,")
    say(f"writes below one prefix of s3://{bucket}, and removes all that it made. If this machine is lost")
    say(f"meanwhile, the cluster ends after {int(IDLE_SECONDS) // 60} minutes without work.")


def small_cluster(conf: Path, place: Path) -> Path:
    """Return a configuration of one instance that stays up between the runs."""
    master = {"InstanceFleetType": "MASTER", "TargetOnDemandCapacity": 1}
    fleets = [{**master, "InstanceTypeConfigs": [{"InstanceType": INSTANCE}]}]
    own = {
        "instance_fleets": fleets,
        "extra_cluster_params": {"AutoTerminationPolicy": {"IdleTimeout": int(IDLE_SECONDS)}},
    }
    path = place / "mrjob.conf"
    path.write_text(yaml.safe_dump({"include": str(conf.resolve()), "runners": {"emr": own}}))
    return path


@contextmanager
def bucket_and_prefix(smoke: Smoke, region: str) -> Iterator[None]:
    """Put the input on S3, and remove all below the prefix at the end, and the bucket if it was made here."""
    made = make_bucket(smoke, region)
    try:
        for kind, data in ROWS.items():
            smoke.s3.put_object(Bucket=smoke.bucket, Key=f"{smoke.prefix}/in/{kind}/day=1/rows", Body=data)
        yield
    finally:
        for key in smoke.keys(""):
            smoke.s3.delete_object(Bucket=smoke.bucket, Key=f"{smoke.prefix}/{key}")
        if made:
            smoke.s3.delete_bucket(Bucket=smoke.bucket)


def make_bucket(smoke: Smoke, region: str) -> bool:
    """Make the bucket if it isn't there; whether it was made."""
    try:
        smoke.s3.head_bucket(Bucket=smoke.bucket)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:  # noqa: PLR2004 the status of what isn't there
            raise
    else:
        return False
    place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    smoke.s3.create_bucket(Bucket=smoke.bucket, **place)
    return True


@contextmanager
def cluster(smoke: Smoke) -> Iterator[str]:
    """Give the cluster that the first run starts, and remove it at the end, with what else that run made."""
    options = yaml.safe_load((PROJECT / "mrjob.conf").read_text())["runners"]["emr"]
    security = options["extra_cluster_params"]["SecurityConfiguration"]
    was_there = has_security_configuration(smoke.emr, security)
    pool = smoke.prefix
    try:
        compare(smoke, *smoke.protocols[0], "--pool-clusters", "--pool-name", pool)
        ours = clusters_of(smoke.emr, pool)
        if not ours:
            raise SystemExit("No cluster was started; the lines above say why.")
        yield ours[0]
    finally:
        end_clusters(smoke.emr, clusters_of(smoke.emr, pool))
        if not was_there and has_security_configuration(smoke.emr, security):
            smoke.emr.delete_security_configuration(Name=security)


def has_security_configuration(emr: Any, name: str) -> bool:
    """Return whether there is one of this name."""
    try:
        emr.describe_security_configuration(Name=name)
    except emr.exceptions.InvalidRequestException:
        return False
    return True


def clusters_of(emr: Any, pool: str) -> list[str]:
    """Return the ids of a pool's clusters that live."""
    states = ["STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING"]
    listed = emr.list_clusters(ClusterStates=states)["Clusters"]
    return [entry["Id"] for entry in listed if f",{pool}," in entry["Name"]]


def end_clusters(emr: Any, ids: list[str]) -> None:
    """Terminate clusters, and wait until they have left their last logs."""
    if ids:
        emr.terminate_job_flows(JobFlowIds=ids)
    for cluster_id in ids:
        while "ED" not in emr.describe_cluster(ClusterId=cluster_id)["Cluster"]["Status"]["State"]:
            time.sleep(1)


def try_protocols(smoke: Smoke, cluster_id: str) -> None:
    """Run the protocols that the cluster's first run did not."""
    for read, write in smoke.protocols[1:]:
        compare(smoke, read, write, "--cluster-id", cluster_id)


def compare(smoke: Smoke, read: str, write: str, *where: str) -> None:
    """Run a pair of protocols on EMR and here, and check that lines, fingerprint and proof are the same."""
    name = f"out/{read}-{write}"
    protocols = ("--input_protocol", read, "--output_protocol", write, "--fingerprint")
    summaries = smoke.place / f"{read}-{write}.here", smoke.place / f"{read}-{write}.emr"
    there = smoke.run(
        *where,
        *protocols,
        "--summary_file",
        str(summaries[1]),
        "--output-dir",
        smoke.uri(name),
        smoke.uri(f"in/{read}/"),
    )
    here = on_this_machine(smoke, read, *protocols, "--summary_file", str(summaries[0]))
    if there.returncode:
        sys.stderr.write(there.stderr.decode(errors="replace"))
    parts = b"".join(smoke.read(key) for key in smoke.keys(f"{name}/part-"))
    smoke.check(f"{read} to {write}: the bytes of this machine", holds=bool(here) and parts == here)
    smoke.check(f"{read} to {write}: counts and fingerprint too", holds=same(*summaries))
    smoke.check(f"{read} to {write}: marked as a result", holds=f"{name}/_SUCCESS" in smoke.keys(name))


def on_this_machine(smoke: Smoke, kind: str, *arguments: str) -> bytes:
    """Return the output of the same run here."""
    path = smoke.place / f"rows.{kind}"
    path.write_bytes(ROWS[kind])
    command = [sys.executable, "-m", "model_mapreduce_job", *MODEL, *arguments, str(path)]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, check=False).stdout


def same(*summaries: Path) -> bool:
    """Return whether runs counted the same and gave the same lines."""
    told = [json.loads(path.read_text()) if path.exists() else None for path in summaries]
    if None in told:
        return False
    names = ("lines", "predicted", "failed", "blank", "headers")
    first, second = ([one["fingerprint"], *(one["counts"][name] for name in names)] for one in told)
    return bool(first == second)


def try_failures(smoke: Smoke, cluster_id: str) -> None:
    """Check that too many failures leave no result, and that mistakes start nothing."""
    where = ("--cluster-id", cluster_id, "--output-dir", smoke.uri("out/failures"))
    ended = smoke.run(*where, "--max_error_rate", "0.01", smoke.uri("in/ldjson/"))
    left = "out/failures/_SUCCESS" in smoke.keys("out/failures")
    smoke.check("too many failures: exit code 3 and no result", holds=ended.returncode == 3 and not left)  # noqa: PLR2004 documented
    smoke.s3.put_object(Bucket=smoke.bucket, Key=f"{smoke.prefix}/odd/rows.xz", Body=b"")
    ended = smoke.run("--cluster-id", cluster_id, smoke.uri("odd/"))
    smoke.check("a compression that Hadoop lacks is refused", holds=b"does not know .xz" in ended.stderr)


def try_stopping(smoke: Smoke, cluster_id: str) -> None:
    """Stop a run as Ctrl-C does: nothing of it is left running, the cluster is, and the next run is well."""
    where = ("--cluster-id", cluster_id, "--output-dir", smoke.uri("out/stopped"))
    command = smoke.command(*where, smoke.uri("in/ldjson/"))
    log = smoke.place / "stopped.log"
    with log.open("wb") as err, subprocess.Popen(command, cwd=PROJECT, stderr=err, stdout=err) as process:
        while process.poll() is None and b"Waiting for Step" not in log.read_bytes():
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
    smoke.check("a stopped run ends with an error", holds=process.returncode != 0)
    smoke.check("and leaves no result", holds="out/stopped/_SUCCESS" not in smoke.keys("out/stopped"))
    smoke.check("and its steps end, those that kill it included", holds=all_steps_end(smoke.emr, cluster_id))
    ended = smoke.run(
        "--cluster-id", cluster_id, "--output-dir", smoke.uri("out/again"), smoke.uri("in/ldjson/")
    )
    smoke.check("the next run on that cluster is well", holds=ended.returncode == 0)


def all_steps_end(emr: Any, cluster_id: str) -> bool:
    """Wait until no step waits or runs; whether the cluster lives on."""
    deadline = time.monotonic() + 600
    while emr.list_steps(ClusterId=cluster_id, StepStates=["PENDING", "RUNNING", "CANCEL_PENDING"])["Steps"]:
        if time.monotonic() > deadline:
            return False
        time.sleep(1)
    return emr.describe_cluster(ClusterId=cluster_id)["Cluster"]["Status"]["State"] in {"RUNNING", "WAITING"}


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
