"""The ModelManager: one for a process, loads what a configuration names, and says what it can't load."""

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from fakes import Doubler, TakesParameters

from model_mapreduce_job.config import Config
from model_mapreduce_job.exceptions import ConfigurationError, ModelContractError, ModelNotFoundError
from model_mapreduce_job.ml_model_manager import ModelManager

DOUBLER = {"module_name": "fakes", "class_name": "Doubler"}
LAZY_DOUBLER = {**DOUBLER, "qualified_name": "Doubler"}


@pytest.fixture(autouse=True)
def manager() -> Iterator[Any]:
    """Return the process's manager, without models before and after."""
    manager = ModelManager()
    manager.load_models(configured())
    yield manager
    manager.load_models(configured())


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a directory of a package whose import is told by a file named `imported`."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own_model", raising=False)
    directory = tmp_path / "own_model"
    directory.mkdir()
    (directory / "__init__.py").write_text(
        "from pathlib import Path\n"
        "Path(__file__).with_name('imported').touch()\n"
        "from fakes import Doubler\n"
        "class Own(Doubler): qualified_name = 'own'\n"
    )
    (directory / "model.bin").write_bytes(b"weights")
    return directory


def own(**more: Any) -> Any:
    return {"module_name": "own_model", "class_name": "Own", "qualified_name": "own", **more}


def write_model(package: Path, method: str) -> None:
    """Write a model with a method of its own."""
    (package / "__init__.py").write_text(
        "from pathlib import Path\n"
        "from fakes import Doubler\n"
        "class Own(Doubler):\n"
        "    qualified_name = 'own'\n"
        f"    {method}\n"
    )


def configured(*models: Any) -> Any:
    return type("Mine", (Config,), {"models": models})


def refusal(error: type[BaseException], *models: Any, load: Any = None) -> Any:
    def load_all() -> None:
        ModelManager().load_models(configured(*models))
        ModelManager().get_model(load)

    with pytest.raises(error) as refused:
        load_all()
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_two_managers_are_the_same_object(manager: ModelManager) -> None:
    manager.load_models(configured(DOUBLER))
    assert ModelManager() is manager
    assert ModelManager().get_model("Doubler") is manager.get_model("Doubler")


def test_managers_made_at_once_by_many_threads_are_the_same_object() -> None:
    made = []
    threads = [Thread(target=lambda: made.append(ModelManager())) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(map(id, made)) == {id(ModelManager())}


def test_models_are_listed_in_the_order_of_the_configuration(manager: ModelManager) -> None:
    parameters = {"module_name": "fakes", "class_name": "TakesParameters", "parameters": {"factor": 3}}
    manager.load_models(configured(parameters, LAZY_DOUBLER))
    assert [model["qualified_name"] for model in manager.get_models()] == ["TakesParameters", "Doubler"]


def test_metadata_has_the_names_the_version_and_the_schemas(manager: ModelManager) -> None:
    manager.load_models(configured(LAZY_DOUBLER))
    assert manager.get_model_metadata("Doubler") == {
        "display_name": "Doubler",
        "qualified_name": "Doubler",
        "description": Doubler.__doc__,
        "version": "1.2",
        "input_schema": Doubler.input_schema,
        "output_schema": Doubler.output_schema,
    }


def test_parameters_go_to_the_models_init(manager: ModelManager) -> None:
    entry = {"module_name": "fakes", "class_name": "TakesParameters", "parameters": {"factor": 3}}
    manager.load_models(configured(entry))
    model = manager.get_model("TakesParameters")
    assert isinstance(model, TakesParameters)
    assert model.predict({"x": 2.0}) == 6


def test_loading_takes_the_place_of_what_was_loaded_before(manager: ModelManager) -> None:
    manager.load_models(configured(DOUBLER))
    manager.load_models(configured())
    with pytest.raises(ModelNotFoundError):
        manager.get_model("Doubler")


@pytest.mark.parametrize("get", ["get_model", "get_model_metadata", "get_model_files", "check_name"])
def test_an_unknown_name_lists_the_known_ones(manager: ModelManager, get: str) -> None:
    manager.load_models(configured(DOUBLER, own()))
    with pytest.raises(ModelNotFoundError, match=r"no model 'doubler'\. There is: Doubler, own\."):
        getattr(manager, get)("doubler")


def test_a_configuration_without_models_says_so(manager: ModelManager) -> None:
    with pytest.raises(ModelNotFoundError, match="none at all"):
        manager.get_model("Doubler")


def test_a_class_that_lacks_a_member_is_refused_with_its_name() -> None:
    entry = {"module_name": "fakes", "class_name": "LacksDescription"}
    assert "LacksDescription lacks description, minor_version." in refusal(ModelContractError, entry)


def test_a_model_with_another_name_than_its_entry_is_refused_with_both() -> None:
    message = refusal(ModelContractError, {**DOUBLER, "qualified_name": "triple"}, load="triple")
    assert "calls itself 'Doubler', the entry says 'triple'" in message


@pytest.mark.parametrize("second", [DOUBLER, LAZY_DOUBLER])
def test_two_models_of_one_name_are_refused(second: Any) -> None:
    message = refusal(ConfigurationError, DOUBLER, second)
    assert message.startswith("entry 2 of Mine.models is a second model with the name 'Doubler'")


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"module_name": "no_such", "class_name": "Model"}, "No module named 'no_such'"),
        ({"module_name": "fakes", "class_name": "Tripler"}, "Tripler"),
        ({"module_name": "", "class_name": "Doubler"}, "ValueError"),
    ],
)
@pytest.mark.parametrize("lazy", [False, True])
def test_what_can_not_be_imported_is_named_by_its_entry(entry: Any, reason: str, lazy: bool) -> None:
    if lazy:
        entry = {**entry, "qualified_name": "lost"}
    message = refusal(ConfigurationError, DOUBLER, entry, load="lost")
    assert message.startswith("entry 2 of Mine.models: ")
    assert "can't be imported" in message
    assert reason in message


