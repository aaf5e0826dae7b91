"""Configurations: found by name, and refused in one line that says why."""

import sys
from pathlib import Path
from typing import Any

import pytest

from model_mapreduce_job import config
from model_mapreduce_job.config import Config, ProdConfig, entries, load_configuration
from model_mapreduce_job.exceptions import ConfigurationError

ENVIRONMENTS = ["Config", "ProdConfig", "BetaConfig", "TestConfig", "DevConfig"]


@pytest.fixture
def own_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that writes a module of the user's own and gives its name."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(text: str, name: str = "own_configuration") -> str:
        monkeypatch.delitem(sys.modules, name, raising=False)
        (tmp_path / f"{name}.py").write_text(text)
        return name

    return write


def refusal(name: str) -> Any:
    with pytest.raises(ConfigurationError) as refused:
        load_configuration(name)
    message = str(refused.value)
    assert "\n" not in message
    assert f"APP_SETTINGS={name!r}" in message
    return message


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_bare_name_is_one_of_this_module(name: str) -> None:
    assert load_configuration(name) is getattr(config, name)


@pytest.mark.parametrize("unset", [None, ""])
def test_unset_means_prod_config(unset: Any) -> None:
    assert load_configuration(unset) is ProdConfig


def test_a_dotted_path_is_a_class_of_the_users_own_module(own_module: Any) -> None:
    name = own_module("from model_mapreduce_job.config import Config\nclass Mine(Config): models = ()\n")
    assert load_configuration(f"{name}.Mine").models == ()


def test_an_unknown_bare_name_lists_those_that_there_are() -> None:
    message = refusal("StagingConfig")
    for name in ENVIRONMENTS[1:]:
        assert name in message


def test_an_unknown_name_in_a_module_of_ones_own_lists_that_modules(own_module: Any) -> None:
    name = own_module("from model_mapreduce_job.config import Config\nclass Mine(Config): models = ()\n")
    assert f"{name} has Mine" in refusal(f"{name}.Yours")


def test_a_module_without_any_configuration_says_so(own_module: Any) -> None:
    assert "has no subclass of Config" in refusal(own_module("") + ".Mine")


@pytest.mark.parametrize("line", ["class Mine: models = ()", "Mine = 5", "def Mine(): ..."])
def test_what_is_no_subclass_of_config_is_refused(own_module: Any, line: bytes) -> None:
    assert "names no configuration" in refusal(own_module(line) + ".Mine")


@pytest.mark.parametrize("name", ["no_such_module.Mine", ".ProdConfig.", "ProdConfig.", "...Mine"])
def test_a_module_that_is_not_there_is_one_line(name: str) -> None:
    assert "can't be imported" in refusal(name)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("raise RuntimeError('no database')", "RuntimeError: no database"),
        ("import sys; sys.exit(0)", "SystemExit: 0"),
        ("def (", "SyntaxError"),
        ("import not_installed_anywhere", "No module named 'not_installed_anywhere'"),
    ],
)
def test_a_module_that_raises_while_it_is_imported_is_named_with_its_error(
    own_module: Any, line: bytes, reason: str
) -> None:
    assert reason in refusal(own_module(line) + ".Mine")


def configured(models: Any) -> Any:
    return type("Mine", (Config,), {"models": models})


def test_entries_have_what_was_given_and_defaults_for_the_rest() -> None:
    first, second = entries(
        configured(
            [
                {"module_name": "a.b", "class_name": "C"},
                {
                    "module_name": "d",
                    "class_name": "E",
                    "qualified_name": "e",
                    "parameters": {"path": object},
                    "files": {"m.bin": "0a"},
                },
            ]
        )
    )
    assert (first.qualified_name, first.parameters, first.files) == (None, {}, {})
    assert (second.qualified_name, second.parameters, second.files) == (
        "e",
        {"path": object},
        {"m.bin": "0a"},
    )


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"module_name": "a"}, "`class_name`"),
        ({"class_name": "C"}, "`module_name`"),
        ({"module_name": "a", "class_name": "C", "paramters": {}}, "'paramters'"),
        ({"module_name": 5, "class_name": "C"}, "$.module_name"),
        ({"module_name": "a", "class_name": "C", "files": ["m.bin"]}, "$.files"),
        ({"module_name": "a", "class_name": "C", "files": {"m.bin": None}}, "$.files"),
        ("a.C", "It is no dict"),
        (None, "It is no dict"),
    ],
)
def test_a_malformed_entry_is_named_by_its_place_and_its_flaw(entry: Any, reason: str) -> None:
    good = {"module_name": "a", "class_name": "C"}
    with pytest.raises(ConfigurationError, match=r"^entry 2 of Mine\.models can't be used") as refused:
        entries(configured([good, entry]))
    assert reason in str(refused.value)


@pytest.mark.parametrize("models", [None, 5, {"module_name": "a", "class_name": "C"}])
def test_models_that_are_no_list_are_refused(models: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"Mine\.models is a .*: it must be a list"):
        entries(configured(models))


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_configurations_that_come_along_are_well_formed(name: str) -> None:
    assert [entry.qualified_name for entry in entries(getattr(config, name))] == ["iris_model"]
