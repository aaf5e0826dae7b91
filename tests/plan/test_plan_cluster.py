"""What a runner would run on, read from its options."""

import os
from dataclasses import dataclass, field
from typing import Any

import pytest

from model_mapreduce_job.plan.cluster import (
    EMR_START_SECONDS,
    Cluster,
    Fleet,
    Machines,
    cluster_of,
    emr_split_bytes,
    fleets_of,
)


@dataclass
class OptionsOfARunner:
    """A runner as far as a plan looks at it."""

    alias: str
    _opts: dict[str, Any] = field(default_factory=dict)
    groups: list[dict[str, Any]] = field(default_factory=list)

    def _instance_groups(self) -> list[dict[str, Any]]:
        return self.groups


def group(role: str, instance_type: str, count: int, **more: str) -> dict[str, Any]:
    return {"InstanceRole": role, "InstanceType": instance_type, "InstanceCount": count, **more}


def fleet(role: str, *types: tuple[str, int], on_demand: int = 0, spot: int = 0) -> dict[str, Any]:
    return {
        "InstanceFleetType": role,
        "TargetOnDemandCapacity": on_demand,
        "TargetSpotCapacity": spot,
        "InstanceTypeConfigs": [{"InstanceType": name, "WeightedCapacity": weight} for name, weight in types],
    }


def emr(*fleets: dict[str, Any], **options: Any) -> Cluster:
    asked = {"instance_fleets": list(fleets), "region": "us-west-2", "release_label": "emr-7.13.0"}
    return cluster_of(OptionsOfARunner("emr", {**asked, **options}))


@pytest.mark.parametrize(
    ("instance_type", "vcpus"),
    [("m5.large", 2), ("m5.xlarge", 4), ("m6i.2xlarge", 8), ("c5.18xlarge", 72), ("m6g.medium", 1)],
)
def test_a_types_size_says_its_vcpus(instance_type: str, vcpus: int) -> None:
    assert Machines(instance_type, 1).vcpus == vcpus
    assert Machines(instance_type, 3).vcpus == 3 * vcpus


def test_a_size_that_is_not_known_has_no_vcpus() -> None:
    assert Machines("m5.metal", 2).vcpus is None


def test_a_fleet_has_as_many_of_a_type_as_its_weight_needs_for_the_target() -> None:
    asked = fleet("CORE", ("m5.xlarge", 1), ("m5.2xlarge", 2), ("m5.4xlarge", 3), on_demand=1, spot=4)
    assert fleets_of({"instance_fleets": [asked]}, []) == [
        Fleet(
            "core",
            "on demand and spot",
            [Machines("m5.xlarge", 5), Machines("m5.2xlarge", 3), Machines("m5.4xlarge", 2)],
        )
    ]


def test_a_fleet_of_no_machines_is_none() -> None:
    asked = [fleet("MASTER", ("m5.xlarge", 1), on_demand=1), fleet("TASK", ("m5.xlarge", 1))]
    assert [made.role for made in fleets_of({"instance_fleets": asked}, [])] == ["master"]


def test_without_fleets_instance_groups_are_started() -> None:
    groups = [group("MASTER", "m5.xlarge", 1), group("CORE", "c5.xlarge", 3, BidPrice="0.1")]
    made = cluster_of(OptionsOfARunner("emr", {"region": "us-west-2"}, groups))
    assert [(one.role, one.market, one.choices) for one in made.fleets] == [
        ("master", "on demand", [Machines("m5.xlarge", 1)]),
        ("core", "spot", [Machines("c5.xlarge", 3)]),
    ]
    assert made.cores == 10


def test_the_master_runs_tasks_only_where_it_is_alone() -> None:
    master = fleet("MASTER", ("m5.xlarge", 1), on_demand=1)
    assert emr(master).cores == 2
    assert emr(master, fleet("CORE", ("m5.2xlarge", 1), spot=2)).cores == 14


def test_of_a_fleets_choices_the_one_with_the_fewest_vcpus_counts() -> None:
    assert emr(fleet("CORE", ("m5.2xlarge", 1), ("m5.xlarge", 1), spot=2)).cores == 6


def test_task_nodes_count_as_well() -> None:
    core, task = fleet("CORE", ("m5.xlarge", 1), spot=1), fleet("TASK", ("m5.xlarge", 1), spot=2)
    assert emr(core, task).cores == 10


def test_the_application_master_takes_the_place_of_two_tasks() -> None:
    """On an m5.xlarge it has 6 GiB of YARN's 12, and a map task 3."""
    assert emr(fleet("CORE", ("m5.xlarge", 1), on_demand=1)).cores == 2
    assert emr(fleet("CORE", ("m5.large", 1), on_demand=1)).cores == 1


@pytest.mark.parametrize(
    ("release", "mib"),
    [
        ("emr-7.13.0", 64),
        ("emr-7.10.0", 64),
        ("emr-8.0.0", 64),
        ("emr-7.9.0", 128),
        ("emr-6.15.0", 128),
        (None, 128),
    ],
)
def test_a_release_that_reads_s3_by_s3a_has_smaller_splits(release: str | None, mib: int) -> None:
    assert emr_split_bytes(release) == mib << 20


def test_a_type_of_unknown_size_leaves_the_cores_unknown() -> None:
    assert emr(fleet("CORE", ("m5.xlarge", 1), ("m5.metal", 1), spot=1)).cores is None


def test_a_new_cluster_takes_its_start_and_says_release_and_region() -> None:
    made = emr(fleet("CORE", ("m5.xlarge", 1), spot=1))
    assert made.start_seconds > EMR_START_SECONDS
    assert made.description == "a new EMR cluster, emr-7.13.0 in us-west-2"
    assert made.region == "us-west-2"


def test_a_pool_is_mentioned() -> None:
    assert "one of the pool" in emr(fleet("CORE", ("m5.xlarge", 1), spot=1), pool_clusters=True).description


def test_a_cluster_that_is_there_has_no_fleets_to_start() -> None:
    made = emr(fleet("CORE", ("m5.xlarge", 1), spot=1), cluster_id="j-ABC")
    assert "j-ABC" in made.description
    assert (made.cores, made.fleets) == (None, ())
    assert made.start_seconds < EMR_START_SECONDS


CORES = os.cpu_count() or 1


@pytest.mark.parametrize(
    ("master", "cores"),
    [
        (None, 1),
        ("local", 1),
        ("local[3]", 3),
        ("local[3,2]", 3),
        ("local[*]", CORES),
        ("local-cluster[2,3,1024]", 6),
        ("spark://host:7077", None),
        ("yarn", None),
    ],
)
def test_a_spark_master_says_its_cores_or_not(master: str | None, cores: int | None) -> None:
    made = cluster_of(OptionsOfARunner("spark", {"spark_master": master}))
    assert made.cores == cores
    assert ("of unknown size" in made.description) == (cores is None)


def test_inline_has_one_core_and_local_all_or_as_many_as_it_may() -> None:
    assert cluster_of(OptionsOfARunner("inline")).cores == 1
    assert cluster_of(OptionsOfARunner("local")).cores == CORES
    assert cluster_of(OptionsOfARunner("local", {"num_cores": 1})).cores == 1
    assert cluster_of(OptionsOfARunner("local", {"num_cores": 1000})).cores == CORES


def test_the_size_of_a_hadoop_is_not_known() -> None:
    made = cluster_of(OptionsOfARunner("hadoop"))
    assert made.cores is None
    assert not made.is_here
