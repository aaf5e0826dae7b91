"""What the output of a run depends on, beside its input."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any, ClassVar

import pytest

from model_mapreduce_job.config import Config, ModelEntry, load_configuration
from model_mapreduce_job.models.identity import identity_of, run_identity


class TwoModels(Config):
    """A configuration of two models, in a package and in a module."""

    models: ClassVar = (
        {"qualified_name": "one", "module_name": "identity_package.model", "class_name": "One"},
        {"qualified_name": "two", "module_name": "identity_module", "class_name": "Two"},
    )


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a package whose code raises: to tell what it is, nothing of it may be run."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.syspath_prepend(Path(__file__).parent)
    package = tmp_path / "identity_package"
    package.mkdir()
    for path in (package / "__init__.py", package / "model.py", tmp_path / "identity_module.py"):
        path.write_text("raise RuntimeError")
    (package / "weights.bin").write_bytes(b"1234")
    return package


def identity(name: str = "one", **options: Any) -> dict[str, Any]:
    return run_identity(
        load_configuration("test_run_identity.TwoModels"), {"model_qualified_name": name, **options}
    )


def test_it_is_the_same_for_the_same(package: Path) -> None:
    before = identity(batch_size=3)
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "model.pyc").touch()
    assert identity(batch_size=3) == before
    assert "identity_package" not in sys.modules


def test_an_option_is_told_by_its_name(package: Path) -> None:
    assert package.exists()
    assert identity(batch_size=3)["batch_size"] == "3"


@pytest.mark.parametrize("name", ["weights.bin", "model.py", "new"])
def test_every_file_of_the_models_package_belongs_to_it(package: Path, name: str) -> None:
    before = identity()
    (package / name).write_text("changed")
    changed = {key for key, value in identity().items() if value != before[key]}
    assert changed == {"the code of one"}


def test_a_file_that_was_written_again_with_the_same_content_is_the_same(package: Path) -> None:
    """Such as a package that was installed again."""
    before = identity()
    os.utime(package / "weights.bin")
    assert identity() == before


def test_code_that_can_not_be_read_is_not_compared_and_said_so(package: Path) -> None:
    """The run itself is none the worse for it."""
    (package / "memory.py").symlink_to("/proc/self/mem")
    found = identity()
    reason = "can't be compared: a file can't be read: Input/output error"
    assert {found["the code of one"], found["what the code of one imports"]} == {reason}


def test_what_the_model_imports_from_beside_it_belongs_to_it(package: Path) -> None:
    (package / "model.py").write_text("import identity_module, math, numpy")
    before = identity()
    (package.parent / "identity_module.py").write_text("import json")
    changed = {key for key, value in identity().items() if value != before[key]}
    assert changed == {"the code of one"}
    assert re.search(r"numpy \d", before["what the code of one imports"])


@pytest.mark.parametrize("kind", ["file", "directory", "files"])
def test_a_models_files_belong_to_it_wherever_they_are_named(package: Path, kind: str) -> None:
    weights = package.parent / "weights" / "deep" / "weights.bin"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"1")
    given: dict[str, Any] = {
        "file": {"parameters": {"options": [{"path": weights}]}},
        "directory": {"parameters": {"directory": str(package.parent / "weights")}},
        "files": {"files": {str(weights): "0" * 64}},
    }
    entry = ModelEntry("identity_package.model", "One", "one", **given[kind])
    before = identity_of([entry], "test_run_identity", {})
    weights.write_bytes(b"2")
    changed = {
        key for key, value in identity_of([entry], "test_run_identity", {}).items() if value != before[key]
    }
    assert len(changed) == 1


def test_a_parameter_that_cannot_be_compared_is_named_and_its_value_is_not(package: Path) -> None:
    assert package.exists()
    parameters = {"score": lambda x: x, "password": "hunter2", "log": sys.stderr}
    found = identity_of([ModelEntry("identity_module", "Two", "two", parameters)], "test_run_identity", {})
    assert found["the parameter 'score' of two"] == "can't be compared: it is, or holds, a lambda"
    assert found["the parameter 'log' of two"].startswith("can't be compared: it is, or holds, an object of ")
    assert "hunter2" not in json.dumps(found)


def test_other_models_do_not_matter(package: Path) -> None:
    before = identity("two")
    (package / "weights.bin").write_text("changed")
    assert identity("two") == before
    (package.parent / "identity_module.py").write_text("changed")
    assert identity("two") != before


def test_the_library_of_a_model_file_beside_the_configuration_belongs_to_it(package: Path) -> None:
    """Wherever the run is started: another version of the library may answer otherwise."""
    (package.parent / "churn.txt").write_text("tree\n")
    entry = {"model_file": "churn.txt", "sha256": "0" * 64}
    (package.parent / "identity_file_settings.py").write_text(
        f"from model_mapreduce_job.config import Config\nclass Mine(Config):\n    models = [{entry}]\n"
    )
    found = run_identity(load_configuration("identity_file_settings.Mine"), {"model_qualified_name": "churn"})
    assert re.search(r"lightgbm \d", found["what the code of churn imports"])
    assert not found["the file churn.txt of churn"].startswith("can't be compared")
