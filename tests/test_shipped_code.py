"""The job's own code on a cluster: once for each version, as the sources are, and compiled."""

import os
import shutil
import signal
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from model_mapreduce_job.runners.hadoop.shipped_code import PACKAGE, code_uri, put_once, upload_code
from model_mapreduce_job.storage.hadoop_commands import ClusterError
from model_mapreduce_job.storage.hadoop_fs import HadoopShell
from model_mapreduce_job.task.signals import signals_as_exit

FAKE = Path(__file__).with_name("fake_hadoop.py")


def test_the_code_is_put_once_and_runs_from_what_is_compiled(
    hdfs: Path, shell: HadoopShell, tmp_path: Path
) -> None:
    uri = code_uri("hdfs:///tmp")
    for _ in range(2):
        upload_code(shell, uri, tmp_path, "hdfs:///tmp/run")
    assert (hdfs.parent / "calls").read_text(encoding="utf-8").count("-put") == 1
    place = tmp_path / "node" / PACKAGE.name
    with tarfile.open(hdfs / uri.removeprefix("hdfs:///")) as archive:
        archive.extractall(place, filter="data")
    sources = {path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py")}
    assert {path.relative_to(place) for path in place.rglob("*.py")} == sources
    assert (place / "__init__.py").read_bytes() == (PACKAGE / "__init__.py").read_bytes()
    code = f"import {PACKAGE.name}.printable as one; print(one.__file__, one.printable('a'))"
    ran = subprocess.run(
        [sys.executable, "-v", "-c", code],
        cwd=place.parent,
        env={"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == f"{place / 'printable.py'} a\n"
    assert f"matches {place / 'printable.py'}" in ran.stderr


def test_another_run_may_have_put_a_file_there_meanwhile(
    hdfs: Path, shell: HadoopShell, tmp_path: Path
) -> None:
    """The two never write to one name: Hadoop would fail both."""
    for name in ("ours", "theirs"):
        (tmp_path / name).write_text(name)
    other = HadoopShell([sys.executable, str(FAKE)])

    def slow() -> Path:
        put_once(other, "hdfs:///d/a", lambda: tmp_path / "theirs", "hdfs:///run-2")
        return tmp_path / "ours"

    put_once(shell, "hdfs:///d/a", slow, "hdfs:///run-1")
    assert {path.name: path.read_text() for path in (hdfs / "d").iterdir()} == {"a": "theirs"}
    with pytest.raises(ClusterError):
        put_once(shell, "hdfs:///d/b", lambda: tmp_path / "missing", "hdfs:///run-1")


class Struck(HadoopShell):
    """A shell in which a signal comes in the middle of a command."""

    def __init__(self, command: str) -> None:
        super().__init__([sys.executable, str(FAKE)])
        self._command = command

    def invoke_hadoop(self, args: list[str], **options: Any) -> Any:
        if self._command in args:
            os.kill(os.getpid(), signal.SIGTERM)
        return super().invoke_hadoop(args, **options)


def test_a_run_that_is_stopped_while_it_puts_a_file_has_that_in_its_own_directory_or_in_its_place(
    hdfs: Path, tmp_path: Path
) -> None:
    """The run's own is removed with the run; when the file was copied, the next run has the use of it."""
    (tmp_path / "ours").write_text("ours")
    left = {}
    for command in ("-put", "-mkdir", "-mv"):
        with pytest.raises(SystemExit), signals_as_exit():
            put_once(Struck(command), f"hdfs:///{command}/a", lambda: tmp_path / "ours", "hdfs:///run")
        shutil.rmtree(hdfs / "run", ignore_errors=True)
        left[command] = [str(path.relative_to(hdfs)) for path in hdfs.rglob("*")]
        shutil.rmtree(hdfs / command, ignore_errors=True)
    assert left == {"-put": [], "-mkdir": [], "-mv": ["-mv", "-mv/a"]}
