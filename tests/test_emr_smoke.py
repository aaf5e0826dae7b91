"""The script for people with an account does on the stand-in what it would do there, and leaves nothing."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from emr_stack.driver import OFTEN, PROJECT
from emr_stack.stack import EmrStack, emr_stack

SCRIPT = PROJECT / "cluster" / "emr_smoke.py"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmrStack]:
    with emr_stack(tmp_path_factory.mktemp("emr")) as running:
        yield running


def smoke(
    stack: EmrStack, tmp_path: Path, *arguments: str, answer: str = ""
) -> subprocess.CompletedProcess[str]:
    conf = tmp_path / "often.conf"
    conf.write_text(f"{OFTEN}    region: us-west-2\n")
    command = [sys.executable, SCRIPT, "--bucket", "smoke", "--conf-path", conf, *arguments]
    environment = {**stack.environment(), "PYTHONPATH": str(PROJECT)}
    return subprocess.run(
        command, env=environment, input=answer, cwd=PROJECT, capture_output=True, text=True, check=False
    )


@pytest.mark.timeout(600)
def test_it_runs_protocols_stops_a_run_and_removes_all_that_it_made(stack: EmrStack, tmp_path: Path) -> None:
    """Two of its four pairs of protocols: tests/test_emr_protocols.py runs them all."""
    ended = smoke(stack, tmp_path, "--yes", "--protocols", "2")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "about 0.18 USD for EC2 and EMR" in ended.stdout
    assert "FAILED" not in ended.stdout
    assert "checks hold; all that was made is removed" in ended.stdout
    assert stack.client("s3").list_buckets()["Buckets"] == []
    states = [cluster["Status"]["State"] for cluster in stack.client("emr").list_clusters()["Clusters"]]
    assert states == ["TERMINATED"]
    emr = stack.client("emr")
    with pytest.raises(emr.exceptions.InvalidRequestException, match="does not exist"):
        emr.describe_security_configuration(Name="model-mapreduce-job-imdsv2")


def test_without_a_yes_nothing_is_made(stack: EmrStack, tmp_path: Path) -> None:
    before = requests(stack)
    ended = smoke(stack, tmp_path, answer="n\n")
    assert ended.returncode == 1
    assert "Nothing was made." in ended.stdout
    assert requests(stack) == before


def requests(stack: EmrStack) -> list[dict[str, Any]]:
    return [*stack.requests("s3"), *stack.requests("elasticmapreduce")]
