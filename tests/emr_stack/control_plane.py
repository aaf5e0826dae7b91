"""What the EMR API shows, kept in moto's own backend, and the parts of the service that moto lacks."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import RLock
from typing import Any, Final

from moto.core import DEFAULT_ACCOUNT_ID
from moto.emr.models import Cluster, Step, emr_backends

ACTIVE: Final = ("STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING")
MOTO_REGION: Final = "us-east-1"  # moto reads EMR's region from the host name, and 127.0.0.1 has none
DEFAULT_SUBNET: Final = "subnet-0default"
ROOT_VOLUME_GB: Final = (
    15  # https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-custom-ami-root-volume-size.html
)
HADOOP_VERSION: Final = "3.4.1"  # what the 7.x releases ship; the service fills it in, moto does not


@dataclass
class Extras:
    """What a cluster was created with, or is told later, that moto has no place for."""

    request: dict[str, Any]
    ending: tuple[str, str] | None = None  # the state and reason that the cluster is to end with
    cancelled: set[str] = field(default_factory=set)

    @property
    def idle_timeout(self) -> float | None:
        """Seconds of idleness after which the cluster ends itself, or None."""
        seconds = self.request.get("AutoTerminationPolicy", {}).get("IdleTimeout")
        return None if seconds is None else float(seconds)

    def complete(self, described: dict[str, Any]) -> None:
        """Add to a description what the service chooses where nothing was asked for.

        https://docs.aws.amazon.com/emr/latest/APIReference/API_Cluster.html and API_Ec2InstanceAttributes
        there: a cluster has a root volume of some size and, unless it is in EC2-Classic, a subnet.
        """
        described["EbsRootVolumeSize"] = self.request.get("EbsRootVolumeSize", ROOT_VOLUME_GB)
        instances = self.request["Instances"]
        several = instances.get("Ec2SubnetIds") or [DEFAULT_SUBNET]
        attributes = described.setdefault("Ec2InstanceAttributes", {})
        attributes["Ec2SubnetId"] = instances.get("Ec2SubnetId") or several[0]

    def fleets(self) -> list[dict[str, Any]]:
        """Return the instance fleets as ListInstanceFleets shows them, all provisioned as asked."""
        return [
            {
                "Id": f"if-{number:013d}",
                "InstanceFleetType": asked["InstanceFleetType"],
                "TargetOnDemandCapacity": asked.get("TargetOnDemandCapacity", 0),
                "TargetSpotCapacity": asked.get("TargetSpotCapacity", 0),
                "ProvisionedOnDemandCapacity": asked.get("TargetOnDemandCapacity", 0),
                "ProvisionedSpotCapacity": asked.get("TargetSpotCapacity", 0),
                "InstanceTypeSpecifications": [
                    _specification(config) for config in asked["InstanceTypeConfigs"]
                ],
                "LaunchSpecifications": asked.get("LaunchSpecifications", {}),
            }
            for number, asked in enumerate(self.request["Instances"].get("InstanceFleets", ()))
        ]


class ControlPlane:
    """Sets the states of clusters and steps; the API shows them at the next call."""

    def __init__(self) -> None:
        self.lock = RLock()
        self._clusters: dict[str, Cluster] = emr_backends[DEFAULT_ACCOUNT_ID][MOTO_REGION].clusters
        self._extras: dict[str, Extras] = {}

    def extras(self, cluster_id: str) -> Extras:
        """Return what is known of a cluster beyond moto."""
        return self._extras[cluster_id]

    def created(self, cluster_id: str, request: dict[str, Any]) -> None:
        """Take a new cluster into care: it starts, where moto calls it ready or already over."""
        cluster = self._clusters[cluster_id]
        for application in cluster.applications:
            application.name = application.name or "Hadoop"  # what a cluster has when nothing was asked for
            application.version = HADOOP_VERSION
        cluster.end_datetime = cluster.ready_datetime = None
        for step in cluster.steps:
            step.start_date_time = None
        self._extras[cluster_id] = Extras(request)
        self.steps_added(cluster_id)
        cluster.state = "STARTING"

    def steps_added(self, cluster_id: str) -> None:
        """Make the steps that nobody has started wait, where moto calls the first one running."""
        for step in self._clusters[cluster_id].steps:
            if step.start_date_time is None:
                step.state = "PENDING"

    def state(self, cluster_id: str) -> str:
        """Return a cluster's state."""
        return str(self._clusters[cluster_id].state)

    def starting(self) -> list[str]:
        """Return the ids of the clusters that nobody has started to serve."""
        with self.lock:
            return [name for name in self._extras if self.state(name) == "STARTING"]

    def has_pending_steps(self, cluster_id: str) -> bool:
        """Return whether a step waits: asked ten times a second, which is too often for a request each."""
        with self.lock:
            return any(step.state == "PENDING" for step in self._clusters[cluster_id].steps)

    def set_cluster(self, cluster_id: str, state: str, reason: str = "") -> None:
        """Set a cluster's state and the reason that goes with it."""
        with self.lock:
            cluster = self._clusters[cluster_id]
            cluster.state = state
            cluster.last_state_change_reason = reason
            if state == "WAITING":
                cluster.ready_datetime = _now()
            if state.startswith("TERMINATED"):
                cluster.end_datetime = _now()

    def set_step(self, cluster_id: str, step_id: str, state: str, reason: str = "") -> None:
        """Set a step's state and the times that go with it."""
        step = self._step(cluster_id, step_id)
        step.state = state
        step.last_state_change_reason = reason
        if state == "RUNNING":
            step.start_date_time = _now()
        else:
            step.end_date_time = _now()

    def end(self, cluster_id: str, state: str, reason: str) -> None:
        """Ask for a cluster's end; whatever runs on it is stopped."""
        with self.lock:
            if self.state(cluster_id) in ACTIVE:
                self._extras[cluster_id].ending = (state, reason)
                self.set_cluster(cluster_id, "TERMINATING", reason)

    def _step(self, cluster_id: str, step_id: str) -> Step:
        return next(step for step in self._clusters[cluster_id].steps if step.id == step_id)


def _specification(config: dict[str, Any]) -> dict[str, Any]:
    volumes = config.get("EbsConfiguration", {}).get("EbsBlockDeviceConfigs", ())
    devices = [
        {"VolumeSpecification": volume["VolumeSpecification"], "Device": f"/dev/sd{chr(98 + number)}"}
        for volume in volumes
        for number in range(volume.get("VolumesPerInstance", 1))
    ]
    kept = ("InstanceType", "WeightedCapacity", "BidPrice", "BidPriceAsPercentageOfOnDemandPrice")
    return {name: config[name] for name in kept if name in config} | {"EbsBlockDevices": devices}


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)  # as moto keeps its times
