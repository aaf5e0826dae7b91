"""Changes to files that a run reads, or has written."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

INPUT = ("replaced", "rewritten", "truncated", "grown")
PART = ("removed", "emptied", "edited")


def change_input(chance: Random, path: Path, other: bytes) -> str:
    """Change an input to other bytes, or a share of them; return how."""
    how = chance.choice(INPUT)
    if how == "replaced":
        new = path.with_name("new")
        new.write_bytes(other)
        new.replace(path)
    elif how == "rewritten":
        path.write_bytes(other)
    elif how == "truncated":
        with path.open("r+b") as file:
            file.truncate(chance.randrange(len(other)))
    else:
        with path.open("ab") as file:
            file.write(other.splitlines(keepends=True)[-1])
    return f"input: {how}"


def change_part(chance: Random, staging: Path) -> str:
    """Change a part that was finished; return how, nothing if there was none."""
    parts = sorted(staging.glob("part-*"))
    if not parts:
        return ""
    part, how = chance.choice(parts), chance.choice(PART)
    with suppress(FileNotFoundError):  # the run may just have published or removed it
        if how == "removed":
            part.unlink()
        else:
            with part.open("r+b") as file:
                size = file.seek(0, 2)
                file.seek(chance.randrange(max(size, 1)))
                file.truncate(0) if how == "emptied" else file.write(b"?")
    return f"part: {how}"
