"""A module imports only modules above it in the list; mrjob is known to those alone that wire."""

import ast
from pathlib import Path

import pytest

import model_mapreduce_job

PACKAGE = Path(model_mapreduce_job.__file__).parent
NAME = PACKAGE.name

# From the bottom up. A new module finds its place here, or among those that wire.
LAYERS = (
    "exceptions",
    "printable",
    "node_check",
    "content_digest",
    "records",
    "config",
    "ml_model",
    "model_files",
    "ml_model_manager",
    "type_parts",
    "fields",
    "validators",
    "json_text",
    "schemas",
    "lines",
    "first_bytes",
    "own_process",
    "errors",
    "batches",
    "batch_sizing",
    "tally",
    "model_warnings",
    "array_values",
    "plain_values",
    "encoding",
    "model_copies",
    "batch_dependence",
    "prediction",
    "protocols",
    "reading",
    "cells",
    "delimited",
    "column_order",
    "batch_prediction",
    "keeper",
    "child_processes",
    "run_identity",
    "streaming_task",
    "run_summary",
)
# What puts the parts together: the job, the driver's side of it, and the scripts.
WIRES = {
    "__init__",
    "__main__",
    "checks",
    "debug_record",
    "driver",
    "first_line",
    "first_worker",
    "job",
    "run_plan",
    "version",
    "channel",
    "isolated_child",
    "isolation",
    "messages",
    "input_columns",
    "hidden_values",
    "ml_model_map_reduce_job",
    "model_process",
    "options",
    "said",
    "task",
    "task_options",
    "mistakes",
    "runner_numbers",
    "shipped_script",
    "standard_streams",
    "start",
    "summary_file",
    "task_main",
    "task_server",
}


def modules() -> dict[str, Path]:
    """Return every module of the package: the dotted name within it, and its file."""
    return {".".join(path.relative_to(PACKAGE).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")}


def imports(path: Path) -> set[str]:
    """Return the dotted names that a file imports, wherever in it, also for type checking only."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} has a relative import"
            names.add(node.module or "")
            names |= {f"{node.module}.{alias.name}" for alias in node.names if node.module == NAME}
    return names


def own_imports(path: Path) -> set[str]:
    """Return the modules of this package that a file imports, by their name within it."""
    within = {
        name.removeprefix(f"{NAME}.").split(".")[0] for name in imports(path) if name.startswith(f"{NAME}.")
    }
    return within & {name.split(".")[0] for name in modules()}


def test_every_module_has_a_place() -> None:
    at_the_top = {name for name in modules() if "." not in name}
    assert at_the_top - {*LAYERS, *WIRES} == set()


@pytest.mark.parametrize("name", [name for name in LAYERS if name in modules()])
def test_a_module_imports_only_modules_above_it(name: str) -> None:
    above = set(LAYERS[: LAYERS.index(name)])
    assert own_imports(modules()[name]) - above == set()


@pytest.mark.parametrize("name", [name for name in LAYERS if name in modules()])
def test_the_core_knows_no_mrjob(name: str) -> None:
    assert not {found for found in imports(modules()[name]) if found.split(".")[0] == "mrjob"}
