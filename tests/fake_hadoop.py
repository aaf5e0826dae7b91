"""Stands for the `hadoop` command: its `fs` does to a folder, FAKE_HDFS, what Hadoop's does to HDFS.

FAKE_HADOOP_COMPLAINT makes each command fail with that on standard error, as a cluster that is down does.
"""

import glob
import os
import re
import shutil
import sys
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(os.environ["FAKE_HDFS"])
OPTIONS = ("-p", "-d", "-R", "-r", "-f", "-skipTrash")


def main(arguments: list[str]) -> int:
    """Run one command; its exit code."""
    with (ROOT.parent / "calls").open("a", encoding="utf-8") as calls:
        calls.write(" ".join(arguments) + "\n")
    if complaint := os.environ.get("FAKE_HADOOP_COMPLAINT"):
        sys.stderr.write(f"2026-01-01 00:00:00,000 WARN util.Native: no library\n{complaint}\n")
        return 1
    if arguments[0] != "fs":
        return 0
    _, *rest = arguments
    while rest[0] == "-D":
        name, _, value = rest[1].partition("=")
        if name == "fs.permissions.umask-mode":
            os.umask(int(value, 8))
        rest = rest[2:]
    command, *rest = rest
    paths = [argument for argument in rest if argument not in OPTIONS]
    return {"-ls": ls, "-cat": cat, "-mkdir": mkdir, "-put": put, "-mv": mv, "-rm": rm, "-touchz": touchz}[
        command
    ](paths)


def ls(paths: list[str]) -> int:
    """List files, and what is in directories."""
    code = 0
    for path in paths:
        found = matches(path)
        if not found:
            sys.stderr.write(f"ls: `{path}': No such file or directory\n")
            code = 1
        for place in found:
            entries = sorted(place.rglob("*")) if place.is_dir() else [place]
            for entry in entries:
                kind = "d" if entry.is_dir() else "-"
                uri = f"hdfs:///{entry.relative_to(ROOT)}"
                sys.stdout.write(
                    f"{kind}rw-r--r--   1 me us {entry.stat().st_size:10} 2026-01-01 00:00 {uri}\n"
                )
    return code


def cat(paths: list[str]) -> int:
    """Print files."""
    for path in paths:
        found = matches(path)
        if not found:
            sys.stderr.write(f"cat: `{path}': No such file or directory\n")
            return 1
        for place in found:
            sys.stdout.buffer.write(place.read_bytes())
    return 0


def mkdir(paths: list[str]) -> int:
    """Make directories."""
    for path in paths:
        local(path).mkdir(parents=True, exist_ok=True)
    return 0


def put(paths: list[str]) -> int:
    """Copy files of this machine, which are named by URIs."""
    *sources, target = paths
    for source in map(unquote, sources):
        place = local(target)
        copy = place / Path(source).name if place.is_dir() else place
        copy.write_bytes(Path(source.removeprefix("file://")).read_bytes())
    return 0


def mv(paths: list[str]) -> int:
    """Rename."""
    local(paths[0]).rename(local(paths[1]))
    return 0


def rm(paths: list[str]) -> int:
    """Remove what is there."""
    for path in paths:
        for place in matches(path):
            shutil.rmtree(place) if place.is_dir() else place.unlink()
    return 0


def touchz(paths: list[str]) -> int:
    """Make empty files."""
    for path in paths:
        local(path).touch()
    return 0


def local(path: str) -> Path:
    """Return where a path of HDFS is in the folder."""
    return ROOT / path.removeprefix("hdfs://").lstrip("/")


def matches(path: str) -> list[Path]:
    """Return what is at a path or glob, in which a backslash takes a character for what it is."""
    pattern = re.sub(r"\\(.)", lambda found: glob.escape(found[1]), str(local(path)))
    return [Path(found) for found in sorted(glob.glob(pattern))]  # noqa: PTH207 - dot names count as well


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
