"""What the EMR service does behind its API: notices clusters, and lets each live."""

import time
from pathlib import Path
from threading import Event, Thread
from typing import Any

import boto3
from botocore.config import Config

from emr_stack.cluster import POLL_SECONDS, ClusterLife, Parts, Settings
from emr_stack.control_plane import ControlPlane
from emr_stack.node import make_node
from emr_stack.step_runner import StepRunner
from emr_stack.store import Store


class Agent:
    """Watches for new clusters and gives each a thread."""

    def __init__(
        self, endpoint: str, plane: ControlPlane, runner: StepRunner, place: Path, settings: Settings
    ) -> None:
        self._endpoint = endpoint
        self._plane = plane
        self._runner = runner
        self._place = place
        self._settings = settings
        self._seen: set[str] = set()
        self._ended = Event()

    def run(self) -> None:
        """Serve until told to end."""
        while not self._ended.wait(POLL_SECONDS):
            for cluster_id in self._plane.starting():
                if cluster_id not in self._seen:
                    self._seen.add(cluster_id)
                    Thread(target=self._serve, args=(cluster_id,), daemon=True).start()

    def end(self) -> None:
        """End the clusters that are left, and the watching."""
        for cluster_id in self._seen:
            self._plane.end(cluster_id, "TERMINATED", "The stack ended")
        self._ended.set()

    def _serve(self, cluster_id: str) -> None:
        node = make_node(self._place / cluster_id, f"i-{time.time_ns():017x}"[:19], self._endpoint)
        store = Store(self._client("s3"))
        parts = Parts(self._client("emr"), self._plane, self._runner, node, store, self._settings)
        ClusterLife(cluster_id, parts).run()

    def _client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self._endpoint,
            region_name=self._settings.region,
            aws_access_key_id="agent",
            aws_secret_access_key="agent",  # noqa: S106 the stand-in takes any
            config=Config(user_agent_appid="emr-stack-agent"),
        )
