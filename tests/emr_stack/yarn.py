"""The applications of a cluster's YARN, as files, and the `yarn` command of its nodes.

An application runs until it's over or `yarn application -kill` is given its id; it does not end with the
process that has submitted it.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

USAGE = "usage: yarn application -list [-appStates STATES] | -kill ID\n"


@dataclass(frozen=True)
class Application:
    """An application that runs, and where it's known of."""

    place: Path

    @property
    def is_killed(self) -> bool:
        """Whether somebody has asked for its end."""
        return self.place.with_suffix(".kill").exists()


@contextmanager
def submitted(root: Path, application_id: str, name: str) -> Iterator[Application]:
    """Give an application that YARN lists until the with statement ends."""
    (root / "yarn").mkdir(exist_ok=True)
    application = Application(root / "yarn" / application_id)
    application.place.write_text(name)
    try:
        yield application
    finally:
        application.place.unlink()


def main(root: Path, arguments: list[str]) -> int:
    """Do what `yarn application` does, in the columns that it prints; its exit code."""
    running = {path.name: path for path in (root / "yarn").glob("application_*") if not path.suffix}
    if arguments[:2] == ["application", "-list"]:
        print(f"Total number of applications:{len(running)}")  # noqa: T201 it's a command
        print(_row("Application-Id", "Application-Name"))  # noqa: T201 same
        for name, path in running.items():
            print(_row(name, path.read_text()))  # noqa: T201 same
        return 0
    if arguments[:2] == ["application", "-kill"] and len(arguments) == 3:
        if arguments[2] not in running:
            sys.stderr.write(f"Application with id '{arguments[2]}' doesn't exist in RM.\n")
            return 1
        running[arguments[2]].with_suffix(".kill").touch()
        return 0
    sys.stderr.write(USAGE)
    return 1


def _row(application_id: str, name: str) -> str:
    """Return a line as ApplicationCLI's APPLICATIONS_PATTERN makes it."""
    columns = (
        f"{application_id:>30}",
        f"{name:>20}",
        f"{'MAPREDUCE':>20}",
        f"{'hadoop':>10}",
        f"{'default':>10}",
    )
    return "\t".join((*columns, f"{'RUNNING':>18}", f"{'UNDEFINED':>18}"))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
