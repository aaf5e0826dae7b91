"""A model whose library talks a lot: when it's imported, loaded and used, in all ways that there are."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import time
import warnings
from typing import Any

from models.obedient import Obedient, talk

print("imported")  # noqa: T201 - that's the point
warnings.warn("imported", stacklevel=1)


class Chatty(Obedient):
    """Talks of every record, and keeps a thread that never ends."""

    qualified_name = "chatty"

    def __init__(self) -> None:
        print("loaded", file=sys.stderr)  # noqa: T201 - that's the point
        os.write(2, b"\xff\xfe no text\n")
        logging.getLogger("library").warning("loaded")
        atexit.register(print, "at exit")
        threading.Thread(target=time.sleep, args=(1000,)).start()

    def predict(self, data: Any) -> Any:
        """Return what the record says."""
        talk(data)
        sys.stderr.write("x" * 1000 + "\n")
        return {"n": data["n"]}
