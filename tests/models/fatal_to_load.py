"""A model that ends the process that loads it."""

from __future__ import annotations

import os
import signal

from models.obedient import Obedient


class FatalToLoad(Obedient):
    """Can't be loaded."""

    qualified_name = "fatal_to_load"

    def __init__(self) -> None:
        os.kill(os.getpid(), signal.SIGSEGV)
