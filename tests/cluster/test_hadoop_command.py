"""cluster/bin/hadoop by itself. Needs no cluster."""

import subprocess
from pathlib import Path


def test_hadoop_before_up_says_what_to_do(tmp_path: Path) -> None:
    """The command is tried in a copy of its folder, beside which nothing was built."""
    source = Path(__file__).resolve().parents[2] / "cluster" / "bin" / "hadoop"
    command = tmp_path / "bin" / "hadoop"
    command.parent.mkdir()
    command.write_bytes(source.read_bytes())
    command.chmod(0o755)
    result = subprocess.run([str(command), "version"], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr.rstrip().endswith("run 'python cluster/cluster.py up' first")
