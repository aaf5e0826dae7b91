"""The assumptions of an estimate, as sentences for its report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_mapreduce_job.plan.report import duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_mapreduce_job.plan.cluster import Cluster
    from model_mapreduce_job.plan.estimate import Cost
    from model_mapreduce_job.task.sample_prediction import SampleResult

# The share of wall time to core time above which the sample also waited for something else.
_WAITING = 1.5


def assumptions_of(
    cluster: Cluster, result: SampleResult, cost: Cost | None, note: str, *, is_exact: bool
) -> Iterator[str]:
    """Yield the assumptions behind a plan's figures, a sentence each; note is that about its tasks."""
    if not is_exact:
        yield "The whole input is like the sample: its rows are its bytes by the sample's bytes a row."
    if result.waiting > _WAITING:
        yield (
            f"Only a core's own time is counted. The sample took {result.waiting:.1f} times as long: this "
            "machine was busy, or the model waits for something else."
        )
    if cluster.is_here:
        yield "Nothing else runs on this machine."
    else:
        yield from _of_a_cluster(cluster)
    if note:
        yield note
    if cost:
        yield (
            "Every machine is paid for the whole time. Spot costs as much as on-demand, unless its price is "
            "given. Volumes, S3 and traffic cost extra."
        )


def _of_a_cluster(cluster: Cluster) -> Iterator[str]:
    yield f"Its start takes {duration(cluster.start_seconds)}; uploading local input is not counted."
    yield "A core there (on EMR a vCPU) is as fast as one here, and runs one task at a time."
