"""The bundle that a run's tasks run in: which one is chosen, and whether it holds what the run needs."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shlex
import stat
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from model_mapreduce_job.bundle.archive import read_manifest
from model_mapreduce_job.bundle.model_files import libraries_of_file
from model_mapreduce_job.exceptions import ConfigurationError, InputError
from model_mapreduce_job.formats.records import one_line
from model_mapreduce_job.formats.registry import FORMATS
from model_mapreduce_job.storage.splits import file_state
from model_mapreduce_job.task.child_processes import killed_on_error
from model_mapreduce_job.task.model_process import same_imports

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from model_mapreduce_job.task.run_options import RunOptions
    from model_mapreduce_job.task.task_options import TaskOptions

log = logging.getLogger("mrjob.bundle")  # mrjob shows what its own loggers write

DEFAULT: Final = Path("build", "bundle.tar.gz")
NONE: Final = "none"
_SKETCHES: Final = "datasketches"


def find_bundle(option: str | None, task: TaskOptions) -> Path | None:
    """Return the bundle that --bundle names, or the one that `make bundle` makes, None when there's none.

    task has the options of the run's tasks. Raises InputError for a bundle that isn't there,
    ConfigurationError for one of other settings or models, or without a library that these tasks need.
    """
    if option == NONE:
        return None
    path = Path(option) if option else DEFAULT
    if path.exists():
        _check_owner(path)
        made = read_manifest(path)
        _check_model_files(path, made, [each for each in task.alone() if each.model_file])
        _check_libraries(path, made, task)
        with killed_on_error(_contents_process(made.get("libraries", ()))) as process:
            digest = file_digest(path)  # which takes as long as the other process does
            _check(path, made, _contents_of(process))
        log.info("Tasks run in %s, whose sha256 is %s", path, digest)
        return path
    if option:
        raise InputError(f"There is no bundle {option}. Make one: make bundle.")
    return None


def bundle_for(options: RunOptions, opts: Mapping[str, Any]) -> Path | None:
    """Return the bundle that tasks run in: that of --bundle, else the default unless a Python is named.

    opts are mrjob's. Raises as find_bundle does.
    """
    if options.bundle is None and (opts["python_bin"] or opts["task_python_bin"]):
        return None
    return find_bundle(options.bundle, options.task)


def file_digest(path: Path) -> str:
    """Return a file's sha256, in hexadecimal: 0.4 s for 80 MB, and once for each state of the file."""
    return _digest(path, file_state(path.stat()))


@lru_cache(maxsize=1)
def _digest(path: Path, _state: tuple[int, ...]) -> str:
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


def _check_model_files(bundle: Path, made: Mapping[str, Any], model_files: Sequence[TaskOptions]) -> None:
    """Raise ConfigurationError for a bundle that lacks what reads a model file, which comes along alone."""
    paths = [str(each.model_file) for each in model_files]
    kinds = zip(map(Path, paths), (each.model_type for each in model_files), strict=True)
    needed = dict.fromkeys(name for path, kind in kinds for name in libraries_of_file(path, kind))
    if lacking := [name for name in needed if name not in _distributions(made)]:
        named = shlex.join(f"--model_file={path}" for path in paths)
        raise ConfigurationError(
            f"The bundle {bundle} lacks {', '.join(lacking)} for the model files of this run. Make it again: "
            f"python -m model_mapreduce_job.bundle {shlex.quote(str(bundle))} {named}"
        )


def _check_libraries(bundle: Path, made: Mapping[str, Any], task: TaskOptions) -> None:
    """Raise ConfigurationError for a bundle that lacks what reads the input, or keeps a profile."""
    needed = {
        FORMATS[task.source_protocol].library: f"which reads {task.source_protocol}",
        _SKETCHES if task.is_profiled else None: "which a profile is made with",
    }
    for library, use in needed.items():
        if library and library not in _distributions(made):
            named = shlex.join(f"--library={name}" for name in (*made.get("libraries", ()), library))
            raise ConfigurationError(
                f"The bundle {bundle} lacks {library}, {use}. Make it again: "
                f"python -m model_mapreduce_job.bundle {shlex.quote(str(bundle))} {named}"
            )


def _distributions(made: Mapping[str, Any]) -> set[str]:
    return {requirement.partition("==")[0] for requirement in made.get("requirements", ())}


def _check(bundle: Path, made: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    changed = next((name for name in made if made[name] != now.get(name)), None)
    if changed:
        difference = _difference(made[changed], now.get(changed))
        raise ConfigurationError(
            f"The bundle {bundle} was made of other {changed}: {difference}. Make it again: make bundle."
        )


def _contents_process(libraries: Iterable[str]) -> subprocess.Popen[bytes]:
    """Start a process that prints what a bundle made now would hold: it imports the configuration."""
    asked_for = [f"--library={library}" for library in libraries]
    return subprocess.Popen(  # noqa: S603 - this very package
        [sys.executable, "-m", "model_mapreduce_job.bundle", "--contents", *asked_for],
        env=same_imports(os.environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def _contents_of(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    stdout, stderr = process.communicate()
    if process.returncode:
        raise ConfigurationError(one_line(stderr.decode(errors="replace").strip().rpartition("\n")[2]))
    contents: dict[str, Any] = json.loads(stdout.strip().rpartition(b"\n")[2])
    return contents


def _difference(made: Any, now: Any) -> str:
    if isinstance(made, dict) and isinstance(now, dict):
        return ", ".join(sorted({*made} ^ {*now} or {name for name in made if made[name] != now[name]}))
    if isinstance(made, list) and isinstance(now, list):
        return ", ".join(sorted({*made} ^ {*now}))
    return f"{made}, which this version does not know" if now is None else f"{made}, not {now}"
