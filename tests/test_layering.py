"""Rooms: what a module may import; no circles; and nothing that a task loads imports mrjob."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import model_mapreduce_job

PACKAGE = Path(model_mapreduce_job.__file__).parent
NAME = PACKAGE.name

# From the top down. What is not in a room stands alone, in its own place.
ROOMS = (
    "version",
    "exceptions",
    "printable",
    "models",
    "formats",
    "profiles",
    "pipeline",
    "storage",
    "task",
    "plan",
    "bundle",
    "report",
    "driver",
    "runners",
    "ml_model_map_reduce_job",
    "__main__",
    "shipped_script",
    "__init__",
)
# They belong to a room, and stay importable from the package's top.
AT_THE_TOP = {"config": "models", "ml_model_manager": "models"}
# What may know mrjob: what wires the parts to it.
KNOW_MRJOB = {"driver", "runners", "ml_model_map_reduce_job", "shipped_script"}
FILESYSTEMS = {"storage.hadoop_fs", "storage.s3", "storage.upload_names", "storage.emr_inputs"}


@cache
def modules() -> dict[str, Path]:
    """Return every module of the package: the dotted name within it, and its file."""
    return {".".join(path.relative_to(PACKAGE).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")}


def room_of(module: str) -> str:
    first = module.partition(".")[0]
    return AT_THE_TOP.get(first, first)


@cache
def import_nodes(path: Path) -> list[ast.Import | ast.ImportFrom]:
    """Return the imports of a file, wherever in it, but for those of a script when it is started."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    started = {
        id(inner)
        for node in tree.body
        if isinstance(node, ast.If) and "__main__" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        and (id(node) not in started or path.name == "shipped_script.py")
    ]


@cache
def own_imports(path: Path) -> set[str]:
    """Return the modules of this package that a file imports, also for type checking only."""
    known = modules()
    found = set()
    for node in import_nodes(path):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == NAME:
            assert node.level == 0, f"{path} has a relative import"
            place = (node.module or "").removeprefix(NAME).removeprefix(".")
            for alias in node.names:
                inner = f"{place}.{alias.name}".removeprefix(".")
                found.add(inner if inner in known else place if place in known else f"{place}.__init__")
    return {module.removeprefix(".") for module in found}


def imports_mrjob(path: Path) -> bool:
    return any(
        (node.module or "").partition(".")[0] == "mrjob"
        if isinstance(node, ast.ImportFrom)
        else any(alias.name.partition(".")[0] == "mrjob" for alias in node.names)
        for node in import_nodes(path)
    )


@pytest.mark.parametrize("module", sorted(modules()))
def test_a_module_is_in_a_room_and_imports_only_rooms_above_it(module: str) -> None:
    own = room_of(module)
    assert own in ROOMS
    above = set(ROOMS[: ROOMS.index(own) + 1])
    assert {name for name in own_imports(modules()[module]) if room_of(name) not in above} == set()


def test_no_modules_import_each_other() -> None:
    graph = {module: own_imports(path) for module, path in modules().items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"an import circle: {error.args[1]}")


@pytest.mark.parametrize("module", sorted(modules()))
def test_only_what_wires_the_parts_to_mrjob_imports_it(module: str) -> None:
    if room_of(module) not in KNOW_MRJOB and module not in FILESYSTEMS:
        assert not imports_mrjob(modules()[module])


def test_the_keeper_comes_before_all_that_takes_a_while_to_import() -> None:
    """Each process of a run forks it, and each driver takes its signals, after nothing else is imported."""
    loads = "import model_mapreduce_job.task.keeper, model_mapreduce_job.task.signals, sys; "
    found = "print(sorted({'typing', 'msgspec', 'dataclasses', 'subprocess'} & set(sys.modules)))"
    # without site, which imports what the installed packages want
    command = [sys.executable, "-S", "-c", loads + found]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    assert ran.stdout == "[]\n"


def test_nothing_that_a_task_loads_imports_mrjob() -> None:
    """A task on a node starts in half the time without it."""
    loads = "import model_mapreduce_job.task.main, model_mapreduce_job.task.sample_prediction, sys; "
    found = "print(sorted(name for name in sys.modules if name.split('.')[0] in ('mrjob', 'boto3', 'yaml')))"
    ran = subprocess.run([sys.executable, "-c", loads + found], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
