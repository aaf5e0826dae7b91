"""A cluster's node: commands as on Amazon Linux 2023, and nothing of the developer's environment."""

import os
import shutil
import signal
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from emr_stack import node_pip

HERE: Final = Path(__file__).parent
POLL_SECONDS: Final = 0.02

# What mrjob imports and 3.11 has in its standard library: a later Python that stands for it gets packages.
LATER_PACKAGES: Final = [
    name
    for since, name in (((3, 12), "setuptools"), ((3, 13), "standard-pipes"))
    if sys.version_info >= since
]

# What a node's commands stand for; {pip} and the other names are filled in by _commands.
SHIMS: Final = {
    # A node's user may become root without a password.
    "sudo": 'exec "$@"',
    # The image's Python is 3.9 and has no packages for the job; it must not be the one that jobs use.
    "python3": 'exec {bare_python} "$@"',
    "python3.11": """case "$1 $2" in
"-m pip") shift 2; exec {python} {pip} {site} "$@";;
*) exec {node_python} "$@";;
esac""",
    "dnf": 'exec {python} {dnf} "$@"',
    "yarn": 'exec {python} {yarn} {root} "$@"',
    # The real client, which finds the stand-in by AWS_ENDPOINT_URL.
    "aws": 'exec {aws} "$@"',
}


@dataclass(frozen=True)
class Finished:
    """A process that has ended: its exit code (None when it was stopped from outside) and what it printed."""

    code: int | None
    stdout: bytes
    stderr: bytes


@dataclass(frozen=True)
class Node:
    """A node's directories and environment."""

    instance_id: str
    root: Path
    environment: Mapping[str, str]

    @property
    def home(self) -> Path:
        """The hadoop user's home, where bootstrap actions start."""
        return self.root / "home"

    @property
    def work(self) -> Path:
        """Where tasks get their directories."""
        return self.root / "work"

    def in_its_home(self, text: str) -> str:
        """Return a text with this node's home in place of a real node's, which mrjob names."""
        return text.replace("/home/hadoop/", f"{self.home}/")


def make_node(root: Path, instance_id: str, endpoint: str) -> Node:
    """Lay out a node under a directory that does not exist yet; its `aws` talks to the endpoint."""
    for name in ("home", "work", "bin"):
        (root / name).mkdir(parents=True)
    for name in ("python3", "python3.11"):
        venv.EnvBuilder(symlinks=True, with_pip=False).create(root / "opt" / name)
    node_pip.main([str(_site(root)), "install", *LATER_PACKAGES])
    for name, line in _commands(root).items():
        command = root / "bin" / name
        command.write_text(f"#!/bin/sh\n{line}\n")
        command.chmod(0o755)
    return Node(instance_id, root, _environment(root, endpoint))


def _commands(root: Path) -> dict[str, str]:
    python = root / "opt" / "python3.11"
    places = {
        "python": sys.executable,
        "node_python": python / "bin" / "python",
        "bare_python": root / "opt" / "python3" / "bin" / "python",
        "site": _site(root),
        "pip": HERE / "node_pip.py",
        "dnf": HERE / "node_dnf.py",
        "yarn": HERE / "yarn.py",
        "root": root,
        "aws": shutil.which("aws", path=str(Path(sys.executable).parent)) or "aws-is-not-installed",
    }
    return {name: line.format_map(places) for name, line in SHIMS.items()}


def _site(root: Path) -> Path:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return root / "opt" / "python3.11" / "lib" / version / "site-packages"


def _environment(root: Path, endpoint: str) -> dict[str, str]:
    return {
        "PATH": f"{root / 'bin'}:/usr/bin:/bin",
        "HOME": str(root / "home"),
        "USER": "hadoop",
        "LANG": "C.UTF-8",
        "TMPDIR": str(root / "work"),
        # A real node gets these from its instance profile.
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "node",
        "AWS_SECRET_ACCESS_KEY": "node",
        "AWS_DEFAULT_REGION": "us-west-2",
        "AWS_SDK_UA_APP_ID": "emr-stack-node",
    }


def run(
    command: list[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    stopped: Callable[[], bool],
    stdin: bytes = b"",
) -> Finished:
    """Run a command to its end, or until it is stopped, which ends its whole process group."""
    (cwd / ".stdin").write_bytes(stdin)
    with (
        (cwd / ".stdin").open("rb") as source,
        (cwd / ".stdout").open("w+b") as out,
        (cwd / ".stderr").open("w+b") as err,
    ):
        process = subprocess.Popen(
            command, cwd=cwd, env=environment, stdin=source, stdout=out, stderr=err, start_new_session=True
        )
        code = _wait(process, stopped)
        out.seek(0)
        err.seek(0)
        return Finished(code, out.read(), err.read())


def _wait(process: subprocess.Popen[bytes], stopped: Callable[[], bool]) -> int | None:
    while True:
        try:
            return process.wait(POLL_SECONDS)
        except subprocess.TimeoutExpired:
            if stopped():
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                return None
