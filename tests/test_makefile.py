"""The Makefile's commands in a fresh clone, as a person finds it."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from documents import PROJECT
from fuzz import READERS, TESTS
from workspaces import environment, make_venv, run_shell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NO_PYTHON = (
    "Python 3.11, 3.12 or 3.13 is needed, and none is on PATH. Install one, or say PYTHON=/path/to/python."
)
TOO_OLD = "#!/bin/sh\nexit 1\n"  # what a Python that does not fit answers when it is asked


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", PROJECT, clone], check=True)
    return clone


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    """Return a person's environment; what runs in a clone is no part of this tree's coverage."""
    activated = environment(make_venv(tmp_path))
    return {name: value for name, value in activated.items() if not name.startswith("COV")}


def test_make_run_predicts_the_sample_and_installs_nothing(
    clone: Path, tmp_path: Path, variables: dict[str, str]
) -> None:
    """With an environment that is up to date, `make run` is the job's run alone, of the clone's own code."""
    installed = sorted((tmp_path / "venv").iterdir())
    source = clone / "model_mapreduce_job" / "pipeline" / "summary.py"
    source.write_text(source.read_text().replace("complete: ", "complete in the clone: "))
    ended = run_shell("make run", clone, variables)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == ""
    assert "complete in the clone: 15 lines = 14 predicted + 1 failed + 0 blank" in ended.stderr
    assert len((clone / "data" / "output.ldjson").read_text().splitlines()) == 15
    assert sorted((tmp_path / "venv").iterdir()) == installed
    assert not (clone / ".venv").exists()


def test_what_a_run_leaves_is_not_committed(clone: Path, variables: dict[str, str]) -> None:
    assert run_shell("make run", clone, variables).returncode == 0
    status = run_shell("git status --porcelain", clone, variables)
    assert status.stdout == ""


@pytest.mark.parametrize("command", ["make", "make help"])
def test_help_has_a_line_for_each_target(command: str, clone: Path, variables: dict[str, str]) -> None:
    """A target without a word about it would not be listed."""
    ended = run_shell(command, clone, variables)
    listed = [line.split()[0] for line in ended.stdout.splitlines()]
    makefile = (clone / "Makefile").read_text(encoding="utf-8")
    assert listed == re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE)
    assert set(listed) == set(" ".join(re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)).split())


@pytest.mark.parametrize(
    "found", [(), ("python3", "python3.12")], ids=["no Python", "Pythons that don't fit"]
)
def test_without_a_python_that_fits_one_line_says_so(
    found: tuple[str, ...], clone: Path, tmp_path: Path, variables: dict[str, str]
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("bash", "make"):
        (tools / name).symlink_to(str(shutil.which(name)))
    for name in found:
        (tools / name).write_text(TOO_OLD)
        (tools / name).chmod(0o755)
    ended = run_shell("make run", clone, {**variables, "PATH": str(tools), "VENV": ".venv"})
    assert ended.returncode != 0
    said = [line for line in (ended.stdout + ended.stderr).splitlines() if not line.startswith("make: ***")]
    assert said == [NO_PYTHON]
    assert not os.path.lexists(clone / ".venv")
    assert not (clone / "data" / "output.ldjson").exists()


# A Python of some version, and a make that gives it an environment in which its tests pass or fail.
OTHER_PYTHON = "#!/bin/sh\necho {minor}\n"
STAND_IN_MAKE = """#!/usr/bin/env bash
for word in "$@"; do [[ $word == VENV=* ]] && venv=${word#VENV=}; done
mkdir -p "$venv/bin"
printf '#!/bin/sh\\necho "$0 $*"\\n[ $0 != .venv-{failing}/bin/python ]\\n' > "$venv/bin/python"
chmod +x "$venv/bin/python"
"""


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """Return a directory with what the script needs beside Pythons and make."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("bash", "env", "dirname", "sort", "mkdir", "chmod"):
        (tools / name).symlink_to(str(shutil.which(name)))
    return tools


def write_tool(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def on_every_python(clone: Path, tools: Path, own: str) -> subprocess.CompletedProcess[str]:
    """Run the script where make's own environment is of a Python of this version."""
    (clone / ".venv" / "bin").mkdir(parents=True)
    write_tool(clone / ".venv" / "bin" / "python", OTHER_PYTHON.format(minor=own))
    return run_shell("tests/on_every_python", clone, {"PATH": str(tools)})


@pytest.mark.parametrize(("failing", "code"), [("none", 0), ("3.12", 1), ("3.13", 1)])
def test_each_other_python_runs_the_tests(clone: Path, tools: Path, failing: str, code: int) -> None:
    """Each version once, whichever failed before, without the one that `make test` runs on."""
    for minor in ("3.11", "3.12", "3.13"):
        write_tool(tools / f"python{minor}", OTHER_PYTHON.format(minor=minor))
    write_tool(tools / "python3", OTHER_PYTHON.format(minor="3.12"))
    write_tool(tools / "make", STAND_IN_MAKE.replace("{failing}", failing))
    ended = on_every_python(clone, tools, own="3.11")
    ran = re.findall(r"^(\S+) -m pytest .*-m not cluster", ended.stdout, re.MULTILINE)
    assert ran == [".venv-3.12/bin/python", ".venv-3.13/bin/python"]
    assert f"found Python 3.12: {tools / 'python3'}\n" in ended.stdout
    assert ended.returncode == code
    assert (f"Tests failed on Python {failing}.\n" in ended.stderr) is bool(code)


def test_no_other_python_is_no_success(clone: Path, tools: Path) -> None:
    write_tool(tools / "python3", OTHER_PYTHON.format(minor="3.12"))
    ended = on_every_python(clone, tools, own="3.12")
    assert ended.returncode == 1
    assert "nothing was tested" in ended.stderr


def test_the_first_python_that_fits_makes_the_environment(clone: Path, tools: Path) -> None:
    """One that is too old is passed over, whatever its name."""
    (tools / "make").symlink_to(str(shutil.which("make")))
    write_tool(tools / "python3", TOO_OLD)
    for name in ("python3.11", "python3.12"):
        write_tool(tools / name, f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    ended = run_shell("make --dry-run run", clone, {"PATH": str(tools)})
    assert "python3.12 -m venv .venv\n" in ended.stdout


def test_make_run_finds_a_model_on_the_persons_own_path(
    clone: Path, tmp_path: Path, variables: dict[str, str]
) -> None:
    """`make run MODEL=mine` with a configuration that is not in the clone."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "my_settings.py").write_text(
        "from model_mapreduce_job.config import Config\n\n"
        "class Mine:\n"
        "    display_name = qualified_name = description = version = 'mine'\n"
        "    input_schema = output_schema = None\n\n"
        "    def predict(self, data):\n"
        "        return 1\n\n"
        "class MyConfig(Config):\n"
        "    models = ({'module_name': 'my_settings', 'class_name': 'Mine'},)\n"
    )
    own = {"PYTHONPATH": str(tmp_path / "mine"), "APP_SETTINGS": "my_settings.MyConfig"}
    ended = run_shell("make run MODEL=mine", clone, {**variables, **own})
    assert ended.returncode == 0, ended.stderr
    assert "complete: 15 lines = 15 predicted" in ended.stderr


def test_the_files_that_make_fuzz_runs_are_there() -> None:
    assert [name for name in READERS if not (TESTS / f"{name}.py").is_file()] == []


def test_make_test_collects_every_file_without_what_the_cluster_tests_install() -> None:
    """The cluster's tests are left out by their marks, so their files are imported all the same."""
    files = [path for path in TESTS.rglob("*.py") if "pyspark" in set(imported_at_the_top(path))]
    assert files == []


def imported_at_the_top(path: Path) -> Iterator[str]:
    """Yield the packages that a file imports as soon as it is imported itself."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
