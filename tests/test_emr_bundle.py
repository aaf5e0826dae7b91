"""The bundle on EMR: shipped when it's named, left alone when the nodes' own Python is."""

from pathlib import Path

import pytest

from model_mapreduce_job.bundle.archive import write_archive
from model_mapreduce_job.bundle.contents import Contents
from model_mapreduce_job.driver.run_spec import RunSpec
from model_mapreduce_job.runners.emr.runner import EmrRunner
from model_mapreduce_job.task.run_options import RunOptions


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a bundle that has nothing but what it says of itself, where `make bundle` would put it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("APP_SETTINGS", raising=False)
    (tmp_path / "empty").mkdir()
    path = Path("build", "bundle.tar.gz")
    path.parent.mkdir()
    write_archive(tmp_path / "empty", Contents.of(None).manifest(), path)
    return path


def runner(**options: object) -> EmrRunner:
    # a place for temporary files of its own: else it would ask S3 for one
    given = {"region": "us-east-1", "cloud_tmp_dir": "s3://bucket/tmp/", "mr_job_script": __file__}
    steps = [{"type": "streaming", "mapper": {"type": "script"}}]
    return EmrRunner(conf_paths=[], steps=steps, **given, **options)


@pytest.mark.measured
def test_a_bundle_that_is_there_is_shipped_and_its_python_runs_the_tasks(bundle: Path) -> None:
    emr = runner()
    emr.prepare(RunSpec())
    assert emr._working_dir_mgr.name_to_path("archive") == {"bundle": str(bundle)}
    assert emr._task_python_bin() == ["bundle/bin/python"]


def test_a_bundle_that_is_named_goes_before_a_python_that_is(bundle: Path) -> None:
    emr = runner(python_bin=["python3.11"])
    emr.prepare(RunSpec(options=RunOptions(bundle=str(bundle))))
    assert emr._task_python_bin() == ["bundle/bin/python"]


@pytest.mark.usefixtures("bundle")
def test_where_a_python_is_named_a_bundle_that_happens_to_be_there_is_left_alone() -> None:
    emr = runner(python_bin=["python3.11"])
    emr.prepare(RunSpec())
    assert emr._working_dir_mgr.name_to_path("archive") == {}
    assert emr._task_python_bin() == ["python3.11"]
