"""The step that ends what a cancelled run left, how a run knows a cluster of its pool, and its page."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ALIVE: Final = "NEW,NEW_SAVING,SUBMITTED,ACCEPTED,RUNNING"
# A client that was stopped a moment ago may still have got its application through, so there are three looks
_KILL: Final = r"""for look in 1 2 3; do
  yarn application -list -appStates {states} 2>/dev/null |
    awk -F '\t' -v name={name} '{{ gsub(/ /, "", $2) }} $2 == name {{ gsub(/ /, "", $1); print $1 }}' |
    xargs -r -n 1 yarn application -kill
  sleep 1
done"""


def kill_step(job_name: str) -> dict[str, Any]:
    """Return a step that ends the YARN applications of this name.

    EMR's CancelSteps ends the process that submitted an application, and not the application: see
    https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-cancel-steps.html. Steps may be any command of
    the master node: https://docs.aws.amazon.com/emr/latest/ReleaseGuide/emr-commandrunner.html.
    """
    script = _KILL.format(states=_ALIVE, name=shlex.quote(job_name))
    return {
        "Name": f"{job_name}: end what was cancelled",
        "ActionOnFailure": "CONTINUE",
        "HadoopJarStep": {"Jar": "command-runner.jar", "Args": ["bash", "-c", script]},
    }


def cancel_steps(client: Any, cluster_id: str, step_ids: Sequence[str]) -> None:
    """End the processes of a cluster's steps."""
    how = {"StepIds": step_ids, "StepCancellationOption": "TERMINATE_PROCESS"}
    client.cancel_steps(ClusterId=cluster_id, **how)


def as_asked_for(cluster: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the description of a cluster without what AWS chose by itself, since nothing was asked for.

    DescribeCluster names the subnet and the size of the root volume always; mrjob would take them for wishes
    of another job, and never find its own clusters.
    """
    described = dict(cluster)
    if not options["ebs_root_volume_gb"]:
        described.pop("EbsRootVolumeSize", None)
    if not options["subnet"]:
        attributes = dict(cluster["Ec2InstanceAttributes"])
        attributes.pop("Ec2SubnetId", None)
        described["Ec2InstanceAttributes"] = attributes
    return described


def console_link(region: str, cluster_id: str) -> str:
    """Return the address of a cluster's page in AWS's console."""
    return f"https://{region}.console.aws.amazon.com/emr/home?region={region}#/clusterDetails/{cluster_id}"
