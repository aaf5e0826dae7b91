"""Places where a person's commands run as they are written, without touching the project's tree."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parent.parent
LONGEST_SECONDS: Final = 250
STAMPS: Final = ("run.stamp", "test.stamp")
_OWN: Final = {
    "PYTHONPATH",
    "APP_SETTINGS",
    "MRJOB_CONF",
    "MAKEFLAGS",
    "MAKELEVEL",
    "MFLAGS",
    "VENV",
    "PYTHON",
}


def make_venv(place: Path) -> Path:
    """Return a directory that is this Python's environment under another name, and up to date in make's eyes.

    So `make` installs nothing when it is told that this is its VENV.
    """
    venv = place / "venv"
    venv.mkdir()
    for path in Path(sys.prefix).iterdir():
        if path.name not in STAMPS:
            (venv / path.name).symlink_to(path)
    for stamp in STAMPS:
        (venv / stamp).touch()
    return venv


def make_project(place: Path) -> Path:
    """Return a directory that looks as the project's does to a command, with a data/ of its own."""
    project = place / "project"
    project.mkdir()
    for path in PROJECT.iterdir():
        if not path.name.startswith(".") and path.name != "data":
            (project / path.name).symlink_to(path)
    shutil.copytree(PROJECT / "data", project / "data", ignore=shutil.ignore_patterns("output*"))
    return project


def environment(venv: Path, **more: str) -> dict[str, str]:
    """Return the environment of a person who has activated venv, and set nothing else that the job reads."""
    kept = {name: value for name, value in os.environ.items() if name not in _OWN}
    path = os.pathsep.join([str(venv / "bin"), os.environ["PATH"]])
    return {**kept, "PATH": path, "VENV": str(venv), **more}


def run_shell(script: str, project: Path, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a script in bash, which ends at its first command that fails; nothing of it outlives this call."""
    with subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=project,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as bash:
        try:
            printed, told = bash.communicate(timeout=LONGEST_SECONDS)
        except BaseException:
            os.killpg(bash.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(bash.args, bash.returncode, printed, told)
