"""The code of tasks on a cluster, the job's own or a bundle: put there once for each version of it.

So a node fetches and unpacks it once.
"""

from __future__ import annotations

import hashlib
import io
import posixpath
import py_compile
import sys
import tarfile
from functools import cache
from importlib.util import cache_from_source
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from model_mapreduce_job.bundle.archive import new_archive
from model_mapreduce_job.bundle.choice import DEFAULT, file_digest
from model_mapreduce_job.storage.hadoop_commands import ClusterError
from model_mapreduce_job.task.signals import signals_held

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from model_mapreduce_job.storage.hadoop_fs import HadoopShell

PACKAGE: Final = Path(__file__).parents[2]
# A bundle in the working directory of a task, and its Python.
BUNDLE: Final = "bundle"
BUNDLE_PYTHON: Final = f"{BUNDLE}/bin/python"
_READABLE: Final = 0o644
# It can't be that of another source: the archive's name has the digest of all
_UNCHECKED: Final = py_compile.PycInvalidationMode.UNCHECKED_HASH


def code_uri(directory: str) -> str:
    """Return where the code is, or will be, below a directory of the cluster: its digest is in the name."""
    return posixpath.join(directory, "code", _digest(), f"{PACKAGE.name}.tar.gz")


def upload_code(shell: HadoopShell, uri: str, here: Path, there: str) -> None:
    """Put the code there unless it is there already.

    Its archive is made in a directory of this machine, here; there is the run's own directory on the cluster.
    """

    def make_archive() -> Path:
        path = here / f"{PACKAGE.name}.tar.gz"
        with new_archive(path) as archive:
            for name, content in _entries(here / "compiled.pyc"):
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = len(content), _READABLE
                archive.addfile(entry, io.BytesIO(content))
        return path

    put_once(shell, uri, make_archive, there)


def ship_bundle(runner: Any, bundle: Path, own: str, python: str) -> None:
    """Let a runner's tasks run in a bundle, which is put beside the run's own directory on the cluster.

    python is mrjob's option that names the tasks' Python.
    """
    uri = _upload_bundle(bundle, runner.fs.hadoop, own)
    runner._working_dir_mgr.add("archive", uri, name=BUNDLE)
    runner._opts |= {python: [BUNDLE_PYTHON], "bootstrap_mrjob": False}  # the bundle has mrjob


def _upload_bundle(bundle: Path, shell: HadoopShell, own: str) -> str:
    """Return where a bundle is on the cluster: put there once, and so fetched once a node."""
    uri = posixpath.join(posixpath.dirname(own), "bundles", file_digest(bundle), DEFAULT.name)
    put_once(shell, uri, lambda: bundle, own)
    return uri


def put_once(shell: HadoopShell, uri: str, make: Callable[[], Path], own: str) -> None:
    """Put the file that make() returns to a URI, unless this or another run has put it there.

    It is written to a directory of this run's own, which is removed with the run, however that ends: of two
    runs that write to one file, Hadoop fails both.
    """
    if shell.exists(uri):
        return
    directory, name = posixpath.split(uri)
    half = posixpath.join(own, name)
    with shell.together():
        shell.mkdir(own)
        shell.put(str(make()), half)
    try:
        with signals_held(second_ends=True):
            shell.mkdir(directory)
            shell.invoke_hadoop(["fs", "-mv", half, uri])
    except ClusterError:
        if not shell.exists(uri):  # else another run was faster
            raise


@cache
def _digest() -> str:
    digest = hashlib.sha256(f"{sys.implementation.cache_tag}\0".encode())
    for path in _files():
        content = path.read_bytes()
        digest.update(b"%s\0%d\0%s" % (_name(path).encode(), len(content), content))
    return digest.hexdigest()


def _entries(compiled: Path) -> Iterator[tuple[str, bytes]]:
    """Yield names and contents; of a module also what is compiled, since tasks keep nothing of that."""
    for path in _files():
        yield _name(path), path.read_bytes()
        if path.suffix == ".py":
            name = _name(Path(cache_from_source(path)))
            py_compile.compile(str(path), str(compiled), _name(path), invalidation_mode=_UNCHECKED)
            yield name, compiled.read_bytes()


def _files() -> Iterator[Path]:
    for path in sorted(PACKAGE.rglob("*")):
        parts = path.relative_to(PACKAGE).parts
        if path.is_file() and not any(part == "__pycache__" or part.startswith(".") for part in parts):
            yield path


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()
