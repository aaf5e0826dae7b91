"""--plan with -r hadoop: HDFS is only read, and what is missing is said in one line."""

import gzip
import shlex
import sys
from pathlib import Path

import pytest
from plan_runs import SPARK, Planner

HERE = Path(__file__).parent
COMMANDS = {"version", "-ls", "-cat", "-put", "-rm", "-mkdir", "-mv", "-touchz", "jar"}


@pytest.fixture
def hdfs(tmp_path: Path) -> Path:
    """Return the directory that is HDFS to the command bin/hadoop beside it."""
    directory, command = tmp_path / "hdfs", tmp_path / "bin" / "hadoop"
    directory.mkdir()
    command.parent.mkdir()
    words = [sys.executable, str(HERE / "directory_hadoop.py"), str(directory)]
    command.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
    command.chmod(0o755)
    return directory


@pytest.fixture
def hadoop(hdfs: Path) -> str:
    return f"--hadoop-bin={hdfs.parent / 'bin' / 'hadoop'}"


def test_a_directory_of_hdfs_is_planned_by_listing_and_reading_it(
    planner: Planner, hdfs: Path, hadoop: str
) -> None:
    planner.write("hdfs/in/part 0", [{"n": number} for number in range(30)])
    planner.write("hdfs/in/_SUCCESS", [])
    packed = b"".join(b'{"n": %d}\n' % number for number in range(20))
    (hdfs / "in" / "b.gz").write_bytes(gzip.compress(packed))
    told = planner.plan("-r", "hadoop", hadoop, "hdfs://nodes/in")
    assert told.code == 0, told.errors
    assert told.row("input").startswith("2 files, ")
    assert told.row("input").endswith(" 50 rows")
    assert told.row("cluster") == "the cluster of -r hadoop, of unknown size"
    assert [
        line.split(" on ")[1].split(":")[0] for line in told.report.splitlines() if line[:5] == "time "
    ] == [
        "1 core",
        "10 cores, of which the input's tasks keep 3 busy",
        "100 cores, of which the input's tasks keep 3 busy",
    ]
    # Hadoop cuts even a small file, to have the two tasks that it is asked for
    assert told.row("tasks") == (
        "3 tasks, the model is loaded 3 times: 1 file is cut into 2 tasks; 1 file, which can't be cut, is a "
        "task"
    )
    commands = hdfs.with_suffix(".commands").read_text().splitlines()
    words = {word for command in commands for word in command.split() if word in COMMANDS}
    assert words == {"version", "-ls", "-cat"}
    assert list(planner.tmp.iterdir()) == []


@pytest.mark.measured
def test_a_large_file_is_read_at_its_start_only(planner: Planner, hdfs: Path, hadoop: str) -> None:
    line = b'{"n": 1234567}\n'
    (hdfs / "large").write_bytes(line * 1_000_000)
    figures = planner.figures("-r", "hadoop", hadoop, "hdfs:///large")
    assert figures["input"] == {
        "files": 1,
        "stored_bytes": 1_000_000 * len(line),
        "rows": 1_000_000,
        "is_exact": False,
    }


@pytest.mark.measured
@pytest.mark.usefixtures("hdfs")
def test_a_path_that_is_not_there_is_named(planner: Planner, hadoop: str) -> None:
    told = planner.plan("-r", "hadoop", hadoop, "hdfs:///nothing")
    assert (told.code, told.report) == (1, "")
    # this hadoop runs no Java, which is reported once
    notice, error = told.errors.splitlines()
    assert notice.startswith("Each command to Hadoop starts a Java machine")
    assert error.startswith("There is no input hdfs:///nothing")


@pytest.mark.measured
@pytest.mark.parametrize("where", ["hdfs:///in", "in"])
def test_without_hadoop_one_line_says_so(planner: Planner, where: str) -> None:
    planner.write("in", [{"n": 1}])
    told = planner.plan("-r", "hadoop", "--hadoop-bin=/nowhere/hadoop", where)
    assert (told.code, told.report) == (1, "")
    assert "/nowhere/hadoop" in told.errors
    assert "--hadoop-bin" in told.errors
    assert len(told.errors.splitlines()) == 1


@pytest.mark.measured
@pytest.mark.usefixtures("hdfs")
def test_local_input_for_a_hadoop_is_planned_from_here(planner: Planner, hadoop: str) -> None:
    told = planner.plan("-r", "hadoop", hadoop, planner.write("in", [{"n": 1}] * 5))
    assert told.code == 0, told.errors
    assert told.row("input").endswith(" 5 rows")
    assert "uploading local input is not counted" in told.report


def test_an_output_that_is_there_is_refused_as_the_run_would_be(
    planner: Planner, hdfs: Path, hadoop: str
) -> None:
    """On HDFS, and in an object store that Hadoop reaches, also from Spark."""
    planner.write("hdfs/in", [{"n": 1}])
    planner.write("hdfs/out/part-00000", [])
    for runner, output in (
        (("-r", "hadoop"), "hdfs:///out"),
        (("-r", "hadoop"), "s3a://bucket/out"),
        (SPARK, "hdfs:///out"),
    ):
        told = planner.plan(*runner, hadoop, "--output-dir", output, "hdfs:///in")
        assert (told.code, told.report) == (1, "")
        mistake = f"The output {output} is there already. Name another, or remove it first."
        assert told.errors.splitlines()[-1] == mistake
    assert planner.plan("-r", "hadoop", hadoop, "--output-dir", "hdfs:///new", "hdfs:///in").code == 0
    assert not (hdfs / "new").exists()
