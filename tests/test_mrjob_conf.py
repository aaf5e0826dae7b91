"""mrjob.conf keeps on what must be on, and asks AWS and mrjob only for what they know."""

import copy
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import yaml
from botocore.model import ListShape, Shape, StringShape, StructureShape
from botocore.validate import ParamValidator
from mrjob.conf import load_opts_from_mrjob_conf
from mrjob.runner import _runner_class
from packaging.requirements import Requirement

from model_mapreduce_job.runners.emr.runner import EmrRunner
from model_mapreduce_job.runners.emr.security import DEFINITION

PROJECT = Path(__file__).parent.parent
# mrjob compares versions with what distutils had for it
pytestmark = pytest.mark.filterwarnings("ignore:distutils Version classes:DeprecationWarning")

CONF = PROJECT / "mrjob.conf"
POOLING = re.compile(r"^    # (pool\w*|max_\w+): .*$", re.MULTILINE)

Emr = dict[str, Any]

MANAGED = {"Key": "for-use-with-amazon-emr-managed-policies", "Value": "true"}


def fleet(emr: Emr, kind: str) -> dict[str, Any]:
    return next(fleet for fleet in emr["instance_fleets"] if fleet["InstanceFleetType"] == kind)


def spot(emr: Emr) -> dict[str, Any]:
    return fleet(emr, "TASK")["LaunchSpecifications"]["SpotSpecification"]


def words(emr: Emr, option: str) -> str:
    return " ".join(emr[option])


def types(emr: Emr) -> set[str]:
    return {config["InstanceType"] for config in fleet(emr, "TASK")["InstanceTypeConfigs"]}


def release(emr: Emr) -> tuple[int, ...]:
    return tuple(map(int, emr["release_label"].removeprefix("emr-").split(".")))


def params(emr: Emr) -> dict[str, Any]:
    return emr["extra_cluster_params"]


OBSOLETE = re.compile(r"\byum\b|pip-3|python3\.[6-9]\b|amazon-linux-extras")


@dataclass(frozen=True)
class Rule:
    """What must be on: in words, whether it holds, and how someone might break it."""

    says: str
    holds: Callable[[Emr], object]
    breaking: Callable[[Emr], object]


