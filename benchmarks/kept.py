"""The file in which a benchmark keeps its figures."""

import json
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def command_line() -> str:
    """Return the command that repeats this benchmark."""
    return shlex.join([f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]])


def keep(figures: Mapping[str, Any], path: Path) -> None:
    """Write figures as JSON, and print where they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(f"kept in {path}")
