"""`pip install` on a node, without a package index: what the test's own environment has is what can be had.

A requirement is met by linking the distribution, and those that it needs, into the node's site-packages; what
the environment lacks or has in another version fails as pip fails. A directory is built by the real pip.
"""

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement

OPTIONS: Final = ("--quiet", "--no-input", "--disable-pip-version-check", "--root-user-action=ignore", "-q")
BUILD: Final = ("--no-index", "--no-deps", "--no-build-isolation", "--quiet", "--disable-pip-version-check")


def main(arguments: list[str]) -> int:
    """Install into a site-packages directory, and return pip's exit code."""
    site, command, *rest = arguments
    if command != "install":
        sys.stderr.write(f'ERROR: unknown command "{command}"\n')
        return 1
    try:
        for target in (item for item in rest if item not in OPTIONS):
            _install(Path(site), target)
    except LookupError as why:
        sys.stderr.write(f"ERROR: {why}\n")
        return 1
    return 0


def _install(site: Path, target: str) -> None:
    if not Path(target).is_dir():
        _link_all(site, [Requirement(target)])
        return
    before = set(site.glob("*.dist-info"))
    subprocess.run([sys.executable, "-m", "pip", "install", *BUILD, "--target", site, target], check=True)
    built = set(site.glob("*.dist-info")) - before
    for found in distributions(path=[str(site)]):
        if Path(str(found.locate_file(""))) / f"{found.name}-{found.version}.dist-info" in built:
            _link_all(site, _needs(found))


def _link_all(site: Path, wanted: Iterable[Requirement]) -> None:
    todo, seen = list(wanted), set[str]()
    while todo:
        requirement = todo.pop()
        if requirement.name not in seen:
            seen.add(requirement.name)
            todo += _link(site, requirement)


def _link(site: Path, requirement: Requirement) -> Iterator[Requirement]:
    try:
        found = distribution(requirement.name)
    except PackageNotFoundError as why:
        raise LookupError(f"No matching distribution found for {requirement}") from why
    if not requirement.specifier.contains(found.version, prereleases=True):
        raise LookupError(
            f"No matching distribution found for {requirement} (from versions: {found.version})"
        )
    tops = {path.parts[0] for path in found.files or () if path.parts[0] not in {"..", "__pycache__"}}
    for top in tops:
        if not (site / top).exists():
            (site / top).symlink_to(str(found.locate_file(top)))
    return _needs(found)


def _needs(found: Distribution) -> Iterator[Requirement]:
    for line in found.requires or ():
        requirement = Requirement(re.sub(r"\s+", " ", line))
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
