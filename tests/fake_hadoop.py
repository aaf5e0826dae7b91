"""Stands for the `hadoop` command: its `fs` does to a folder, FAKE_HDFS, what Hadoop's does to HDFS.

FAKE_HADOOP_COMPLAINT makes each command fail with that on standard error, as a cluster that is down does.
FAKE_JAVA says what the Java class does that serves commands: it is not found, or it `serves`, after a
`greeting` of this site's own, `knows no ranges` of files, `dies` in each command, or `hangs` in what nobody
reads on.
"""

import glob
import os
import re
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(os.environ["FAKE_HDFS"])
SERVER = "modelmapreducejob.CommandServer"
OPTIONS = ("-p", "-d", "-R", "-r", "-f", "-skipTrash")


def main(arguments: list[str]) -> int:
    """Run one command; its exit code."""
    if arguments == [SERVER]:
        return serve(os.environ.get("FAKE_JAVA", ""))
    with (ROOT.parent / "calls").open("a", encoding="utf-8") as calls:
        calls.write(" ".join(arguments) + "\n")
    if complaint := os.environ.get("FAKE_HADOOP_COMPLAINT"):
        sys.stderr.write(f"2026-01-01 00:00:00,000 WARN util.Native: no library\n{complaint}\n")
        return 1
    if arguments[0] == "jar":
        sys.stdout.write("packageJobJar: []\n")
        sys.stdout.flush()
        sys.stderr.write("Running job: job_1\nStreaming Command Failed!")
        return 5
    if arguments[0] == "ranges":
        return ranges(arguments[1:])
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


def serve(how: str) -> int:
    """Run the commands that standard input asks for, as the Java class of this project does."""
    with (ROOT.parent / "servers").open("a", encoding="utf-8") as servers:
        servers.write(f"{os.getpid()} {os.environ['HADOOP_CLASSPATH']}\n")
    if not how:
        sys.stderr.write(f"Error: Could not find or load main class {SERVER}\n")
        return 1
    sys.stdout.buffer.write(b"Welcome to this cluster\n" if how == "greeting" else b"")
    sys.stdout.buffer.write(b"model_mapreduce_job commands 1\n")
    sys.stdout.flush()
    while kind := sys.stdin.buffer.read(1):
        if kind == b"r":
            answer(request(), how)
    return 0


def request() -> list[str]:
    """Read the words of a command."""
    return [sys.stdin.buffer.read(number()).decode() for _ in range(number())]


def number() -> int:
    """Read a number."""
    found: int = struct.unpack(">I", sys.stdin.buffer.read(4))[0]
    return found


def answer(arguments: list[str], how: str) -> None:
    """Run a command and write what it writes."""
    if arguments[0] not in {"fs", "version", "jar", "ranges"} or (
        arguments[0] == "ranges" and how == "knows no ranges"
    ):
        frame(b"x", struct.pack(">i", 1 << 20))
        return
    frame(b"b")
    ran = subprocess.run([sys.executable, __file__, *arguments], capture_output=True, check=False)
    frames = [ran.stdout[start : start + 65_536] for start in range(0, len(ran.stdout), 65_536)]
    for part in frames:
        frame(b"o", part)
        if how == "hangs":
            time.sleep(60)
    if how == "dies":
        sys.stderr.write("java.lang.OutOfMemoryError: Java heap space\n")
        sys.exit(3)
    frame(b"e", ran.stderr)
    frame(b"x", struct.pack(">i", ran.returncode))


def frame(kind: bytes, body: bytes = b"") -> None:
    """Write a frame."""
    sys.stdout.buffer.write(kind + struct.pack(">I", len(body)) + body)
    sys.stdout.flush()


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


def ranges(words: list[str]) -> int:
    """Print parts of files."""
    for path, start, length in zip(words[::3], words[1::3], words[2::3], strict=True):
        with local(path).open("rb") as file:
            file.seek(int(start))
            sys.stdout.buffer.write(file.read(int(length)))
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
    """Rename, to what is not there yet."""
    if local(paths[1]).is_file():
        sys.stderr.write(f"mv: `{paths[1]}': File exists\n")
        return 1
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
