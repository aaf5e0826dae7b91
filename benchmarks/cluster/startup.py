"""How long a task takes to its first prediction, in a bundle that is there already."""

import os
import statistics
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "model_mapreduce_job" / "shipped_script.py"
RECORD = b'{"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}\n'
OPTIONS = ("--mapper", "--step-num=0", "--model_qualified_name", "iris_model", "--batch_size", "1")


def startup_seconds(bundle: Path, repetitions: int) -> dict[str, float]:
    """Return the median and the extremes of the seconds that a task of one record takes to its end."""
    with tempfile.TemporaryDirectory() as place:
        with tarfile.open(bundle) as archive:
            archive.extractall(place, filter="data")
        one_record(Path(place))  # the first one reads the files from the disk
        seconds = [one_record(Path(place)) for _ in range(repetitions)]
    return {"median": statistics.median(seconds), "least": min(seconds), "most": max(seconds)}


def one_record(bundle: Path) -> float:
    """Start a task as Hadoop does; the seconds to the end of its output, the one line."""
    environment = {"PATH": os.defpath, "mapreduce_task_attempt_id": "attempt_1_0001_m_000000_0"}
    started = time.monotonic()
    with subprocess.Popen(
        [bundle / "bin" / "python", SCRIPT, *OPTIONS],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as task:
        line, _ = task.communicate(RECORD)
        seconds = time.monotonic() - started
    if not line.startswith(RECORD.strip()):
        raise RuntimeError(f"The task did not predict: {line!r}")
    return seconds
