"""Output on a cluster that appears whole or not at all."""

import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from model_mapreduce_job.driver.run_spec import RunSpec
from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.ml_model_map_reduce_job import MLModelMapReduceJob
from model_mapreduce_job.storage.hadoop_commands import ClusterError
from model_mapreduce_job.storage.inputs import list_inputs
from model_mapreduce_job.storage.staged_output import LocalOutputs, StagedOutput


@dataclass
class NotedCalls:
    """A filesystem that notes what it's asked to do."""

    calls: list[tuple[object, ...]] = field(default_factory=list)

    def move(self, source: str, target: str) -> None:
        self.calls.append(("move", source, target))

    def remove(self, paths: list[str]) -> None:
        self.calls.append(("remove", *paths))

    def remove_all(self, prefix: str) -> None:
        self.calls.append(("remove_all", prefix))

    def touchz(self, path: str) -> None:
        self.calls.append(("touchz", path))


@pytest.mark.parametrize(
    ("final", "staging"),
    [
        ("hdfs:///out", "hdfs:///.out.unfinished-run1"),
        ("hdfs://nn:8020/a/out/", "hdfs://nn:8020/a/.out.unfinished-run1"),
        ("/a/out", "/a/.out.unfinished-run1"),
    ],
)
def test_it_is_written_beside_its_place_under_a_name_that_no_job_reads(final: str, staging: str) -> None:
    assert StagedOutput(final, "run1").staging == staging


def test_published_it_bears_its_name_and_what_killed_runs_left_is_gone() -> None:
    noted = NotedCalls()
    StagedOutput("hdfs:///a/out", "run1").publish(noted)
    assert noted.calls == [
        ("touchz", "hdfs:///a/.out.unfinished-run1/_SUCCESS"),
        ("move", "hdfs:///a/.out.unfinished-run1", "hdfs:///a/out"),
        ("remove_all", "hdfs:///a/.out.unfinished-"),
    ]


def test_leftovers_of_another_user_do_not_fail_a_run_whose_output_stands(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Others(NotedCalls):
        def remove_all(self, prefix: str) -> None:
            raise ClusterError(f"Permission denied: {prefix}x")

    StagedOutput("hdfs:///a/out", "run1").publish(Others())
    (message,) = caplog.messages
    assert message.endswith(
        "beside hdfs:///a/out stays there: Permission denied: hdfs:///a/.out.unfinished-x"
    )


def test_in_an_object_store_success_is_written_last() -> None:
    noted, output = NotedCalls(), StagedOutput("s3a://bucket/out/", "run1")
    assert output.staging == "s3a://bucket/out/"
    output.publish(noted)
    assert noted.calls == [("touchz", "s3a://bucket/out/_SUCCESS")]


def test_until_it_is_published_nothing_looks_like_a_result(tmp_path: Path) -> None:
    """What a driver leaves that dies after the step: a hidden directory, without Hadoop's mark of success."""
    output = StagedOutput(str(tmp_path / "out"), "run1")
    Path(output.staging).mkdir()
    Path(output.staging, "part-00000").touch()
    assert not [path for path in tmp_path.iterdir() if not path.name.startswith(".")]
    assert list_inputs_in(tmp_path) == []


def list_inputs_in(directory: Path) -> list[str]:
    try:
        return list_inputs([str(directory)])
    except InputError:
        return []


def test_abandoned_it_is_removed() -> None:
    noted = NotedCalls()
    StagedOutput("hdfs:///a/out", "run1").abandon(noted)
    assert noted.calls == [("remove", "hdfs:///a/.out.unfinished-run1")]


@pytest.mark.parametrize("runner", ["hadoop", "spark"])
def test_an_output_in_an_object_store_that_was_there_before_stays(
    hdfs: Path, tmp_path: Path, runner: str
) -> None:
    """A run into it is refused, and removes what it has made: nothing."""
    earlier = hdfs / "s3a:" / "bucket" / "out" / "part-00000"
    earlier.parent.mkdir(parents=True)
    earlier.touch()
    (tmp_path / "in").touch()
    hadoop = shlex.join([sys.executable, str(Path(__file__).with_name("fake_hadoop.py"))])
    options = ("-r", runner, "--hadoop-bin", hadoop, "--output-dir", "s3a://bucket/out")
    options += ("--spark-submit-bin", "true") if runner == "spark" else ()  # which has only to be there
    job = MLModelMapReduceJob([*options, "--model_qualified_name", "iris_model", str(tmp_path / "in")])
    spec = RunSpec(options=job.run_options)
    with pytest.raises(InputError, match="out is there already"), job.make_runner(spec) as made:
        made.run()
    assert earlier.exists()


def test_on_this_machine_it_is_renamed_and_leftovers_go(tmp_path: Path) -> None:
    output = StagedOutput(str(tmp_path / "out"), "run2")
    for place in (Path(output.staging), tmp_path / ".out.unfinished-run1"):
        place.mkdir()
        (place / "part-00000").touch()
    output.publish(LocalOutputs())
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["_SUCCESS", "out", "part-00000"]


def test_what_killed_runs_left_is_found_by_its_name_not_by_a_pattern(tmp_path: Path) -> None:
    output = StagedOutput(str(tmp_path / "[ab]"), "run2")
    others = tmp_path / ".a.unfinished-run1"
    for place in (Path(output.staging), tmp_path / ".[ab].unfinished-run1", others):
        place.mkdir()
    output.publish(LocalOutputs())
    assert sorted(path.name for path in tmp_path.iterdir()) == [others.name, "[ab]"]


def test_on_this_machine_nothing_is_written_over(tmp_path: Path) -> None:
    output = StagedOutput(str(tmp_path / "out"), "run2")
    Path(output.staging).mkdir()
    (tmp_path / "out" / "part-00000").mkdir(parents=True)
    with pytest.raises(InputError, match=r"out can't be made: Directory not empty"):
        output.publish(LocalOutputs())


def test_on_this_machine_success_can_be_marked(tmp_path: Path) -> None:
    LocalOutputs().touchz(str(tmp_path / "_SUCCESS"))
    assert (tmp_path / "_SUCCESS").exists()
