"""The script, the module and the command behave the same, whatever they inherit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from documents import PROJECT
from local_jobs import Ended, ended, wait_until, write_records
from workspaces import environment, make_venv

if TYPE_CHECKING:
    from collections.abc import Mapping

PYTHON = sys.executable
WAYS = {
    "script": [PYTHON, str(PROJECT / "model_mapreduce_job" / "ml_model_map_reduce_job.py")],
    "module": [PYTHON, "-m", "model_mapreduce_job"],
    "command": [str(Path(sys.prefix) / "bin" / "model-mapreduce-job")],
}
# A module of the person's own, in the directory that the job is started from.
MINE = """
import os, time
from pathlib import Path
from model_mapreduce_job import Config

class Mine:
    display_name = qualified_name = description = "mine"
    version = "1"
    input_schema = output_schema = None

    def predict(self, data):
        if "marks" in data:
            Path(data["marks"], str(os.getpid())).touch()
        time.sleep(data.get("seconds", 0))
        return data["x"]

class MyConfig(Config):
    models = ({"qualified_name": "mine", "module_name": "mine", "class_name": "Mine"},)
"""
# Runs a command with a signal ignored, as nohup and a shell's background jobs do.
IGNORING = """
import os, signal, sys
signal.signal(int(sys.argv[1]), signal.SIG_IGN)
os.execv(sys.argv[2], sys.argv[2:])
"""


@dataclass(frozen=True)
class Place:
    """A directory with a model of its own, and the environment of a person who has named it, no more."""

    directory: Path
    variables: Mapping[str, str]
    way: str

    def start(
        self, *arguments: str, before: tuple[str, ...] = (), **variables: str
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*before, *WAYS[self.way], *arguments],
            cwd=self.directory,
            env={**self.variables, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *arguments: str, before: tuple[str, ...] = (), **variables: str) -> Ended:
        return ended(self.start("--model_qualified_name", "mine", *arguments, before=before, **variables))


@pytest.fixture(scope="module")
def variables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    given = environment(make_venv(tmp_path_factory.mktemp("environment")), APP_SETTINGS="mine.MyConfig")
    return {name: value for name, value in given.items() if "COV" not in name}


@pytest.fixture(params=WAYS)
def place(request: pytest.FixtureRequest, tmp_path: Path, variables: dict[str, str]) -> Place:
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "in").write_text('{"x": 1}\n{"x": 2}\n')
    return Place(tmp_path, variables, request.param)


def waiting_record(place: Place, seconds: float) -> Path:
    """Write an input whose first record takes a while; return where each run has a file that predicts it."""
    marks = place.directory / "marks"
    marks.mkdir()
    records = [{"x": 1, "seconds": seconds, "marks": str(marks)}, {"x": 2}]
    write_records(place.directory / "in", records)
    return marks


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_the_current_directory_is_looked_in(place: Place, runner: str) -> None:
    """Whatever Python is told by its environment."""
    told = {"PYTHONSAFEPATH": "1", "PYTHONWARNINGS": "error", "PYTHONOPTIMIZE": "2", "LC_ALL": "C"}
    ran = place.run("-r", runner, "in", **told, PYTHONUTF8="0")
    assert ran.values == [1, 2], ran.errors
    assert "complete: 2 lines" in ran.errors
    assert "Warning" not in ran.errors


@pytest.mark.parametrize("place", ["command"], indirect=True)
def test_names_are_taken_as_they_are(place: Place) -> None:
    """One that begins with a hyphen comes after `--`; wildcards and bytes of no encoding don't matter."""
    names = [b"-v", b"a b", b"[x]*", "n\u00e4me".encode(), b"\xff"]
    for number, name in enumerate(names):
        with open(bytes(place.directory) + b"/" + name, "wb") as file:  # noqa: PTH123 - a name of bytes
            file.write(b'{"x": %d}\n' % number)
    ran = place.run("--quiet", "-r", "local", "--", *map(os.fsdecode, names))
    assert ran.values == [0, 1, 2, 3, 4], ran.errors


@pytest.mark.parametrize(("place", "flag"), [("script", "-qv"), ("module", "--verb")], indirect=["place"])
def test_every_spelling_of_verbose_gives_the_traceback(place: Place, flag: str) -> None:
    ran = place.run(flag, "--output-dir", ".", "in")
    assert ran.code == 1
    assert "Traceback (most recent call last)" in ran.errors


@pytest.mark.parametrize("place", ["command"], indirect=True)
def test_a_file_named_like_an_option_asks_for_no_traceback(place: Place) -> None:
    ran = place.run("--quiet", "--output-dir", ".", "--", "-v")
    assert (ran.code, ran.errors.count("\n")) == (1, 1), ran.errors


@pytest.mark.parametrize("place", ["command"], indirect=True)
def test_signals_that_the_parent_ignores(place: Place) -> None:
    """They end nothing, and children are heard of nevertheless."""
    in_predict = waiting_record(place, seconds=1)
    numbers = (signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
    runs = [
        place.start(
            "-q", "--model_qualified_name", "mine", "in", before=(PYTHON, "-c", IGNORING, str(int(n)))
        )
        for n in numbers
    ]
    wait_until(lambda: len(list(in_predict.iterdir())) == len(runs))
    for run, number in zip(runs, numbers, strict=True):
        run.send_signal(number)
    assert [ended(run).values for run in runs] == [[1, 2]] * 3


def test_signals_end_a_run_in_one_line(place: Place) -> None:
    in_predict = waiting_record(place, seconds=60)
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    runs = [
        place.start("-q", "--model_qualified_name", "mine", "--output-dir", f"out-{int(n)}", "in")
        for n in numbers
    ]
    wait_until(lambda: len(list(in_predict.iterdir())) == len(runs))
    for run, number in zip(runs, numbers, strict=True):
        run.send_signal(number)
    for run, number in zip(map(ended, runs), numbers, strict=True):
        assert (run.code, run.output, run.errors.count("\n")) == (128 + number, b"", 1), run.errors


@pytest.mark.parametrize(
    ("place", "runner"), [("module", "inline"), ("command", "local")], indirect=["place"]
)
def test_text_of_any_language_is_the_same_in_any_locale(place: Place, runner: str) -> None:
    """Options and names of files, where Python takes the command line for ASCII."""
    place.directory.joinpath("tâche.ld").write_text('{"größe": 7, "x": 1}\n', encoding="utf-8")
    place.directory.joinpath("table.csv").write_text("größe,x\n7,1\n", encoding="utf-8")
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    options = ("-q", "-r", runner, "--key", "größe")
    for given in (("tâche.ld",), ("--input_protocol", "csv", "table.csv")):
        ran = place.run(*options, *given, **ascii_only)
        assert ran.output.decode() == '{"größe": 7}\t1\n', ran.errors
    columns = ("--input_protocol", "csv", "--columns", "größe,x", "table.csv")
    assert place.run(*options, *columns, **ascii_only).output.decode() == '{"größe": 7}\t1\n'
