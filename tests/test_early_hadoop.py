"""The Java machine of a run on Hadoop is started before the options are known, where they can be foreseen."""

import os
import sys
from pathlib import Path

import pytest
from mrjob.fs.hadoop import HadoopFilesystem

from model_mapreduce_job.driver.early_hadoop import early_hadoop, find_hadoop, is_on_hadoop
from model_mapreduce_job.driver.first_line import first_lines
from model_mapreduce_job.ml_model_map_reduce_job import MLModelMapReduceJob
from model_mapreduce_job.storage.hadoop_fs import HadoopShell

FAKE = Path(__file__).with_name("fake_hadoop.py")


@pytest.fixture
def hadoop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the program that HADOOP_HOME names, a fake."""
    program = tmp_path / "home" / "bin" / "hadoop"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {FAKE} "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    root = tmp_path / "hdfs"
    root.mkdir()
    (root / "a").touch()
    for name, value in {
        "HADOOP_HOME": tmp_path / "home",
        "FAKE_HDFS": root,
        "FAKE_JAVA": "serves",
    }.items():
        monkeypatch.setenv(name, str(value))
    return program


def started(tmp_path: Path) -> int:
    """Return how many processes were to serve commands."""
    path = tmp_path / "servers"
    return len(path.read_text(encoding="utf-8").splitlines()) if path.exists() else 0


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["-r", "hadoop", "in"], True),
        (["--runner=hadoop"], True),
        (["-rhadoop"], True),
        (["-r", "local", "hadoop"], False),
        (["hadoop"], False),
        (["-r", "hadoop", "--hadoop-bin", "other"], False),
        (["-r", "hadoop", "--hadoop-bin=other"], False),
        ([], False),
    ],
)
def test_it_is_started_for_runs_on_hadoop_by_the_usual_program(arguments: list[str], expected: bool) -> None:
    assert is_on_hadoop(arguments) == expected


def test_it_is_found_where_mrjob_finds_it(hadoop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [find_hadoop(os.environ)] == HadoopFilesystem().get_hadoop_bin() == [str(hadoop)]
    monkeypatch.delenv("HADOOP_HOME")
    monkeypatch.setenv("PATH", str(hadoop.parent), prepend=os.pathsep)
    assert [find_hadoop(os.environ)] == HadoopFilesystem().get_hadoop_bin() == [str(hadoop)]


@pytest.mark.usefixtures("hadoop")
def test_a_run_takes_it(tmp_path: Path) -> None:
    with early_hadoop(["-r", "hadoop"]) as server:
        assert server
        shell = HadoopShell(None, lambda: None)
        shell.adopt(server)
        assert shell.exists("hdfs:///a")
        assert started(tmp_path) == 1
    assert not server.is_open


@pytest.mark.usefixtures("hadoop")
def test_it_ends_when_another_program_turns_out_to_be_asked_for() -> None:
    """By a configuration of mrjob's."""
    with early_hadoop(["-r", "hadoop"]) as server:
        assert server
        shell = HadoopShell([sys.executable, str(FAKE)], lambda: None)
        shell.adopt(server)
        assert not server.is_open
        assert shell.exists("hdfs:///a")
        shell.close()


@pytest.mark.usefixtures("hadoop")
def test_other_runs_start_none(tmp_path: Path) -> None:
    with early_hadoop(["-r", "local", "in"]) as server:
        assert server is None
    assert started(tmp_path) == 0


@pytest.mark.usefixtures("hadoop")
def test_looks_at_the_input_hand_it_on(tmp_path: Path) -> None:
    """To the next look, and to the run: each would have to start its own."""
    for name in ("a.csv", "b.csv"):
        (tmp_path / "hdfs" / name).write_bytes(b"x,y\n1,2\n")
    job = MLModelMapReduceJob(["-r", "hadoop", "--input_protocol", "csv", "hdfs:///a.csv", "hdfs:///b.csv"])
    assert [first.line for first in first_lines(job, job.run_options)] == [b"x,y\n", b"x,y\n"]
    assert job.hadoop
    assert job.hadoop.is_open
    job.hadoop.close()
    assert started(tmp_path) == 1
