"""Where a model can't be imported on a node, the message names what that node is."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from model_mapreduce_job.task.node import describe_node, on_this_node
from model_mapreduce_job.task.task_options import TaskOptions


def test_a_node_is_described_by_python_architecture_and_c_library() -> None:
    words = describe_node()
    assert f"Python {platform.python_version()}, {platform.machine()}" in words
    assert platform.libc_ver()[1] in words


@pytest.mark.parametrize(
    "message",
    [
        "x can't be imported from y: ImportError: /lib64/libm.so.6: version `GLIBC_2.38' not found.",
        "x can't be imported from y: ModuleNotFoundError: No module named 'y'.",
    ],
)
def test_an_import_that_fails_names_the_node(message: str) -> None:
    assert on_this_node(message).startswith(f"{message} This node has Python ")
    assert len(on_this_node(message).splitlines()) == 1


def test_another_error_is_left_as_it_is() -> None:
    assert on_this_node("The first 1,000 records all failed.") == "The first 1,000 records all failed."


def test_a_task_whose_model_needs_another_c_library_says_so_in_its_one_line(tmp_path: Path) -> None:
    """The error is one that the loader of compiled modules raises; the task is one of Hadoop's."""
    (tmp_path / "newer.py").write_text(
        'raise ImportError("/lib64/libm.so.6: version `GLIBC_2.99\' not found (required by newer.so)")\n'
    )
    (tmp_path / "settings.py").write_text(
        "from model_mapreduce_job.config import Config\n\n\nclass Mine(Config):\n"
        "    models = ({'qualified_name': 'm', 'module_name': 'newer', 'class_name': 'Newer'},)\n"
    )
    ended = task_of_hadoop(tmp_path, "--model_qualified_name", "m", APP_SETTINGS="settings.Mine")
    assert ended.returncode == 1
    (line,) = (
        line for line in ended.stderr.decode().splitlines() if "GLIBC_2.99" in line and "This node" in line
    )
    assert f"This node has {describe_node()}" in line


def test_a_node_without_the_library_of_a_profile_says_so_in_one_line(tmp_path: Path) -> None:
    """Where tasks run without a bundle, which the driver would have looked at before the run."""
    (tmp_path / "datasketches.py").write_text(
        'raise ModuleNotFoundError("No module named \'datasketches\'", name="datasketches")\n'
    )
    task = TaskOptions(model_qualified_name="iris_model", is_profiled=True)
    (tmp_path / "options.json").write_bytes(task.to_json())
    ended = task_of_hadoop(tmp_path, "--options_file", str(tmp_path / "options.json"))
    assert (ended.returncode, ended.stdout) == (1, b"")
    (line,) = (line for line in ended.stderr.decode().splitlines() if line.startswith("The task failed: "))
    assert "A profile needs datasketches, which is not installed where tasks run." in line
    assert b"Traceback" not in ended.stderr


def task_of_hadoop(directory: Path, *options: str, **settings: str) -> subprocess.CompletedProcess[bytes]:
    """Run a task of Hadoop on a record, whose node has the modules of a directory."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(directory),
        "mapreduce_task_attempt_id": "attempt_1_0001_m_000000_0",
        **settings,
    }
    command = [sys.executable, "-m", "model_mapreduce_job", "--mapper", "--step-num=0", *options]
    return subprocess.run(command, env=environment, input=b"{}\n", capture_output=True, check=False)
