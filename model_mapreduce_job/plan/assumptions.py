"""What an estimate takes for granted, said to whoever reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_mapreduce_job.plan.report import duration, size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_mapreduce_job.plan.cluster import Cluster
    from model_mapreduce_job.plan.estimate import Cost
    from model_mapreduce_job.task.rehearsal import Rehearsal

# Wall time over the time of the core, from which on something else than the core was waited for.
_WAITING = 1.5


def assumptions_of(
    cluster: Cluster, rehearsal: Rehearsal, cost: Cost | None, *, is_exact: bool
) -> Iterator[str]:
    """Yield what the figures of a plan rest on, a sentence each."""
    if not is_exact:
        yield "The whole input is like the sample: rows are its bytes by the sample's mean bytes a row."
    if rehearsal.waiting > _WAITING:
        yield (
            f"Only a core's own time counts. The sample took {rehearsal.waiting:.1f} times as long: this "
            "machine was busy, or the model waits for something else."
        )
    yield from _of_this_machine() if cluster.shared_workers else _of_a_cluster(cluster)
    if cost:
        yield (
            "Every machine is paid for the whole time. Spot costs what on-demand does, unless its price is "
            "given. Volumes, S3 and traffic come on top."
        )


def _of_this_machine() -> Iterator[str]:
    yield "Nothing else runs on this machine; each worker loads the model once."


def _of_a_cluster(cluster: Cluster) -> Iterator[str]:
    yield f"Its start takes {duration(cluster.start_seconds)}; uploading local input is not counted."
    yield "A core there (a vCPU, on EMR) is as quick as one here, and runs one task at a time."
    most = size(cluster.split_bytes).partition(" (")[0]
    yield f"A task reads {most} of a file, or a whole file that can't be split, and loads the model."
