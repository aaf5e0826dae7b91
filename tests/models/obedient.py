"""A model that does what a record tells it to do, however bad that is."""

from __future__ import annotations

import atexit
import ctypes
import os
import signal
import sys
import tempfile
import time
import warnings
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Record = dict[str, Any]
A_LONG_TIME = 1000
HELD: list[object] = []


def segfault(_record: Record) -> None:
    """Read where there's nothing."""
    ctypes.string_at(0)


def leave(_record: Record) -> None:
    """End the process, without a word."""
    os._exit(7)


def be_killed(_record: Record) -> None:
    """End as the kernel ends who takes too much memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def be_killed_once(record: Record) -> None:
    """End in that way the first time, which the file `mark` keeps."""
    with Path(record["mark"]).open("a") as marks:
        marks.write("x")
    if Path(record["mark"]).stat().st_size <= record.get("times", 1):
        be_killed(record)


def hang(_record: Record) -> None:
    """Sleep in Python."""
    time.sleep(A_LONG_TIME)


def hang_in_c(_record: Record) -> None:
    """Sleep in C, and keep the interpreter from anything else."""
    ctypes.PyDLL(None).sleep(A_LONG_TIME)


def compute_in_c(record: Record) -> None:
    """Take `seconds` in C, and keep the interpreter from anything else."""
    ctypes.PyDLL(None).sleep(record["seconds"])


def interrupt(_record: Record) -> None:
    """Raise what's no Exception."""
    raise KeyboardInterrupt


def close_everything(_record: Record) -> None:
    """Close what others have opened, and hang."""
    os.closerange(3, 256)
    time.sleep(A_LONG_TIME)


def start_daemon(_record: Record) -> None:
    """Leave a copy of this process behind, and end."""
    if os.fork() == 0:
        time.sleep(A_LONG_TIME)
    be_killed(_record)


def refuse(record: Record) -> None:
    """Raise an error of its own."""
    raise ValueError(f"{record['n']} is refused")


def talk(_record: Record) -> None:
    """Write to wherever and whenever a library may write."""
    print("printed")  # noqa: T201 - that's the point
    sys.stderr.write("written\n")
    os.write(1, b"bare\n")
    ctypes.CDLL(None).printf(b"held back by C\n")
    atexit.register(print, "said at exit")
    warnings.warn("warned", stacklevel=1)


def leave_open(record: Record) -> None:
    """Hold a file that is written and never closed, a temporary one, and shared memory."""
    file = Path(record["file"]).open("w")  # noqa: SIM115 - that's the point
    file.write("held back by Python")
    temporary = tempfile.NamedTemporaryFile(dir=record["temporary"])  # noqa: SIM115 - as above
    HELD.extend((file, temporary, SharedMemory(record["shared"], create=True, size=1)))


def wait_for(record: Record) -> None:
    """Tell another worker of this one, and wait for that: it's no failure only where two work at once."""
    Path(record["mine"]).touch()
    for _ in range(300):
        if Path(record["other"]).exists():
            return
        time.sleep(0.1)
    raise TimeoutError("the other never came")


def wait_for_file(record: Record) -> None:
    """Wait until a file is there, so that a test knows where a run is."""
    Path(record["reached"]).touch()
    while not Path(record["go_on"]).exists():
        time.sleep(0.02)


ACTIONS: dict[str, Callable[[Record], None]] = {
    action.__name__: action
    for action in (
        segfault,
        leave,
        be_killed,
        be_killed_once,
        hang,
        hang_in_c,
        compute_in_c,
        interrupt,
        close_everything,
        start_daemon,
        refuse,
        talk,
        leave_open,
        wait_for,
        wait_for_file,
    )
}


def look(record: Record) -> list[list[Any]]:
    """Return name, mode and size of all that's below the directories `look` names."""
    found = [path for directory in record["look"] for path in [Path(directory), *Path(directory).rglob("*")]]
    return [
        [path.name, path.lstat().st_mode & 0o777, path.lstat().st_size]
        for path in found
        if not path.is_symlink()
    ]


def parent_of(pid: int) -> int:
    """Return the id of a process's parent."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[1])


class Obedient:
    """Answers a record's `n`, after doing what its `do` says."""

    display_name = "Obedient"
    qualified_name = "obedient"
    description = "Does what a record says"
    major_version = 1
    minor_version = 0
    input_schema = None
    output_schema = None

    def predict(self, data: Record) -> Any:
        """Do what the record says."""
        if "do" in data:
            ACTIONS[data["do"]](data)
        if "look" in data:
            return look(data)
        if "processes" in data:
            return [os.getpid(), parent_of(os.getppid())]
        if "env" in data:
            return os.environ.get(data["env"])
        if "imported" in data:
            return data["imported"] in sys.modules
        if "read" in data:
            return Path(data["read"]).read_text()
        return {"n": data["n"]}

    def predict_batch(self, data: list[Record]) -> list[Any]:
        """Do what each record says."""
        return list(map(self.predict, data))
