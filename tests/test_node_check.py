"""Where a model can't be imported on a node, the message names what that node is."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from model_mapreduce_job.task.node import describe_node, on_this_node


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
    environment = {
        **os.environ,
        "APP_SETTINGS": "settings.Mine",
        "PYTHONPATH": str(tmp_path),
        "mapreduce_task_attempt_id": "attempt_1_0001_m_000000_0",
    }
    command = [sys.executable, "-m", "model_mapreduce_job", "--mapper", "--step-num=0"]
    ended = subprocess.run(
        [*command, "--model_qualified_name", "m"],
        env=environment,
        input=b"{}\n",
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 1
    (line,) = (
        line for line in ended.stderr.decode().splitlines() if "GLIBC_2.99" in line and "This node" in line
    )
    assert f"This node has {describe_node()}" in line
