"""Every way to start the job gives the same output, on each runner of this machine and from anywhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from documents import PROJECT, README, blocks
from workspaces import environment, make_project, make_venv, run_shell

from model_mapreduce_job.task.options import GROUPS, OPTIONS

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

SCRIPT = "model_mapreduce_job/ml_model_map_reduce_job.py"
ENTRY_POINTS = ("model-mapreduce-job", "python -m model_mapreduce_job", f"python {PROJECT / SCRIPT}")
RUNNERS = ("", "-r inline", "-r local")
MODEL = "--model_qualified_name iris_model"
INPUT = PROJECT / "data" / "input.ldjson"
LINES = INPUT.read_text(encoding="utf-8").splitlines()
SPECIES = ["setosa"] * 3 + ["versicolor"] * 4 + [None] + ["virginica"] * 5 + ["setosa"] * 2
OUTPUT = "".join(
    f'{line}\t{{"species": "{species}"}}\n' if species else f"{line}\tnull\n"
    for line, species in zip(LINES, SPECIES, strict=True)
)


@pytest.fixture(scope="module")
def variables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return environment(make_venv(tmp_path_factory.mktemp("environment")))


def check(ended: subprocess.CompletedProcess[str], output: str = OUTPUT) -> None:
    assert ended.returncode == 0, ended.stderr
    assert output == OUTPUT
    assert "complete: 15 lines = 14 predicted + 1 failed + 0 blank" in ended.stderr


def test_the_input_has_one_bad_line() -> None:
    assert [line for line in LINES if '"petal_width": "asd"' in line] == [LINES[SPECIES.index(None)]]


@pytest.mark.measured
@pytest.mark.parametrize(("command", "runner"), [*zip(ENTRY_POINTS, RUNNERS, strict=True)])
def test_from_anywhere_with_absolute_paths(
    command: str, runner: str, tmp_path: Path, variables: dict[str, str]
) -> None:
    ended = run_shell(f"{command} {runner} {MODEL} {INPUT}", tmp_path, variables)
    check(ended, ended.stdout)


def test_from_standard_input(tmp_path: Path, variables: dict[str, str]) -> None:
    ended = run_shell(f"cat {INPUT} | model-mapreduce-job -r local {MODEL}", tmp_path, variables)
    check(ended, ended.stdout)


@pytest.mark.parametrize("runner", ["", "-r local"])
def test_the_commands_of_the_readme_word_for_word(
    runner: str, tmp_path: Path, variables: dict[str, str]
) -> None:
    """The three lines run as they stand there, and with a runner named behind them."""
    (block,) = [block for block in blocks(README, "sh") if f"python {SCRIPT}" in block.text]
    assert block.text.startswith("export PYTHONPATH=./\nexport APP_SETTINGS=ProdConfig\n")
    project = make_project(tmp_path)
    ended = run_shell(f"{block.text.rstrip()} {runner}", project, variables)
    check(ended, (project / "data" / "output.ldjson").read_text())


def test_help_says_what_each_option_is_for(tmp_path: Path, variables: dict[str, str]) -> None:
    """Each option stands there as the README writes it, with what it is for, in lines that fit a terminal."""
    ended = run_shell("model-mapreduce-job --help", tmp_path, {**variables, "COLUMNS": "100"})
    words = " ".join(ended.stdout.split())
    assert ended.stdout.startswith("usage: model-mapreduce-job [options] [input files]\n")
    for option in OPTIONS:
        assert f"--{option.name}" in ended.stdout
        assert f"{option.help} (default: " in words
    headings = re.findall(r"^(\S.*):$", ended.stdout, re.MULTILINE)
    assert headings == [*GROUPS, "this job", "mrjob's own"]
    assert max(map(len, ended.stdout.splitlines())) <= 100
