"""The README has all that a person needs to know of the job, and nothing that is not so."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from documents import PROJECT, README, blocks
from workspaces import environment, make_venv, run_shell

from model_mapreduce_job.pipeline.summary import COUNTS
from model_mapreduce_job.task.options import OPTIONS, Option

if TYPE_CHECKING:
    from pathlib import Path

TEXT = README.read_text(encoding="utf-8")
OPTIONS_GUIDE = PROJECT / "docs" / "options.md"
# A row of a table of options: its name, and all that is said of it.
ROW = re.compile(r"^\| `--(\w+)(.*)\|$", re.MULTILINE)
ROWS = dict(ROW.findall(OPTIONS_GUIDE.read_text(encoding="utf-8")))
LONGEST = 120
INDIRECT = ("import ", "from ", "#")


def test_it_is_short() -> None:
    assert len(TEXT.splitlines()) <= LONGEST


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_an_option_has_a_row_with_its_choices(option: Option) -> None:
    """A row names the option as the command line takes it, and every value where there are few."""
    assert option.name in ROWS
    missing = [
        choice for choice in option.arguments.get("choices", ()) if f"`{choice}`" not in ROWS[option.name]
    ]
    assert missing == []


def test_every_row_is_an_option() -> None:
    """Also those few that the README itself has."""
    assert ({*ROWS} | {name for name, _ in ROW.findall(TEXT)}) - {option.name for option in OPTIONS} == set()


@pytest.mark.parametrize("counter", [*COUNTS, "failed: <type of error>"])
def test_a_counter_is_named(counter: str) -> None:
    (counters,) = re.findall(r"^Counters, .*?^$", TEXT, re.MULTILINE | re.DOTALL)
    assert f"`{counter}`" in counters


def test_the_first_picture_is_of_the_first_command() -> None:
    """What a test compares with the job's real output is what a person does first."""
    dialogue = blocks(README, "console")[0]
    assert dialogue.mark is None
    assert dialogue.text.startswith("$ make run\nlines ")


def test_a_model_takes_ten_lines_and_predicts(tmp_path: Path) -> None:
    """The model that is shown is as short as is said, and answers for every flower with petals."""
    (block,) = blocks(README, "python")
    code = [line for line in block.text.splitlines() if line and not line.startswith(INDIRECT)]
    assert len(code) <= 10
    (tmp_path / "my_models.py").write_text(block.text, encoding="utf-8")
    ended = run_shell(
        f"python -m model_mapreduce_job --model_qualified_name size_model {PROJECT}/data/input.ldjson",
        tmp_path,
        environment(make_venv(tmp_path), PYTHONPATH="./", APP_SETTINGS="my_models.MyConfig"),
    )
    answers = [line.partition("\t")[2] for line in ended.stdout.splitlines()]
    assert answers == ['"small"'] * 3 + ['"large"'] * 4 + ['"small"'] + ['"large"'] * 5 + ['"small"'] * 2
