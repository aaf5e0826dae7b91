"""What runs a step: plain processes, or a real Hadoop where there is one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from emr_stack.node import Node
from emr_stack.store import Store
from emr_stack.streaming import StreamingStep


@dataclass(frozen=True)
class StepContext:
    """Where a step runs: the cluster's node, S3 as the cluster sees it, and whether someone stops it.

    stopped says that the step's own processes are to end, cluster_ends that everything on the cluster is.
    CancelSteps ends a step's process tree alone; an application that it has submitted to YARN runs on:
    https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-cancel-steps.html
    """

    node: Node
    store: Store
    stopped: Callable[[], bool]
    cluster_ends: Callable[[], bool]
    number: int  # the how-manieth application of the cluster, from 1
    started: int  # when the cluster started, in milliseconds: the first number in Hadoop's ids


@dataclass(frozen=True)
class ContainerLog:
    """What one attempt at a task left: its container's id and the text of its two logs."""

    container_id: str
    stderr: str
    syslog: str


@dataclass(frozen=True)
class StepResult:
    """How a step ended."""

    succeeded: bool
    syslog: str
    stderr: str = ""
    application_id: str = ""
    containers: tuple[ContainerLog, ...] = ()


class StepRunner(Protocol):
    """Runs one streaming step to its end."""

    def run(self, step: StreamingStep, context: StepContext) -> StepResult:
        """Read the step's input from S3, write its output there, and return how it went."""
        ...
