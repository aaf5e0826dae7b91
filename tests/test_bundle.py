"""Bundles: what goes into one, that it runs by itself, and that an old one is noticed."""

import os
import shlex
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest
from trained_files import TRAINERS

from model_mapreduce_job.bundle.__main__ import make_bundle
from model_mapreduce_job.bundle.archive import pack, read_manifest, write_archive
from model_mapreduce_job.bundle.choice import find_bundle
from model_mapreduce_job.bundle.contents import Contents, Package
from model_mapreduce_job.bundle.distributions import closure, installed, installed_files
from model_mapreduce_job.bundle.imports import Imports
from model_mapreduce_job.bundle.interpreter import interpreter_name, write_launcher
from model_mapreduce_job.bundle.model_files import libraries_of_file
from model_mapreduce_job.bundle.verification import verify_libraries
from model_mapreduce_job.exceptions import ConfigurationError, InputError
from model_mapreduce_job.models.files import path_digest
from model_mapreduce_job.task.task_options import TaskOptions

PROJECT = Path(__file__).resolve().parent.parent
RECORD = b'{"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}\n'
CONFIGURATION = """\
from model_mapreduce_job.config import Config


class Mine(Config):
    models = ({"qualified_name": "mine", "module_name": "my_model.predict", "class_name": "Mine"},)
"""


FILE_SETTINGS = """\
from model_mapreduce_job.config import Config


class Files(Config):
    models = ({entry},)


class Both(Config):
    models = (*Config.models, *Files.models)
"""


@dataclass(frozen=True)
class Made:
    """A bundle of the default models and a model file beside its configuration: it takes seconds to make."""

    path: Path
    names: list[str]
    file: Path


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    place = tmp_path_factory.mktemp("bundle")
    file = place / "files" / "churn.onnx"
    file.parent.mkdir()
    shutil.copy(PROJECT / "examples" / "model_files" / "churn.onnx", file)
    entry = {"qualified_name": "churn", "model_file": "files/churn.onnx", "sha256": path_digest(file)}
    (place / "file_settings.py").write_text(FILE_SETTINGS.format(entry=entry), encoding="utf-8")
    path = place / "bundle.tar.gz"
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(place)
        names = make_bundle(Contents.of("file_settings.Both", libraries=["joblib"]), path)
        yield Made(path, names, file)


