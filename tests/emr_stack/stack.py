"""The test's side of the stack: starts and ends its process, and talks to it."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import boto3

from emr_stack.faults import Fault

REGION: Final = "us-west-2"
SECRET: Final = "stack-secret-that-no-log-may-show"  # noqa: S105 the stand-in takes any
CREDENTIALS: Final = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_DEFAULT_REGION": REGION,
}


@dataclass(frozen=True)
class EmrStack:
    """A running stack."""

    endpoint: str

    def environment(self) -> Mapping[str, str]:
        """Return the environment of a driver that is to use the stack and nothing of a real account."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        nowhere = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull}
        return {**kept, **CREDENTIALS, **nowhere, "AWS_ENDPOINT_URL": self.endpoint}

    def client(self, service: str) -> Any:
        """Return a boto3 client of a service."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="testing",
            aws_secret_access_key=SECRET,
        )

    def break_next(self, fault: Fault) -> None:
        """Plan a fault."""
        self._control("faults", asdict(fault))

    def faults_met(self) -> int:
        """Return how many requests have met a fault so far."""
        return int(self._control("faults")["done"])

    def lose_master_node(self, cluster_id: str) -> None:
        """Let a cluster's master node vanish."""
        self._control(f"lose/{cluster_id}", {})

    def calls(self, operation: str) -> list[dict[str, Any]]:
        """Return the requests that drivers have made of an EMR operation, oldest first."""
        return [call["request"] for call in self._control("calls") if call.get("operation") == operation]

    def _control(self, verb: str, value: dict[str, Any] | None = None) -> Any:
        body = None if value is None else json.dumps(value).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.endpoint}/emr-stack/{verb}", body, headers)  # noqa: S310 http, loopback
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 same
            return json.load(answer)


@contextmanager
def emr_stack(place: Path, on_log: Callable[[str], None] | None = None) -> Iterator[EmrStack]:
    """Run a stack whose nodes live under a directory."""
    log = place / "stack.log"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    with (
        log.open("w") as err,
        subprocess.Popen(
            [sys.executable, "-m", "emr_stack", str(place / "nodes")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=err,
            env=environment,
        ) as process,
    ):
        assert process.stdout
        yield EmrStack(json.loads(process.stdout.readline())["endpoint"])
    if on_log:
        on_log(log.read_text())
