"""`dnf` on a node: knows those of Amazon Linux 2023's packages that jobs need, and installs nothing."""

import sys
from typing import Final

PACKAGES: Final = frozenset({"python3.11", "python3.11-pip", "python3.11-devel"})


def main(arguments: list[str]) -> int:
    """Say what dnf says, and return its exit code."""
    command, *rest = arguments
    names = [name for name in rest if not name.startswith("-")]
    missing = sorted(set(names) - PACKAGES)
    for name in missing:
        sys.stderr.write(f"Error: Unable to find a match: {name}\n")
    if command != "install":
        sys.stderr.write(f"No such command: {command}.\n")
    return int(bool(missing) or command != "install")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
