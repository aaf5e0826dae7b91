"""The environment that a cluster's tasks run in: a bundle, if there's one, and the driver's settings."""

from __future__ import annotations

import hashlib
import os
import posixpath
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from model_mapreduce_job.bundle.archive import read_manifest
from model_mapreduce_job.bundle.contents import Contents
from model_mapreduce_job.exceptions import ConfigurationError, InputError

if TYPE_CHECKING:
    from model_mapreduce_job.runners.hadoop_fs import HadoopShell
    from model_mapreduce_job.task_options import TaskOptions

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
        _check(path)
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
    with bundle.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    uri = posixpath.join(directory, "bundles", digest, bundle.name)
    if not shell.exists(uri):
        with shell.together():
            shell.mkdir(posixpath.dirname(uri))
            shell.put(str(bundle), uri)
    return uri


def _check(bundle: Path) -> None:
    made, now = read_manifest(bundle), Contents.of(os.environ.get(_SETTINGS)).manifest()
    changed = [name for name in made if made[name] != now.get(name)]
    if changed:
        difference = _difference(made[changed[0]], now[changed[0]])
        raise ConfigurationError(
            f"The bundle {bundle} was made of other {changed[0]}: {difference}. Make it again: make bundle."
        )


def _difference(made: Any, now: Any) -> str:
    if isinstance(made, dict):
        return ", ".join(sorted({*made} ^ {*now} or {name for name in made if made[name] != now[name]}))
    if isinstance(made, list):
        return ", ".join(sorted({*made} ^ {*now}))
    return f"{made}, not {now}"