@pytest.fixture
def my_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a model and its configuration on the path; neither is installed."""
    package = tmp_path / "sources" / "my_model"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "predict.py").write_text("class Mine: ...\n", encoding="utf-8")
    (package.parent / "my_settings.py").write_text(CONFIGURATION, encoding="utf-8")
    monkeypatch.syspath_prepend(package.parent)
    monkeypatch.setenv("APP_SETTINGS", "my_settings.Mine")
    return package


def manifest_only(path: Path, settings: str, *libraries: str) -> Path:
    """Write a bundle that has nothing but what it says of itself."""
    place = path.parent / "empty"
    place.mkdir(exist_ok=True)
    write_archive(place, Contents.of(settings, libraries=libraries).manifest(), path)
    return path


def test_unpacked_anywhere_it_predicts_without_anything_of_this_environment(
    bundle: Made, tmp_path: Path
) -> None:
    """Its own Python finds the job, the model and its libraries, in an environment that has nothing else."""
    with tarfile.open(bundle.path) as archive:
        archive.extractall(tmp_path / "node", filter="data")
    script = PROJECT / "model_mapreduce_job" / "shipped_script.py"
    task = [tmp_path / "node" / "bin" / "python", script, "--mapper", "--step-num=0"]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONHOME": "/nowhere", "HOME": "/nowhere"}
    options = ["--model_qualified_name", "iris_model"]
    done = subprocess.run(
        [*task, *options], input=RECORD, cwd=tmp_path, env=environment, capture_output=True, check=True
    )
    assert done.stdout == RECORD.strip() + b'\t{"species": "setosa"}\n'
    look = "import sys; print(*sys.path, sep='\\n')"
    python = tmp_path / "node" / "bin" / "python"
    done = subprocess.run(
        [python, "-c", look], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True
    )
    assert all(path.startswith(str(tmp_path)) for path in done.stdout.split())


def test_the_commands_line_makes_one_and_tells_mistakes_in_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "model_mapreduce_job.bundle", str(tmp_path / "b.tar.gz")]
    environment = {**os.environ, "APP_SETTINGS": "NoSuchConfig"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "NoSuchConfig" in line


def test_a_launcher_without_any_python_says_so(tmp_path: Path) -> None:
    launcher = tmp_path / "bin" / "python"
    write_launcher(launcher)
    done = subprocess.run(
        ["/bin/sh", launcher, "-c", ""],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 127
    assert f"nor a {interpreter_name()} of its own" in done.stderr


def test_a_configuration_of_ones_own_brings_its_package_and_its_models(my_model: Path) -> None:
    contents = Contents.of("my_settings.Mine")
    assert [package.name for package in contents.packages] == [
        "model_mapreduce_job",
        "my_model",
        "my_settings",
    ]
    assert list(Package("my_model").files()) == [my_model / "__init__.py", my_model / "predict.py"]
    assert [path.name for path in Package("my_settings").files()] == ["my_settings.py"]


def test_what_a_plain_module_imports_comes_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules beside it, wherever it imports them, and installed packages."""
    text = "import json, msgspec\nfrom beside_it import *\ndef late():\n    import no_such_thing, tqdm\n"
    (tmp_path / "my_plain_model.py").write_text(text, encoding="utf-8")
    (tmp_path / "beside_it").mkdir()
    (tmp_path / "beside_it" / "__init__.py").write_text("from .deep import x\n", encoding="utf-8")
    (tmp_path / "beside_it" / "deep.py").write_text("import yaml\nx = 1\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    imports = Imports.of(["my_plain_model"])
    assert imports.plain == ["my_plain_model", "beside_it"]
    assert sorted(imports.distributions) == ["PyYAML", "msgspec", "tqdm"]


def test_a_distribution_comes_with_all_that_it_asks_for_here() -> None:
    needed = closure(["model-mapreduce-job"])
    assert {"mrjob", "msgspec", "pyyaml", "tqdm", "backports-zstd"} <= set(needed)
    assert "boto3" not in needed, "only an extra asks for it"
    assert ("standard-pipes" in needed) == (sys.version_info >= (3, 13))


def test_files_are_copied_as_they_were_installed_or_not_at_all(tmp_path: Path) -> None:
    names = [name for name, _, _ in installed_files(installed()["msgspec"])]
    assert "msgspec/__init__.py" in names
    assert not [name for name in names if name.endswith((".pyc", "INSTALLER")) or ".." in name]
    info = tmp_path / "acme-1.dist-info"
    info.mkdir()
    (tmp_path / "acme.py").write_text("changed = True\n", encoding="utf-8")
    (info / "METADATA").write_text("Name: acme\nVersion: 1\n", encoding="utf-8")
    (info / "RECORD").write_text("acme.py,sha256=AAAA,15\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"acme\.py of acme 1 has changed since it was installed"):
        list(installed_files(PathDistribution(info)))


def test_hidden_files_stay_out_unless_they_are_named(my_model: Path) -> None:
    (my_model / ".env").write_text("SECRET=1", encoding="utf-8")
    (my_model / ".git").mkdir()
    (my_model / ".git" / "config").touch()
    (my_model / ".vocabulary").touch()
    assert [path.name for path in Package("my_model").files()] == ["__init__.py", "predict.py"]
    named = Package("my_model", frozenset({".vocabulary"}))
    assert [path.name for path in named.files()] == [".vocabulary", "__init__.py", "predict.py"]


def test_a_link_that_leads_out_of_a_package_is_refused(my_model: Path, tmp_path: Path) -> None:
    (my_model / "alias.py").symlink_to("predict.py")
    assert len(list(Package("my_model").files())) == 3
    (tmp_path / "private").touch()
    (my_model / "data").symlink_to(tmp_path / "private")
    with pytest.raises(
        ConfigurationError, match=r"data is a link to .*private, which is not a file of the pack"
    ):
        list(Package("my_model").files())


def test_a_model_that_does_not_load_in_a_bundle_gives_none(my_model: Path, tmp_path: Path) -> None:
    """The reason is one line; a bundle that was there before stays."""
    late = "import importlib\nimportlib.import_module('py' + 'dantic')\nclass Mine: ...\n"
    (my_model / "predict.py").write_text(late, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"^No bundle was made, since .*pydantic[^\n]*$"):
        make_bundle(Contents.of("my_settings.Mine"), tmp_path / "b.tar.gz")
    assert not (tmp_path / "b.tar.gz").exists()


def test_a_bundle_that_others_may_change_is_not_run(my_model: Path, tmp_path: Path) -> None:
    assert my_model.exists()
    path = manifest_only(tmp_path / "b.tar.gz", "my_settings.Mine")
    path.chmod(0o664)
    with pytest.raises(ConfigurationError, match="Others may write to the bundle"):
        find_bundle(str(path), TaskOptions())
    path.chmod(0o644)
    tmp_path.chmod(0o777)
    with pytest.raises(ConfigurationError, match=r"Others may write to the bundle .* or to its directory"):
        find_bundle(str(path), TaskOptions())


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to be two users")
def test_a_bundle_of_another_user_is_not_run(my_model: Path, tmp_path: Path) -> None:
    assert my_model.exists()
    path = manifest_only(tmp_path / "b.tar.gz", "my_settings.Mine")
    os.chown(path, 65534, 65534)
    with pytest.raises(ConfigurationError, match="is not yours: it's user 65534's"):
        find_bundle(str(path), TaskOptions())


def test_a_package_that_is_nowhere_is_told() -> None:
    with pytest.raises(ConfigurationError, match="The package no_such_package can't be found"):
        list(Package("no_such_package").files())


def test_the_same_files_give_the_same_bytes_and_keep_their_times(tmp_path: Path) -> None:
    """Whenever they are packed: a pooled cluster of EMR is one that has the same files."""
    place = tmp_path / "d"
    (place / "below").mkdir(parents=True)
    files = [place / "a.py", place / "below" / "b.pyc"]
    for time, file in enumerate(files, 1_000_000):
        file.write_text(file.name)
        os.utime(file, (time, time))
    for name, order in (("one", files), ("other", files[::-1])):
        pack(place, order, tmp_path / f"{name}.tar.gz")
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "other.tar.gz").read_bytes()
    assert (tmp_path / "one.tar.gz").read_bytes()[4:8] == bytes(4)  # the time in gzip's header
    with tarfile.open(tmp_path / "one.tar.gz") as archive:
        assert [(each.name, each.mtime) for each in archive] == [
            ("a.py", 1_000_000),
            ("below/b.pyc", 1_000_001),
        ]


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        place = tmp_path / name
        place.mkdir()
        for file in ("z", "y") if name == "a" else ("y", "z"):
            (place / file).write_text(file, encoding="ascii")
        write_archive(place, {"python": "3.11"}, tmp_path / f"{name}.tar.gz")
    assert (tmp_path / "a.tar.gz").read_bytes() == (tmp_path / "b.tar.gz").read_bytes()
    assert read_manifest(tmp_path / "a.tar.gz") == {"python": "3.11"}


def test_modes_are_kept(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    for name, mode in (("private", 0o600), ("program", 0o755)):
        (place / name).touch()
        (place / name).chmod(mode)
    write_archive(place, {"python": "3.11"}, tmp_path / "a.tar.gz")
    with tarfile.open(tmp_path / "a.tar.gz") as archive:
        assert {entry.name: entry.mode for entry in archive if entry.name != "bundle.json"} == {
            "private": 0o600,
            "program": 0o755,
        }


def test_a_bundle_of_the_same_models_is_used(my_model: Path, tmp_path: Path) -> None:
    assert my_model.exists()
    path = manifest_only(tmp_path / "b.tar.gz", "my_settings.Mine")
    assert find_bundle(str(path), TaskOptions()) == path


def test_a_model_that_has_changed_since_is_noticed(my_model: Path, tmp_path: Path) -> None:
    path = manifest_only(tmp_path / "b.tar.gz", "my_settings.Mine")
    (my_model / "predict.py").write_text("class Mine: better = True\n", encoding="utf-8")
    with pytest.raises(
        ConfigurationError, match=r"was made of other sources: my_model\. Make it again: make bundle"
    ):
        find_bundle(str(path), TaskOptions())


def test_a_bundle_of_other_settings_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = manifest_only(tmp_path / "b.tar.gz", "ProdConfig")
    monkeypatch.setenv("APP_SETTINGS", "DevConfig")
    with pytest.raises(ConfigurationError, match="other settings: ProdConfig, not DevConfig"):
        find_bundle(str(path), TaskOptions())


def test_a_bundle_of_another_version_of_the_job_is_noticed(my_model: Path, tmp_path: Path) -> None:
    """Which may say more of itself than this one knows."""
    manifest = {**Contents.of("my_settings.Mine").manifest(), "machine": {"name": "arm64"}}
    assert my_model.exists()
    (tmp_path / "empty").mkdir()
    write_archive(tmp_path / "empty", manifest, tmp_path / "b.tar.gz")
    with pytest.raises(ConfigurationError, match=r"other machine: {'name': 'arm64'}, which this version"):
        find_bundle(str(tmp_path / "b.tar.gz"), TaskOptions())


def test_a_bundle_that_is_none_is_told(tmp_path: Path) -> None:
    path = tmp_path / "b.tar.gz"
    path.write_bytes(b"nothing")
    with pytest.raises(ConfigurationError, match="can't be read"):
        find_bundle(str(path), TaskOptions())
    with tarfile.open(path, "w:gz"):
        pass
    with pytest.raises(ConfigurationError, match="is not a bundle"):
        find_bundle(str(path), TaskOptions())


def test_without_a_bundle_tasks_run_in_what_their_nodes_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_bundle(None, TaskOptions()) is None
    assert find_bundle("none", TaskOptions()) is None
    with pytest.raises(InputError, match=r"There is no bundle mine\.tar\.gz"):
        find_bundle("mine.tar.gz", TaskOptions())


def test_a_model_file_of_an_entry_comes_along_with_its_library(bundle: Made) -> None:
    """Beside the configuration, and verified: the bundle's own Python loads it."""
    contents = Contents.of("file_settings.Files", libraries=["joblib"])
    assert contents.files == {"files/churn.onnx": bundle.file}
    assert {"onnxruntime", "joblib"} <= contents.distributions.keys()
    assert bundle.names == ["iris_model", "churn"]
    manifest = read_manifest(bundle.path)
    assert manifest["sources"]["files/churn.onnx"] == path_digest(bundle.file)


@pytest.mark.parametrize("name", ["/tmp/churn.onnx", "../churn.onnx", "none.onnx"])  # noqa: S108 - no file
def test_a_model_file_elsewhere_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """In one line that names it: tasks would not find it in the bundle."""
    entry = {"qualified_name": "churn", "model_file": name, "sha256": "0" * 64}
    settings = "from model_mapreduce_job.config import Config\n\n\nclass Files(Config):\n    models = ({},)\n"
    module = f"settings_{len(name)}"
    (tmp_path / f"{module}.py").write_text(settings.format(entry), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigurationError, match=name):
        Contents.of(f"{module}.Files")


@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred")  # of MLflow's own classes
@pytest.mark.parametrize("library", ["lightgbm", "mlflow"])
def test_a_bundle_without_the_library_of_a_runs_model_file_is_refused(
    my_model: Path, tmp_path: Path, library: str
) -> None:
    """In one line with the command that makes it anew, whose bundle is then used."""
    file = TRAINERS[library](my_model.parent).path
    options = TaskOptions(model_file=str(file))
    path = manifest_only(tmp_path / "b.tar.gz", "my_settings.Mine")
    assert find_bundle(str(path), TaskOptions()) == path
    with pytest.raises(ConfigurationError, match=rf"lacks {library}") as caught:
        find_bundle(str(path), options)
    command = shlex.split(str(caught.value).partition("Make it again: ")[2])
    assert command[3:] == [str(path), f"--model_file={file}"]
    manifest_only(path, "my_settings.Mine", *libraries_of_file(file))
    assert find_bundle(str(path), options) == path


@pytest.mark.usefixtures("my_model")
@pytest.mark.parametrize(
    ("task", "library", "use"),
    [
        (TaskOptions(is_profiled=True), "datasketches", "which a profile is made with"),
        (TaskOptions(input_protocol="avro"), "fastavro", "which reads avro"),
    ],
)
def test_a_bundle_without_what_a_run_asks_for_is_refused(
    tmp_path: Path, task: TaskOptions, library: str, use: str
) -> None:
    """The command that makes it anew keeps the libraries that it has."""
    path = manifest_only(tmp_path / "b.tar.gz", "my_settings.Mine", "joblib")
    with pytest.raises(ConfigurationError, match=rf"lacks {library}, {use}\.") as caught:
        find_bundle(str(path), task)
    command = shlex.split(str(caught.value).partition("Make it again: ")[2])
    assert command[3:] == [str(path), "--library=joblib", f"--library={library}"]
    manifest_only(path, "my_settings.Mine", "joblib", library)
    assert find_bundle(str(path), task) == path


@pytest.mark.usefixtures("my_model")
def test_a_library_that_is_not_here_can_not_go_into_a_bundle() -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere is not installed here\. Install it: pip install"):
        Contents.of("my_settings.Mine", libraries=["nowhere"])


def test_a_library_that_a_bundles_python_can_not_import_is_refused(tmp_path: Path) -> None:
    """Here that of the standard library alone."""
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    with pytest.raises(ConfigurationError, match="No module named 'joblib'"):
        verify_libraries(tmp_path, "my_settings.Mine", ["joblib"])
