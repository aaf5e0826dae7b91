"""What a node is, said where an import fails on it: it needs another Python, processor or C library."""

from __future__ import annotations

import platform
import re
from typing import Final

_IMPORT_FAILED: Final = re.compile(r"\b(?:ImportError|ModuleNotFoundError): ")


def describe_node() -> str:
    """Return Python's version, the processor's architecture and the C library of this machine, in words."""
    library = " ".join(filter(None, platform.libc_ver())) or "an unknown C library"
    return f"Python {platform.python_version()}, {platform.machine()}, {library}"


def on_this_node(message: str) -> str:
    """Return what to say of an error on a cluster's node: what the node is, if an import failed there."""
    if not _IMPORT_FAILED.search(message):
        return message
    return (
        f"{message} This node has {describe_node()}: a bundle, and compiled packages, must be made "
        "for just that (docs/emr.md, Which nodes a bundle runs on)."
    )