RULES = (
    Rule(
        "release 7.13 or newer",
        lambda emr: release(emr) >= (7, 13),
        lambda emr: emr.update(release_label="emr-6.15.0"),
    ),
    Rule(
        "a security configuration",
        lambda emr: params(emr).get("SecurityConfiguration"),
        lambda emr: params(emr).pop("SecurityConfiguration"),
    ),
    Rule(
        "the tag of the v2 policies, at creation",
        lambda emr: MANAGED in params(emr)["Tags"],
        lambda emr: params(emr)["Tags"].clear(),
    ),
    Rule(
        "an end within the hour when idle",
        lambda emr: 60 <= params(emr)["AutoTerminationPolicy"]["IdleTimeout"] <= 3600,
        lambda emr: params(emr)["AutoTerminationPolicy"].update(IdleTimeout=86400),
    ),
    Rule(
        "the v2 service role",
        lambda emr: emr["iam_service_role"].endswith("_V2"),
        lambda emr: emr.update(iam_service_role="EMR_DefaultRole"),
    ),
    Rule(
        "an instance profile, so that mrjob makes none",
        lambda emr: emr["iam_instance_profile"],
        lambda emr: emr.update(iam_instance_profile=None),
    ),
    Rule(
        "a master on demand",
        lambda emr: not fleet(emr, "MASTER").get("TargetSpotCapacity"),
        lambda emr: fleet(emr, "MASTER").update(TargetSpotCapacity=1),
    ),
    Rule(
        "core nodes on demand, since HDFS has one copy",
        lambda emr: not fleet(emr, "CORE").get("TargetSpotCapacity"),
        lambda emr: fleet(emr, "CORE").update(TargetSpotCapacity=1),
    ),
    Rule(
        "spot task nodes",
        lambda emr: fleet(emr, "TASK")["TargetSpotCapacity"] > 0,
        lambda emr: fleet(emr, "TASK").update(TargetSpotCapacity=0),
    ),
    Rule(
        "task nodes of several types",
        lambda emr: len(types(emr)) >= 3,
        lambda emr: fleet(emr, "TASK")["InstanceTypeConfigs"].clear(),
    ),
    Rule(
        "task nodes on demand when there is no spot",
        lambda emr: spot(emr)["TimeoutAction"] == "SWITCH_TO_ON_DEMAND",
        lambda emr: spot(emr).update(TimeoutAction="TERMINATE_CLUSTER"),
    ),
    Rule(
        "all steps at the start, so that the cluster needs no driver to end",
        lambda emr: emr["add_steps_in_batch"] is True,
        lambda emr: emr.update(add_steps_in_batch=False),
    ),
    Rule(
        "logs kept",
        lambda emr: not {"ALL", "LOGS"} & {*emr["cleanup"], *emr["cleanup_on_failure"]},
        lambda emr: emr.update(cleanup=["ALL"]),
    ),
    Rule(
        "temporary data removed, after failure too",
        lambda emr: "TMP" in emr["cleanup"] and "TMP" in emr["cleanup_on_failure"],
        lambda emr: emr.update(cleanup_on_failure=["NONE"]),
    ),
    Rule(
        "Python 3.11 for the tasks",
        lambda emr: emr["python_bin"] == "python3.11",
        lambda emr: emr.update(python_bin="python3"),
    ),
    Rule(
        "Python 3.11 and its pip installed",
        lambda emr: "dnf install -y python3.11 python3.11-pip" in words(emr, "bootstrap"),
        lambda emr: emr["bootstrap"].pop(0),
    ),
    Rule(
        "nothing that Amazon Linux 2023 no longer has",
        lambda emr: not OBSOLETE.search(words(emr, "bootstrap")),
        lambda emr: emr["bootstrap"].append("sudo yum update -y"),
    ),
    Rule(
        "PYTHONPATH for the tasks",
        lambda emr: "export PYTHONPATH=$PWD:$PYTHONPATH" in emr["setup"],
        lambda emr: emr["setup"].pop(0),
    ),
    Rule(
        "APP_SETTINGS for the tasks",
        lambda emr: "export APP_SETTINGS=" in words(emr, "setup"),
        lambda emr: emr["setup"].pop(),
    ),
    Rule(
        "no key in the file",
        lambda emr: not any(name.startswith("aws_") for name in emr),
        lambda emr: emr.update(aws_access_key_id="x"),
    ),
)


def broken_rules(emr: Emr) -> list[str]:
    return [rule.says for rule in RULES if not rule.holds(emr)]


@pytest.fixture(scope="module")
def text() -> str:
    return CONF.read_text(encoding="utf-8")


@pytest.fixture
def emr(text: str) -> Emr:
    return copy.deepcopy(yaml.safe_load(text)["runners"]["emr"])


def test_all_that_must_be_on_is_on(emr: Emr) -> None:
    assert broken_rules(emr) == []


@pytest.mark.parametrize("rule", RULES, ids=[rule.says for rule in RULES])
def test_the_lint_notices_when_a_rule_is_broken(emr: Emr, rule: Rule) -> None:
    rule.breaking(emr)
    assert rule.says in broken_rules(emr)


def test_the_security_configuration_asks_for_imdsv2_and_leaves_encryption_to_the_bucket() -> None:
    assert "EncryptionConfiguration" not in DEFINITION
    metadata = DEFINITION["InstanceMetadataServiceConfiguration"]
    assert metadata["MinimumInstanceMetadataServiceVersion"] == 2


@pytest.mark.parametrize("alias", ["emr", "hadoop", "spark", "local", "inline"])
def test_each_runner_has_a_section_of_options_that_it_knows(alias: str) -> None:
    (_, options), *_ = load_opts_from_mrjob_conf(alias, str(CONF))
    assert options
    assert options.keys() <= _runner_class(alias).OPT_NAMES


NOT_PLAIN = [
    "release_label",
    "python_bin",
    "TargetOnDemandCapacity",
    "TargetSpotCapacity",
    "AllocationStrategy",
    "TimeoutAction",
    "iam_service_role",
    "SecurityConfiguration",
    "Tags",
    "AutoTerminationPolicy",
    "cleanup",
    "cleanup_on_failure",
    "add_steps_in_batch",
    "cloud_fs_sync_secs",
]


