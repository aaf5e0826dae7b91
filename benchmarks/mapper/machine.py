"""What the benchmark ran on."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

CPU_FACTS = Path("/proc/cpuinfo")
LIBRARIES = ("mrjob", "msgspec", "numpy", "onnxruntime", "scikit-learn")
# mrjob's JSON protocols use the first of these that is installed, else Python's own json.
JSON_LIBRARIES = ("ujson", "python-rapidjson", "simplejson")


def machine_facts() -> dict[str, Any]:
    """Return the processor, the versions and the day; nothing that names the machine."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        "system": platform.system(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "python": platform.python_version(),
        "libraries": {name: installed(name) for name in (*LIBRARIES, *JSON_LIBRARIES)},
    }


def cpu_model() -> str:
    """Return the processor's name, as far as the system tells."""
    facts = CPU_FACTS.read_text().splitlines() if CPU_FACTS.exists() else []
    names = (line.partition(":")[2].strip() for line in facts if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def installed(library: str) -> str | None:
    """Return a library's version, None when it is not installed."""
    try:
        return version(library)
    except PackageNotFoundError:
        return None
