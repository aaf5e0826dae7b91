"""Which processes import a model's code: never the driver, none that forks, and no more than needed."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from local_jobs import LocalJob, numbered, write_records

import model_mapreduce_job

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(model_mapreduce_job.__file__).parent
# A configuration and a model in one module, as in README.md; it writes down who imports it, and who loads it.
MODULE = """
import os
from pathlib import Path
from model_mapreduce_job import Config

def note(what):
    with Path(__file__).with_name("notes").open("a") as file:
        file.write(f"{what} {os.getpid()}\\n")

note("import")

class Noted:
    display_name = description = qualified_name = "noted"
    version, input_schema, output_schema = "1", None, None

    def __init__(self):
        note("load")

    def predict(self, data):
        return data["n"]

class Named(Config):
    models = ({"qualified_name": "noted", "module_name": "noted", "class_name": "Noted"},)

class Unnamed(Config):
    models = ({"module_name": "noted", "class_name": "Noted"},)
"""


def forks() -> Iterator[str]:
    """Yield the modules of the package in which os.fork, or a module that forks, is used."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_fork = isinstance(node, ast.Attribute) and node.attr in {"fork", "forkpty"}
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            imported = [node.module or ""] if isinstance(node, ast.ImportFrom) else names
            if is_fork or any(name.startswith("multiprocessing") for name in imported):
                yield path.name


def test_only_the_keeper_forks() -> None:
    """It does so before anything else is imported."""
    assert set(forks()) == {"keeper.py"}


def test_the_keeper_imports_nothing_of_the_package() -> None:
    text = (PACKAGE / "task" / "keeper.py").read_text(encoding="utf-8")
    assert "model_mapreduce_job" not in text


@pytest.mark.parametrize("settings", ["noted.Named", "noted.Unnamed"])
@pytest.mark.parametrize(
    ("options", "loads"),
    [
        (("-r", "inline"), 1),
        (("-r", "local", "--num-cores", "2"), 2),
        (("--isolate", "always"), 2),
        (("--plan",), 2),
    ],
)
def test_the_driver_imports_neither_configuration_nor_model(
    tmp_path: Path, settings: str, options: tuple[str, ...], loads: int
) -> None:
    """And the model is loaded at most once a worker; isolated, by its child as well."""
    job = LocalJob(tmp_path, options, measured=False)
    (tmp_path / "noted.py").write_text(MODULE)
    job.environment["APP_SETTINGS"] = settings
    process = job.start("--model_qualified_name", "noted", write_records(tmp_path / "in", numbered(20)))
    process.communicate()
    assert process.returncode == 0
    notes = [line.split() for line in (tmp_path / "notes").read_text().splitlines()]
    assert str(process.pid) not in {pid for _, pid in notes}
    assert 1 <= len([what for what, _ in notes if what == "load"]) <= loads


@pytest.mark.parametrize(
    ("left", "returns"),
    [("pass", False), ("print('flushed')", False), ("file = open(__import__('os').devnull, 'wb')", True)],
)
@pytest.mark.parametrize("flags", [[], ["-u"]])
def test_a_process_ends_at_once_that_has_nothing_to_write(
    flags: list[str], left: str, returns: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise Python ends it, object by object, as does a return here."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    code = f"from model_mapreduce_job.task import memory; {left}; memory.end_at_once(); print('returned')"
    ran = subprocess.run([sys.executable, *flags, "-c", code], capture_output=True, check=True)
    assert (b"returned" in ran.stdout, b"flushed" in ran.stdout) == (returns, "flushed" in left)
