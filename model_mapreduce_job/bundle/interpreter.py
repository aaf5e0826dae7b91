"""The interpreter of a bundle: a copy of the one that makes the bundle, which runs from any directory."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Final

# modules of the standard library that no task imports
_LEFT_OUT: Final = ("test", "tests", "idlelib", "tkinter", "turtledemo", "ensurepip", "lib2to3", "pydoc_data")
_NO_TASK_NEEDS: Final = (
    "site-packages",
    "dist-packages",
    "config-*",
    "__pycache__",
    "_tkinter*.so",
    *_LEFT_OUT,
)

# A bundle's `python`: the interpreter in it, or the node's own if that can't start (an older C library). The
# task sees nothing that is installed on the node or set in its environment for Python.
LAUNCHER: Final = """\
#!/bin/sh
bundle=$(cd "$(dirname "$0")/.." && pwd)
export PYTHONPATH="$bundle/packages${{PYTHONPATH:+:$PYTHONPATH}}" PYTHONDONTWRITEBYTECODE=1
unset PYTHONHOME PYTHONSTARTUP
own="$bundle/interpreter/bin/{name}"
if LD_LIBRARY_PATH="$bundle/interpreter/lib" "$own" -sS -c "" 2>/dev/null; then
    export LD_LIBRARY_PATH="$bundle/interpreter/lib${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"
    exec "$own" -sS "$@"
fi
command -v {name} >/dev/null && exec {name} -sS "$@"
echo "This node can run neither the bundle's Python nor a {name} of its own." >&2
exit 127
"""


def interpreter_name() -> str:
    """Return the interpreter's name with its minor version."""
    return "python{}.{}".format(*sys.version_info[:2])


def copy_interpreter(target: Path) -> None:
    """Copy this interpreter with its standard library to a directory."""
    name = interpreter_name()
    base = Path(sys.base_prefix)
    (target / "bin").mkdir(parents=True)
    shutil.copy2(Path(sys._base_executable).resolve(), target / "bin" / name)  # type: ignore[attr-defined] # noqa: SLF001 - the one behind the virtual environment
    shutil.copytree(
        base / "lib" / name, target / "lib" / name, ignore=shutil.ignore_patterns(*_NO_TASK_NEEDS)
    )
    for library in (base / "lib").glob(f"lib{name}.so.*"):
        shutil.copy2(library, target / "lib")


def write_launcher(path: Path) -> None:
    """Write the script that a bundle has as its `python`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(LAUNCHER.format(name=interpreter_name()), encoding="ascii")
    path.chmod(0o755)
