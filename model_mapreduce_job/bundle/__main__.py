"""`python -m model_mapreduce_job.bundle OUTPUT` makes the bundle of APP_SETTINGS' configuration."""

from __future__ import annotations

import argparse
import compileall
import json
import os
import py_compile
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from model_mapreduce_job.bundle.archive import write_archive
from model_mapreduce_job.bundle.contents import Contents
from model_mapreduce_job.bundle.distributions import installed_files
from model_mapreduce_job.bundle.interpreter import copy_interpreter, write_launcher
from model_mapreduce_job.bundle.trial import try_bundle
from model_mapreduce_job.exceptions import ModelMapReduceError
from model_mapreduce_job.printable import printable

if TYPE_CHECKING:
    from importlib.metadata import Distribution

    from model_mapreduce_job.bundle.contents import Package


def main() -> int:
    """Make the bundle that the command line asks for; return the exit code."""
    parser = argparse.ArgumentParser(description="Make the archive that tasks on a cluster run in.")
    parser.add_argument("output", type=Path, nargs="?", help="where to write it: a .tar.gz")
    parser.add_argument(
        "--contents", action="store_true", help="write nothing: print what would go in, as JSON"
    )
    parser.add_argument("--sample", type=Path, help="a file whose first line each model is to predict")
    parser.add_argument(
        "--hidden",
        action="append",
        default=[],
        metavar="NAME",
        help="a name with a dot before it that belongs into the bundle (repeatable); others are left out",
    )
    options = parser.parse_args()
    if not (options.output or options.contents):
        parser.error("name the file to write, such as build/bundle.tar.gz")
    try:
        contents = Contents.of(os.environ.get("APP_SETTINGS"), frozenset(options.hidden))
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


def make_bundle(contents: Contents, output: Path, sample: bytes | None = None) -> list[str]:
    """Write a bundle of these contents and return its models' names, all of which it was seen to load.

    Raises ConfigurationError when the contents can't be brought together, or don't do alone.
    """
    with tempfile.TemporaryDirectory() as place:
        bundle = Path(place, "bundle")
        packages = bundle / "packages"
        for found in contents.distributions.values():
            copy_distribution(found, packages)
        for package in contents.packages:
            copy_package(package, packages)
        copy_interpreter(bundle / "interpreter")
        write_launcher(bundle / "bin" / "python")
        names = try_bundle(bundle, contents.settings, sample)
        _compile(bundle)
        output.parent.mkdir(parents=True, exist_ok=True)
        write_archive(bundle, contents.manifest(), output)
    return names


def copy_distribution(found: Distribution, target: Path) -> None:
    """Copy a distribution as it was installed: in a registry its name may be anybody's."""
    for name, content, mode in installed_files(found):
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(content)
        copy.chmod(mode)


def copy_package(package: Package, target: Path) -> None:
    """Copy a package that is used from its source tree, and what its distribution says of it."""
    for path in package.files():
        copy = target / path.relative_to(package.place.parent)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)
    if package.distribution:
        info = target / f"{package.name}-{package.distribution.version}.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (info / "METADATA").write_text(package.distribution.read_text("METADATA") or "", encoding="utf-8")


def _first_line(sample: Path | None) -> bytes | None:
    if sample is None:
        return None
    with sample.open("rb") as file:
        return file.readline().rstrip(b"\r\n") + b"\n"


def _compile(bundle: Path) -> None:
    # what is fetched from a cluster's cache may have any time stamp, and tasks may not write there
    checked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(bundle, quiet=2, invalidation_mode=checked, workers=0, stripdir=str(bundle))


if __name__ == "__main__":
    sys.exit(main())
