"""A disk that fails: a library of our own, loaded before the C library's calls."""

from __future__ import annotations

import errno
import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

SOURCE = Path(__file__).with_name("shim.c")
CALLS = {"write": 18, "fsync": 11, "rename": 14, "open": 20}  # about so many has a run


def compiler() -> str | None:
    """Return the C compiler of this machine, if there is one."""
    return shutil.which("cc") or shutil.which("gcc")


@cache
def library() -> Path:
    """Return the library, which is made once; `remove_library` removes it."""
    made = Path(mkdtemp(prefix="faults-")) / "shim.so"
    subprocess.run([str(compiler()), "-shared", "-fPIC", "-o", made, SOURCE, "-ldl"], check=True)
    return made


def remove_library() -> None:
    """Remove the library, if it was made."""
    if library.cache_info().currsize:
        shutil.rmtree(library().parent)
        library.cache_clear()


def failing_disk(chance: Random, directory: Path, counter: Path) -> tuple[str, dict[str, str]]:
    """Return the name of a fault below a directory, and the environment in which it comes."""
    call = chance.choice(sorted(CALLS))
    error = chance.choice([errno.ENOSPC, errno.EIO])
    ever = chance.choice([True, False])
    counter.write_bytes(bytes(4))
    environment = {
        "LD_PRELOAD": str(library()),
        "FAULT_DIR": str(directory.resolve()),
        "FAULT_CALL": call,
        "FAULT_NUMBER": str(chance.randint(1, CALLS[call])),
        "FAULT_ERROR": str(error),
        "FAULT_COUNTER": str(counter),
        **({"FAULT_EVER": "1"} if ever else {}),
    }
    return f"disk: {call} {errno.errorcode[error]}{' from then on' if ever else ''}", environment
