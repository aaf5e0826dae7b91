"""Counts what the package is built of: modules, import circles, lengths of files and of function bodies.

`python benchmarks/house.py --keep after --times "make test=450 s"` counts the files of this checkout, and
`--commit 280267e` those of a commit. Only the standard library is needed.
"""

from __future__ import annotations

import argparse
import ast
import json
import statistics
import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "model_mapreduce_job"
RESULTS = ROOT / "benchmarks" / "results" / "house.json"
LONG, SHORT = 250, 60


def sources(commit: str | None) -> dict[str, str]:
    """Return the text of each module of the package by its dotted name: of a commit, or of this checkout."""
    if commit is None:
        found = {str(path.relative_to(ROOT)): path.read_text() for path in (ROOT / PACKAGE).rglob("*.py")}
    else:
        listed = _git("ls-tree", "-r", "--name-only", commit, f"{PACKAGE}/").splitlines()
        found = {name: _git("show", f"{commit}:{name}") for name in listed if name.endswith(".py")}
    return {name.removesuffix(".py").replace("/", "."): text for name, text in sorted(found.items())}


def imports(name: str, tree: ast.Module, known: set[str]) -> set[str]:
    """Return the modules of the package that a module imports, but for what it imports only as a script."""
    nodes = chain.from_iterable(ast.walk(part) for part in tree.body if not _is_script(part))
    return {module for node in nodes for module in _imported(node, known)} - {name}


def _is_script(part: ast.stmt) -> bool:
    return isinstance(part, ast.If) and ast.unparse(part.test) == "__name__ == '__main__'"


def _imported(node: ast.AST, known: set[str]) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names} & known
    if not isinstance(node, ast.ImportFrom) or node.module is None:
        return set()
    within = {f"{node.module}.{alias.name}" for alias in node.names}
    return (within & known) or ({node.module, f"{node.module}.__init__"} & known)


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return the import circles, each as the modules that all reach one another."""
    reached = {name: _reached(graph, name) for name in graph}
    groups = {frozenset(other for other in reached[name] if name in reached[other]) for name in graph}
    return sorted(sorted(group) for group in groups if group)


def _reached(graph: dict[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    waiting = set(graph[start])
    while waiting:
        found |= waiting
        waiting = set(chain.from_iterable(graph[name] for name in waiting)) - found
    return found


def body_lines(tree: ast.Module) -> list[int]:
    """Return how many lines the body of each function has, without its docstring."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    bodies = [(node.body[1:] if ast.get_docstring(node) else node.body) for node in functions]
    return [(body[-1].end_lineno or 0) - body[0].lineno + 1 for body in bodies if body]


def figures(texts: dict[str, str]) -> dict[str, Any]:
    """Return the figures of the package's modules; its __init__ files are no modules of their own."""
    trees = {name: ast.parse(text) for name, text in texts.items()}
    graph = {name: imports(name, tree, set(trees)) for name, tree in trees.items()}
    modules = [name for name in trees if not name.endswith("__init__")]
    lines = {name: len(texts[name].splitlines()) for name in modules}
    bodies = sorted(chain.from_iterable(map(body_lines, trees.values())))
    return {
        "modules": len(modules),
        "at the top": sum(name.count(".") == 1 for name in modules),
        "lines": sum(lines.values()),
        "import circles": circles(graph),
        "function bodies": {
            "count": len(bodies),
            "median lines": statistics.median(bodies),
            "p90 lines": bodies[int(len(bodies) * 0.9)],
            "max lines": bodies[-1],
        },
        f"files over {LONG} lines": sorted(name for name in modules if lines[name] > LONG),
        f"files under {SHORT} lines": sum(lines[name] < SHORT for name in modules),
    }


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def main() -> None:
    """Print the figures, and keep them where --keep says so."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commit", help="count the files of this commit, not of the checkout")
    parser.add_argument("--times", nargs="*", default=(), metavar="SUITE=TIME", help="how long suites took")
    parser.add_argument("--keep", metavar="NAME", help=f"keep the figures under this name in {RESULTS.name}")
    given = parser.parse_args()
    commit = _git("rev-parse", "--short", given.commit or "HEAD").strip()
    found = {"commit": commit, **figures(sources(given.commit))}
    found["suites"] = dict(pair.split("=", 1) for pair in given.times)
    if given.keep:
        kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        RESULTS.write_text(json.dumps({**kept, given.keep: found}, indent=2) + "\n")
    json.dump(found, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
