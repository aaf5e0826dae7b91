"""SECURITY.md promises nothing that no test shows."""

from __future__ import annotations

import re

import pytest
from documents import PROJECT

TEXT = (PROJECT / "SECURITY.md").read_text(encoding="utf-8")
TESTS = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", TEXT)))


@pytest.mark.parametrize(("path", "name"), TESTS)
def test_a_test_that_is_named_is_there(path: str, name: str) -> None:
    text = (PROJECT / path).read_text(encoding="utf-8")
    assert f"def {name or 'test_'}" in text


def test_each_promise_names_its_test() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("| ")][2:]
    assert rows
    assert [row for row in rows if "`tests/" not in row] == []


@pytest.mark.parametrize("module", re.findall(r"`(\w+\.py)`", TEXT))
def test_a_module_that_is_named_is_there(module: str) -> None:
    assert list((PROJECT / "model_mapreduce_job").rglob(module))
