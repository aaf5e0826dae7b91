"""A model that ends the process that loads it."""

from __future__ import annotations

import os
import signal

from models.obedient import Obedient


class FatalToLoad(Obedient):
    """Can't be loaded, but where a bundle is tried, in an empty environment: it would not be made."""

    qualified_name = "fatal_to_load"

    def __init__(self) -> None:
        if "HOME" in os.environ:
            os.kill(os.getpid(), signal.SIGSEGV)
