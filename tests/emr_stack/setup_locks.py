"""The locks that mrjob's setup scripts take in /tmp, which a real node loses with its disk."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

LOCK: Final = re.compile(r"^exec 9>(/tmp/wrapper\.lock\.\S+)$", re.MULTILINE)


def remove_locks(scripts: Iterable[str]) -> None:
    """Remove the locks that setup scripts, given as text, have taken."""
    for script in scripts:
        for lock in LOCK.findall(script):
            Path(lock).unlink(missing_ok=True)
