"""`python -m model_mapreduce_job.bundle OUTPUT` makes a bundle of the configuration in APP_SETTINGS."""

from __future__ import annotations

import argparse
import compileall
import json
import py_compile
import shutil
import sys
import tempfile
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from model_mapreduce_job.bundle.archive import write_archive
from model_mapreduce_job.bundle.contents import Contents
from model_mapreduce_job.bundle.distributions import installed_files
from model_mapreduce_job.bundle.interpreter import copy_interpreter, write_launcher
from model_mapreduce_job.bundle.model_files import libraries_of_file
from model_mapreduce_job.bundle.verification import verify_bundle, verify_libraries
from model_mapreduce_job.config import chosen_configuration
from model_mapreduce_job.exceptions import ModelMapReduceError
from model_mapreduce_job.printable import printable

if TYPE_CHECKING:
    from importlib.metadata import Distribution

    from model_mapreduce_job.bundle.contents import Package


def main() -> int:
    """Make the bundle that the command line asks for; return the exit code."""
    parser = _parser()
    options = parser.parse_args()
    if not (options.output or options.contents):
        parser.error("name the file to write, such as build/bundle.tar.gz")
    try:
        libraries = chain(options.library, *map(libraries_of_file, options.model_file))
        contents = Contents.of(chosen_configuration(), frozenset(options.hidden), libraries)
        if options.contents:
            sys.stdout.write(f"\n{json.dumps(contents.manifest())}\n")
            return 0
        names = make_bundle(contents, options.output, _first_line(options.sample))
    except (ModelMapReduceError, OSError) as error:
        sys.stderr.write(f"{printable(str(error))}\n")
        return getattr(error, "exit_code", 1)
    how = "predicts" if options.sample else "loads"
    size = options.output.stat().st_size / 1e6
    sys.stdout.write(f"{options.output}: {size:.1f} MB, {how} {', '.join(names)}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Make the archive that tasks on a cluster run in.")
    parser.add_argument("output", type=Path, nargs="?", help="where to write it: a .tar.gz")
    parser.add_argument(
        "--contents", action="store_true", help="write nothing: print what would go in, as JSON"
    )
    parser.add_argument(
        "--model_file",
        type=Path,
        action="append",
        default=[],
        metavar="PATH",
        help="a file that runs name with --model_file: its library comes along (repeatable)",
    )
    parser.add_argument(
        "--library",
        action="append",
        default=[],
        metavar="NAME",
        help="an installed package to put into the bundle with all that it requires (repeatable)",
    )
    parser.add_argument("--sample", type=Path, help="a file whose first line each model is to predict")
    parser.add_argument(
        "--hidden",
        action="append",
        default=[],
        metavar="NAME",
        help="a hidden file or directory (.NAME) to put into the bundle (repeatable); others are left out",
    )
    return parser


def make_bundle(contents: Contents, output: Path, sample: bytes | None = None) -> list[str]:
    """Write a bundle of these contents, verify that it loads each of its models, and return their names.

    Raises ConfigurationError when the contents can't be collected, or a model doesn't work with them alone.
    """
    with tempfile.TemporaryDirectory() as place:
        bundle = Path(place, "bundle")
        packages = bundle / "packages"
        for found in contents.distributions.values():
            copy_distribution(found, packages)
        for package in contents.packages:
            copy_package(package, packages)
        for name, path in contents.files.items():
            copy_model_file(path, packages / name)
        copy_interpreter(bundle / "interpreter")
        write_launcher(bundle / "bin" / "python")
        names = verify_bundle(bundle, contents.settings, sample)
        verify_libraries(bundle, contents.settings, contents.libraries)
        _compile(bundle)
        output.parent.mkdir(parents=True, exist_ok=True)
        write_archive(bundle, contents.manifest(), output)
    return names


def copy_distribution(found: Distribution, target: Path) -> None:
    """Copy a distribution's installed files; a registry may have another one of the same name."""
    for name, content, mode in installed_files(found):
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(content)
        copy.chmod(mode)


def copy_package(package: Package, target: Path) -> None:
    """Copy a package that is used from its source tree, with its distribution's metadata."""
    for path in package.files():
        copy = target / path.relative_to(package.place.parent)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)
    if package.distribution:
        info = target / f"{package.name}-{package.distribution.version}.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (info / "METADATA").write_text(package.distribution.read_text("METADATA") or "", encoding="utf-8")


def copy_model_file(path: Path, target: Path) -> None:
    """Copy a model's file or directory."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        shutil.copytree(path, target, dirs_exist_ok=True)
    else:
        shutil.copy2(path, target)


def _first_line(sample: Path | None) -> bytes | None:
    if sample is None:
        return None
    with sample.open("rb") as file:
        return file.readline().rstrip(b"\r\n") + b"\n"


def _compile(bundle: Path) -> None:
    # files in a cluster's cache may have any time stamp, and tasks can't write there
    checked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(bundle, quiet=2, invalidation_mode=checked, workers=0, stripdir=str(bundle))


if __name__ == "__main__":
    sys.exit(main())
