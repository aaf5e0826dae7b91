"""A `hadoop` command whose filesystem is a directory: `directory_hadoop.py DIRECTORY fs -ls -R URI`."""

import sys
from pathlib import Path
from urllib.parse import urlsplit


def main(directory: Path, arguments: list[str]) -> int:
    """Do what `hadoop` does for the few commands that reading takes; return its exit code."""
    log(directory, arguments)
    match arguments:
        case ["version"]:
            print("Hadoop 3.4.1")  # noqa: T201 - its output
        case ["fs", "-D", _, "-ls", "-R", *uris]:
            return max([ls(directory, uri) for uri in uris])
        case ["fs", "-cat", *uris]:
            sys.stdout.buffer.writelines(place(directory, uri).read_bytes() for uri in uris)
        case _:
            return fail(f"{arguments}: Unknown command")
    return 0


def ls(directory: Path, uri: str) -> int:
    """List a file, or what is below a directory, as Hadoop 3 does."""
    found = place(directory, uri)
    if not found.exists():
        return fail(f"ls: `{uri}': No such file or directory")
    for path in sorted(found.rglob("*")) if found.is_dir() else [found]:
        kind = "drwxr-xr-x   - " if path.is_dir() else "-rw-r--r--   3 "
        size = 0 if path.is_dir() else path.stat().st_size
        name = f"{uri.rstrip('/')}/{path.relative_to(found)}" if path != found else uri
        print(f"{kind}dave users {size:>10} 2026-01-13 14:00 {name}")  # noqa: T201 - its output
    return 0


def place(directory: Path, uri: str) -> Path:
    """Return where a URI's file is."""
    return directory / urlsplit(uri).path.lstrip("/")


def log(directory: Path, arguments: list[str]) -> None:
    """Keep the command, so that a test sees all that were given."""
    with directory.with_suffix(".commands").open("a") as commands:
        commands.write(" ".join(arguments) + "\n")


def fail(message: str) -> int:
    """Say what went wrong, after the warning that a real one begins with."""
    sys.stderr.write(f"WARN util.NativeCodeLoader: Unable to load native-hadoop library\n{message}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
