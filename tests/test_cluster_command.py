"""The local cluster's command: who may start it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = Path(__file__).resolve().parent.parent / "cluster" / "cluster.py"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, who is refused")
def test_root_is_refused_unless_it_is_asked_for() -> None:
    """Any local user can run commands as the cluster's user."""
    environment = {name: value for name, value in os.environ.items() if name != "CLUSTER_AS_ROOT"}
    done = subprocess.run(
        [sys.executable, COMMAND, "up"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "can run commands as the cluster's user" in line
    assert "--as-root" in line
