"""The environment that a cluster's tasks run in: a bundle, if there's one, and the driver's settings."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import posixpath
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from model_mapreduce_job.bundle.archive import read_manifest
from model_mapreduce_job.exceptions import ConfigurationError, InputError
from model_mapreduce_job.formats.records import one_line
from model_mapreduce_job.task.model_process import same_imports

if TYPE_CHECKING:
    from model_mapreduce_job.storage.hadoop_fs import HadoopShell
    from model_mapreduce_job.task.task_options import TaskOptions

log = logging.getLogger("mrjob.bundle")  # mrjob shows what its own loggers write

NAME: Final = "bundle"
PYTHON: Final = f"{NAME}/bin/python"
DEFAULT: Final = Path("build", "bundle.tar.gz")
NONE: Final = "none"
_SETTINGS: Final = "APP_SETTINGS"
OPTIONS_FILE: Final = "task-options.json"


def find_bundle(option: str | None) -> Path | None:
    """Return the bundle that --bundle names, or the one that `make bundle` makes, None when there's none.

    Raises InputError for one that isn't there, ConfigurationError for one of other settings or models.
    """
    if option == NONE:
        return None
    path = Path(option) if option else DEFAULT
    if path.exists():
        _check_owner(path)
        _check(path)
        log.info("Tasks run in %s, whose sha256 is %s", path, file_digest(path))
        return path
    if option:
        raise InputError(f"There is no bundle {option}. Make one: make bundle.")
    return None


def ship_options(runner: Any, options: TaskOptions) -> None:
    """Let an mrjob runner put the options of its tasks into their working directories, as a file."""
    path = Path(runner._get_local_tmp_dir(), OPTIONS_FILE)  # noqa: SLF001 - mrjob has no public name for it
    path.touch(mode=0o600)  # columns and keys may be private
    path.write_bytes(options.to_json())
    file = {"type": "file", "path": str(path), "name": None}
    runner._working_dir_mgr.add(**file)  # noqa: SLF001 - as above
    runner._extra_args[:0] = ["--options_file", file]  # noqa: SLF001 - as above


def task_settings() -> dict[str, str]:
    """Return the environment variables that tasks are given of the driver's."""
    return {_SETTINGS: os.environ[_SETTINGS]} if os.environ.get(_SETTINGS) else {}


def upload_bundle(bundle: Path, shell: HadoopShell, directory: str) -> str:
    """Return where a bundle is on the cluster: put there once, and so fetched once a node."""
    uri = posixpath.join(directory, "bundles", file_digest(bundle), DEFAULT.name)
    if not shell.exists(uri):
        with shell.together():
            shell.mkdir(posixpath.dirname(uri))
            shell.put(str(bundle), uri)
    return uri


def file_digest(path: Path) -> str:
    """Return a file's sha256, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_owner(bundle: Path) -> None:
    """Raise ConfigurationError for a bundle that others made or may change: tasks run what it holds."""
    file, directory = bundle.stat(), bundle.absolute().parent.stat()
    own = {os.getuid(), 0}
    open_to_all = directory.st_mode & stat.S_IWOTH and not directory.st_mode & stat.S_ISVTX
    if file.st_uid not in own or directory.st_uid not in own:
        raise ConfigurationError(
            f"The bundle {bundle} is not yours: it's user {file.st_uid}'s, in a directory of user "
            f"{directory.st_uid}. Make one of your own, or say --bundle none."
        )
    if file.st_mode & (stat.S_IWGRP | stat.S_IWOTH) or open_to_all:
        raise ConfigurationError(
            f"Others may write to the bundle {bundle}, or to its directory. Make it again where they may not."
        )


def _check(bundle: Path) -> None:
    made, now = read_manifest(bundle), _contents_now()
    changed = [name for name in made if made[name] != now.get(name)]
    if changed:
        difference = _difference(made[changed[0]], now[changed[0]])
        raise ConfigurationError(
            f"The bundle {bundle} was made of other {changed[0]}: {difference}. Make it again: make bundle."
        )


def _contents_now() -> dict[str, Any]:
    """Return what a bundle made now would hold; a process of its own imports the configuration."""
    ran = subprocess.run(
        [sys.executable, "-m", "model_mapreduce_job.bundle", "--contents"],
        env=same_imports(os.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if ran.returncode:
        raise ConfigurationError(one_line(ran.stderr.decode(errors="replace").strip().rpartition("\n")[2]))
    contents: dict[str, Any] = json.loads(ran.stdout.strip().rpartition(b"\n")[2])
    return contents


def _difference(made: Any, now: Any) -> str:
    if isinstance(made, dict):
        return ", ".join(sorted({*made} ^ {*now} or {name for name in made if made[name] != now[name]}))
    if isinstance(made, list):
        return ", ".join(sorted({*made} ^ {*now}))
    return f"{made}, not {now}"
