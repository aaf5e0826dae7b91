"""`python -m model_mapreduce_job.bundle OUTPUT` makes the bundle of APP_SETTINGS' configuration."""

from __future__ import annotations

import argparse
import compileall
import os
import py_compile
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from model_mapreduce_job.bundle.archive import write_archive
from model_mapreduce_job.bundle.contents import Contents, installed_versions
from model_mapreduce_job.bundle.interpreter import copy_interpreter, write_launcher
from model_mapreduce_job.exceptions import ConfigurationError, ModelMapReduceError

if TYPE_CHECKING:
    from model_mapreduce_job.bundle.contents import Package


def main() -> int:
    """Make the bundle that the command line asks for; return the exit code."""
    parser = argparse.ArgumentParser(description="Make the archive that tasks on a cluster run in.")
    parser.add_argument("output", type=Path, help="where to write it: a .tar.gz")
    options = parser.parse_args()
    try:
        make_bundle(Contents.of(os.environ.get("APP_SETTINGS")), options.output)
    except ModelMapReduceError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(f"{options.output}: {options.output.stat().st_size / 1e6:.1f} MB\n")
    return 0


def make_bundle(contents: Contents, output: Path) -> None:
    """Write a bundle of these contents; raises ConfigurationError when they can't be brought together."""
    with tempfile.TemporaryDirectory() as place:
        bundle = Path(place, "bundle")
        packages = bundle / "packages"
        install(contents.requirements(), packages)
        for package in contents.sources():
            copy_package(package, packages)
        copy_interpreter(bundle / "interpreter")
        write_launcher(bundle / "bin" / "python")
        _compile(bundle)
        output.parent.mkdir(parents=True, exist_ok=True)
        write_archive(bundle, contents.manifest(), output)


def install(requirements: list[str], target: Path) -> None:
    """Install requirements and theirs into a directory, in the versions that this environment has."""
    constraints = target.with_suffix(".constraints")
    constraints.parent.mkdir(parents=True, exist_ok=True)
    constraints.write_text("\n".join(installed_versions()), encoding="utf-8")
    options = ["--quiet", "--disable-pip-version-check", "--no-compile", "--constraint", str(constraints)]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(target), *requirements]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603 - pip
    constraints.unlink()
    if done.returncode:
        raise ConfigurationError(f"The bundle's packages can't be installed: {done.stderr.strip()}")


def copy_package(package: Package, target: Path) -> None:
    """Copy a package that is used from its source tree, and what its distribution says of it."""
    for path in package.files():
        copy = target / path.relative_to(package.place.parent)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)
    if package.distribution:
        info = target / f"{package.name}-{package.distribution.version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(package.distribution.read_text("METADATA") or "", encoding="utf-8")


def _compile(bundle: Path) -> None:
    # what is fetched from a cluster's cache may have any time stamp, and tasks may not write there
    checked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(bundle, quiet=2, invalidation_mode=checked, workers=0, stripdir=str(bundle))


if __name__ == "__main__":
    sys.exit(main())