def test_what_is_not_plain_has_its_reason_beside_or_above_it(text: str) -> None:
    lines = text.splitlines()
    reasons = [line for line in lines if line.strip().removeprefix("- ").split(":")[0] in NOT_PLAIN]
    assert len(reasons) >= len(NOT_PLAIN)
    for number, line in enumerate(lines):
        if line in reasons:
            assert "#" in line or "#" in lines[number - 1], line


# What AWS is asked for


def request(*conf_paths: Path) -> dict[str, Any]:
    runner = EmrRunner(
        mr_job_script=str(PROJECT / "tests" / "emr_stack" / "jobs" / "upper_case.py"),
        conf_paths=[str(path) for path in conf_paths],
        cloud_tmp_dir="s3://named/tmp/",
        bootstrap=[],
        output_dir="s3://named/out/",
    )
    try:
        runner._create_dir_archives()
        runner._add_bootstrap_files_for_upload()
        return dict(runner._cluster_kwargs())
    finally:
        runner._cleanup_local_tmp()


def problems(value: Any, shape: Shape, name: str = "RunJobFlow") -> Iterator[str]:
    """Yield what botocore lets pass and the service does not: names that are none of an enumeration's."""
    if isinstance(shape, StructureShape):
        for key, item in value.items():
            yield from problems(item, shape.members[key], f"{name}.{key}")
    elif isinstance(shape, ListShape):
        for item in value:
            yield from problems(item, shape.member, name)
    elif isinstance(shape, StringShape) and shape.enum and value not in shape.enum:
        yield f"{name}: {value} is none of {shape.enum}"


@pytest.fixture(scope="module")
def shape() -> Shape:
    model = botocore.session.get_session().get_service_model("emr")
    return model.operation_model("RunJobFlow").input_shape


@pytest.fixture
def in_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.mark.usefixtures("in_project")
def test_the_request_that_it_makes_is_one_that_aws_knows(shape: Shape) -> None:
    asked = request(CONF)
    report = ParamValidator().validate(asked, shape)
    assert not report.has_errors(), report.generate_report()
    assert list(problems(asked, shape)) == []


@pytest.mark.usefixtures("in_project")
def test_a_name_that_is_none_of_an_enumerations_is_noticed(shape: Shape) -> None:
    asked = request(CONF)
    asked["Instances"]["InstanceFleets"][0]["InstanceFleetType"] = "BOSS"
    assert len(list(problems(asked, shape))) == 1


@pytest.mark.usefixtures("in_project")
def test_the_pooling_section_is_ready_to_be_used(text: str, tmp_path: Path) -> None:
    pooled = tmp_path / "mrjob.conf"
    pooled.write_text(POOLING.sub(lambda line: line[0].replace("# ", "", 1), text))
    options = yaml.safe_load(pooled.read_text())["runners"]["emr"]
    assert options["pool_clusters"] is True
    assert options.keys() <= EmrRunner.OPT_NAMES
    # the service's own policy ends an idle cluster before mrjob's watch shuts its master down
    assert (
        options["max_mins_idle"] * 60
        > options["extra_cluster_params"]["AutoTerminationPolicy"]["IdleTimeout"]
    )
    assert broken_rules(options) == []
    asked = request(pooled)
    assert asked["Instances"]["KeepJobFlowAliveWhenNoSteps"] is True
    pool = asked["Name"].partition(" pooling:")[2]
    assert pool
    time.sleep(1.1)  # archives that say when they were packed say it to the second
    assert request(pooled)["Name"].endswith(pool), "the next run would not find the cluster of this one"


# mrjob brings itself, two packages are for later Pythons, and two serve the driver
NOT_FOR_NODES = {"mrjob", "setuptools", "standard-pipes", "PyYAML", "tqdm"}


def test_nodes_get_what_the_package_asks_for(emr: Emr) -> None:
    asked = {Requirement(line) for line in requires("model_mapreduce_job") or ()}
    for_nodes = {
        str(one) for one in asked if one.name not in NOT_FOR_NODES and "extra" not in str(one.marker)
    }
    installed = re.findall(r"'([^']+)'", " ".join(line for line in emr["bootstrap"] if "pip install" in line))
    assert {str(Requirement(line)) for line in installed} == for_nodes
