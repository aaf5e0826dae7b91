"""Hadoop reads and writes S3: the few modules of the AWS SDK on its class path do for s3a:// paths."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from local_hadoop import LocalHadoop

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]


@pytest.fixture
def s3() -> Iterator[str]:
    """Run an S3 of this machine with a bucket in it; its URL."""
    moto_server = pytest.importorskip("moto.server")
    boto3 = pytest.importorskip("boto3")
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    boto3.client("s3", endpoint_url=url, region_name="us-east-1", **keys).create_bucket(Bucket="local-bucket")
    yield url
    server.stop()


def test_a_job_reads_from_s3_and_writes_to_it(hadoop: LocalHadoop, s3: str, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("a\nb\n", encoding="ascii")
    values = {"endpoint": s3, "endpoint.region": "us-east-1", "path.style.access": "true"}
    values |= {"access.key": "test", "secret.key": "test"}
    options = [part for name, value in values.items() for part in ("-D", f"fs.s3a.{name}={value}")]
    hadoop.hadoop("fs", *options, "-put", text, "s3a://local-bucket/text")
    job = hadoop.streaming("s3a://local-bucket/text", "s3a://local-bucket/out", *options, "-mapper", "cat")
    hadoop.hadoop(*job[1:])
    lines = hadoop.hadoop("fs", *options, "-cat", "s3a://local-bucket/out/part-*").stdout.split()
    assert sorted(lines) == ["a", "b"]
