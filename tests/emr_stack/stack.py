"""The test's side of the stack: starts and ends its process, and talks to it."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
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

    def heal(self) -> None:
        """Drop the faults that are still to come."""
        self._control("faults", method="DELETE")

    def faults_met(self) -> int:
        """Return how many requests have met a fault so far."""
        return int(self._control("faults")["done"])

    def lose_master_node(self, cluster_id: str) -> None:
        """Let a cluster's master node vanish."""
        self._control(f"lose/{cluster_id}", {})

    def calls(self, operation: str) -> list[dict[str, Any]]:
        """Return the requests that drivers have made of an EMR operation, oldest first."""
        return [call["request"] for call in self._control("calls") if call.get("operation") == operation]

    def requests(self, service: str) -> list[dict[str, Any]]:
        """Return what drivers have asked of a service: method, path, status, and who is to pay."""
        return [call for call in self._control("calls") if call["service"] == service]

    def _control(self, verb: str, value: dict[str, Any] | None = None, method: str | None = None) -> Any:
        body = None if value is None else json.dumps(value).encode()
        headers = {"Content-Type": "application/json"}
        address = f"{self.endpoint}/emr-stack/{verb}"
        request = urllib.request.Request(address, body, headers, method=method)  # noqa: S310 http on loopback
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 same
            return json.load(answer)


@contextmanager
def emr_stack(place: Path, steps_in: str = "processes") -> Iterator[EmrStack]:
    """Run a stack whose log, and the nodes of whose clusters, are kept in a directory."""
    log = place / "stack.log"
    # neither a real account's settings nor coverage's tracing have a place in it
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "COVERAGE_"))}
    with (
        log.open("w") as err,
        subprocess.Popen(
            [sys.executable, "-m", "emr_stack", str(place / "nodes"), steps_in],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=err,
            env={**kept, "PYTHONPATH": str(Path(__file__).parent.parent)},
        ) as process,
    ):
        assert process.stdout
        first_line = process.stdout.readline()
        assert first_line, f"the stack did not start: {log.read_text()}"
        yield EmrStack(json.loads(first_line)["endpoint"])
