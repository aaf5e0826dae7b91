"""pyspark as it is installed: Spark names an archive of it, whose modules each process would compile anew."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from types import ModuleType

_ARCHIVES = os.path.join("python", "lib")  # noqa: PTH118 - sys.path takes text
_ASKED_FOR_NUMPY = "pyspark.testing.utils"


def use_installed_pyspark() -> None:
    """Import pyspark from now on from SPARK_HOME itself, if that is the directory of an installed package."""
    home = os.environ.get("SPARK_HOME", "")
    archives = os.path.join(home, _ARCHIVES)  # noqa: PTH118 - as above
    before = sys.path[:]
    sys.path[:] = [path for path in before if os.path.dirname(path) != archives]  # noqa: PTH120 - as above
    if not (home and _is_installed_in(home)):
        sys.path[:] = before


def _is_installed_in(home: str) -> bool:
    found = find_spec("pyspark")
    if found is None or found.origin is None or find_spec("py4j") is None:
        return False
    return os.path.realpath(os.path.dirname(found.origin)) == os.path.realpath(home)  # noqa: PTH120 - as above


def leave_out_pandas() -> None:
    """Spare this process pandas, which pyspark's helpers for tests import: it asks them for numpy."""
    sys.modules[_ASKED_FOR_NUMPY] = stand_in = ModuleType(_ASKED_FOR_NUMPY)
    vars(stand_in)["have_numpy"] = False  # no value that this program gives to Java is numpy's
