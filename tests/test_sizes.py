"""No file and no function body of the package is too long to be read in one look."""

from __future__ import annotations

import ast
from pathlib import Path

import model_mapreduce_job

PACKAGE = Path(model_mapreduce_job.__file__).parent
LONGEST_FILE, LONGEST_BODY = 300, 30


def test_no_file_has_more_lines_than_one_noun_needs() -> None:
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in PACKAGE.rglob("*.py")}
    assert [(str(path), count) for path, count in lines.items() if count > LONGEST_FILE] == []


def test_no_function_body_has_more_lines_than_fit_in_a_head() -> None:
    found = [
        (str(path), node.name, lines)
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and (lines := body_lines(node)) > LONGEST_BODY
    ]
    assert found == []


def body_lines(function: ast.FunctionDef) -> int:
    """Return how many lines a function's body has, without its docstring."""
    body = function.body[ast.get_docstring(function) is not None :]
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
