"""The machines that a runner would use, read from its options; no service is called."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from model_mapreduce_job.storage.table_ranges import BLOCK_BYTES
from model_mapreduce_job.task.run_options import ON_THIS_MACHINE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# S3A is what EMR reads S3 with from 7.10 on, with blocks of 64 MiB (fs.s3a.block.size in EMR's own settings);
# EMRFS, before that, has those of HDFS
S3A_SPLIT_BYTES: Final = 64 << 20
_S3A_SINCE: Final = (7, 10)
# The application master's container is as large as that of two map tasks by EMR's own settings, for each
# size: 6 GiB beside tasks of 3 GiB on an m5.xlarge, whose 12 GiB for YARN hold four tasks, or two and it
_MASTER_CORES: Final = 2
# The time from the request for an EMR cluster to its first step: machines, bootstrap, Hadoop's own start. AWS
# promises nothing: it is seldom under 5 minutes, and longer while there are no spot instances.
EMR_START_SECONDS: Final = 600.0
HADOOP_START_SECONDS: Final = 30.0
LOCAL_START_SECONDS: Final = 1.0

_SIZES: Final = {"medium": 1, "large": 2, "xlarge": 4}
_MULTIPLE: Final = re.compile(r"(\d+)xlarge")
_SPARK_LOCAL: Final = re.compile(r"local(?:\[(\d+|\*)(?:,\d+)?\])?")
_SPARK_LOCAL_CLUSTER: Final = re.compile(r"local-cluster\[(\d+), *(\d+), *\d+\]")


@dataclass(frozen=True)
class Machines:
    """A number of instances of one type, as EMR may choose them for a fleet."""

    instance_type: str
    count: int

    @property
    def vcpus(self) -> int | None:
        """Return the vCPUs of all of them, None for an unknown size."""
        size = self.instance_type.partition(".")[2]
        multiple = _MULTIPLE.fullmatch(size)
        each = 4 * int(multiple[1]) if multiple else _SIZES.get(size)
        return None if each is None else each * self.count


@dataclass(frozen=True)
class Fleet:
    """Instances of one role and their market; AWS decides which one of the choices it starts."""

    role: str
    market: str
    choices: Sequence[Machines]

    @property
    def fewest_vcpus(self) -> int | None:
        """Return the vCPUs of the smallest choice, None when a size is unknown."""
        known = [machines.vcpus for machines in self.choices if machines.vcpus is not None]
        return min(known) if len(known) == len(self.choices) else None


@dataclass(frozen=True)
class Cluster:
    """The machines that a run uses.

    cores is how many tasks can run at a time, None when that is not known from the options. start_seconds is
    the time until the first task. is_here says that they are this machine alone.
    """

    description: str
    cores: int | None
    start_seconds: float
    is_here: bool = False
    fleets: Sequence[Fleet] = ()
    region: str | None = None


def cluster_of(runner: Any) -> Cluster:
    """Return the cluster that a runner would start or use."""
    options = runner._opts  # noqa: SLF001 - mrjob shows the options of a runner nowhere else
    if runner.alias == "emr":
        return _emr(options, runner._instance_groups())  # noqa: SLF001 - same
    if runner.alias == "spark":
        return _spark(options.get("spark_master"))
    if runner.alias in ON_THIS_MACHINE:
        return _this_machine(runner.alias, options.get("num_cores"))
    return Cluster(f"the cluster of -r {runner.alias}, of unknown size", None, HADOOP_START_SECONDS)


def fleets_of(options: Mapping[str, Any], instance_groups: Sequence[Mapping[str, Any]]) -> list[Fleet]:
    """Return the fleets in an EMR runner's options, or its instance groups as fleets."""
    if options.get("instance_fleets"):
        return [fleet for asked in options["instance_fleets"] if (fleet := _fleet(asked)).choices[0].count]
    return [_group(asked) for asked in instance_groups]


def emr_split_bytes(release: str | None) -> int:
    """Return the most that a task of an EMR release reads of a file on S3 that can be split."""
    version = tuple(map(int, re.findall(r"\d+", release or "")[:2]))
    return S3A_SPLIT_BYTES if version >= _S3A_SINCE else BLOCK_BYTES


def _emr(options: Mapping[str, Any], instance_groups: Sequence[Mapping[str, Any]]) -> Cluster:
    region, release = options.get("region"), options.get("release_label")
    if cluster := options.get("cluster_id"):
        there = f"the EMR cluster {cluster}, which is running already; its size is not known here"
        return Cluster(there, None, HADOOP_START_SECONDS, region=region)
    fleets = fleets_of(options, instance_groups)
    workers = [fleet for fleet in fleets if fleet.role != "master"] or fleets
    vcpus = [fleet.fewest_vcpus for fleet in workers]
    cores = None if None in vcpus else max(1, sum(filter(None, vcpus)) - _MASTER_CORES)
    pool = ", or one of the pool, which starts sooner" if options.get("pool_clusters") else ""
    return Cluster(
        description=f"a new EMR cluster, {release} in {region}{pool}",
        cores=cores,
        start_seconds=EMR_START_SECONDS + HADOOP_START_SECONDS,
        fleets=fleets,
        region=region,
    )


def _fleet(asked: Mapping[str, Any]) -> Fleet:
    on_demand, spot = asked.get("TargetOnDemandCapacity") or 0, asked.get("TargetSpotCapacity") or 0
    markets = [name for name, capacity in (("on demand", on_demand), ("spot", spot)) if capacity]
    choices = [
        Machines(config["InstanceType"], ceil((on_demand + spot) / (config.get("WeightedCapacity") or 1)))
        for config in asked["InstanceTypeConfigs"]
    ]
    return Fleet(asked["InstanceFleetType"].lower(), " and ".join(markets), choices)


def _group(asked: Mapping[str, Any]) -> Fleet:
    market = "spot" if asked.get("BidPrice") or asked.get("Market") == "SPOT" else "on demand"
    return Fleet(
        asked["InstanceRole"].lower(), market, [Machines(asked["InstanceType"], asked["InstanceCount"])]
    )


def _spark(master: str | None) -> Cluster:
    here = _SPARK_LOCAL.fullmatch(master or "local")
    workers = _SPARK_LOCAL_CLUSTER.fullmatch(master or "")
    cores = None
    if here:
        cores = _all_cores() if here[1] == "*" else int(here[1] or 1)
    elif workers:
        cores = int(workers[1]) * int(workers[2])
    where = f"Spark at {master or 'local'}"
    return Cluster(where if cores else f"{where}, of unknown size", cores, HADOOP_START_SECONDS)


def _this_machine(alias: str, num_cores: int | None) -> Cluster:
    cores = 1 if alias == "inline" else min(num_cores or _all_cores(), _all_cores())
    more = f"; -r local would use {_all_cores()} cores" if cores < _all_cores() else ""
    return Cluster(
        f"this machine, {cores} core{'s' if cores > 1 else ''} of it{more}",
        cores,
        LOCAL_START_SECONDS,
        is_here=True,
    )


def _all_cores() -> int:
    return os.cpu_count() or 1