def test_a_module_that_leaves_the_process_is_a_refusal(package: Path) -> None:
    (package / "__init__.py").write_text("raise SystemExit(0)")
    assert "SystemExit: 0" in refusal(ConfigurationError, own(), load="own")


@pytest.mark.parametrize("parameters", [{}, {"factor": 1, "other": 2}])
def test_parameters_that_do_not_fit_are_named_with_the_entry(parameters: Any) -> None:
    entry = {"module_name": "fakes", "class_name": "TakesParameters", "parameters": parameters}
    message = refusal(ConfigurationError, entry)
    names = ", ".join(f"{name}=..." for name in parameters)
    assert message.startswith(f"entry 1 of Mine.models: TakesParameters({names}) raised TypeError")


def test_an_entry_with_a_name_is_imported_only_when_it_is_asked_for(
    manager: ModelManager, package: Path
) -> None:
    manager.load_models(configured(own(), LAZY_DOUBLER))
    assert manager.get_models()[0] == {"qualified_name": "own"}
    manager.get_model("Doubler")
    assert not (package / "imported").exists()
    assert manager.get_model("own").predict({"x": 1.0}) == {"twice": 2.0}
    assert (package / "imported").exists()


def test_a_model_is_loaded_once(manager: ModelManager) -> None:
    manager.load_models(configured(LAZY_DOUBLER))
    assert manager.get_model("Doubler") is manager.get_model("Doubler")


def test_a_configuration_that_is_refused_leaves_the_models_that_there_were(manager: ModelManager) -> None:
    manager.load_models(configured(DOUBLER))
    refusal(ConfigurationError, {"module_name": "no_such", "class_name": "Model"})
    assert manager.get_model("Doubler")


def test_files_with_the_sha256_that_the_entry_says_are_accepted(manager: ModelManager, package: Path) -> None:
    digest = hashlib.sha256(b"weights").hexdigest()
    files = {"model.bin": digest.upper(), str(package / "model.bin"): digest}
    manager.load_models(configured(own(files=files)))
    assert manager.get_model("own")
    assert manager.get_model_files("own") == files


def test_a_file_with_another_sha256_is_refused_before_anything_is_loaded(package: Path) -> None:
    message = refusal(ConfigurationError, own(files={"model.bin": "0" * 64}), load="own")
    assert message.startswith("entry 1 of Mine.models: model.bin has the sha256 ")
    assert hashlib.sha256(b"weights").hexdigest() in message
    assert not (package / "imported").exists()


@pytest.mark.parametrize(
    ("module", "package"), [("no_such_package.model", "no_such_package"), (".model", "")]
)
def test_a_package_that_is_not_installed_is_named_rather_than_its_file(module: str, package: str) -> None:
    entry = {**own(files={"lost.bin": "0" * 64}), "module_name": module}
    message = refusal(ConfigurationError, entry, load="own")
    assert message.startswith(f"entry 1 of Mine.models: {package!r}, which has the model, is not ")


def test_verified_files_reach_the_model_as_the_paths_that_were_checked(
    manager: ModelManager, package: Path
) -> None:
    """By a parameter that names one, and all of them by a parameter named files."""
    write_model(package, "def __init__(self, path, files=None): self.given = (path, files)")
    digest = hashlib.sha256(b"weights").hexdigest()
    entry = own(files={"model.bin": digest}, parameters={"path": "model.bin"})
    manager.load_models(configured(entry))
    model: Any = manager.get_model("own")
    assert model.given == (str(package / "model.bin"), {"model.bin": str(package / "model.bin")})


@pytest.mark.parametrize("change", ["write_bytes(b'weights')", "unlink()"])
def test_a_file_that_changes_before_the_model_has_loaded_it_is_refused(package: Path, change: str) -> None:
    """Even when its content is the same again: nobody can say what was loaded."""
    write_model(package, f"def __init__(self, path): Path(path).{change}")
    digest = hashlib.sha256(b"weights").hexdigest()
    entry = own(files={"model.bin": digest}, parameters={"path": "model.bin"})
    message = refusal(ConfigurationError, entry, load="own")
    assert f"{package / 'model.bin'} was " in message
    assert "while the model was loaded" in message


@pytest.mark.parametrize("module_name", ["own_model", "fakes"])
def test_a_file_that_is_not_there_is_named(package: Path, module_name: str) -> None:
    entry = {**own(files={"lost.bin": "0" * 64}), "module_name": module_name}
    message = refusal(ConfigurationError, entry, load="own")
    assert "lost.bin can't be read: No such file or directory." in message
    assert not (package / "imported").exists()
