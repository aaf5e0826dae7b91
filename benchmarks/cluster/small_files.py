"""Many small files on Hadoop beside one file with the same rows."""

import json
import shutil
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from cluster.hadoop_jobs import OUTPUT, WORK, Cluster
from iris_rows import RANGES, iris_chunks

FILES: Final = 5_000
ROWS_OF_EACH: Final = 15
MOST_TIME: Final = 3.0
FORMATS: Final = ("ldjson", "csv")
_COPIES_AT_ONCE: Final = 16
_SOURCE: Final = "hdfs:///benchmark/small"

Timed = Callable[[Callable[[], tuple[float, str]]], dict[str, float]]


def small_files(cluster: Cluster, repetitions: int, timed: Timed) -> dict[str, Any]:
    """Return the figures of runs over small files and over one, in turn; timed returns those of a run."""
    facts = {"files": FILES, "rows_of_each": ROWS_OF_EACH}
    return {**facts, **{form: _of_format(cluster, form, repetitions, timed) for form in FORMATS}}


def _of_format(cluster: Cluster, form: str, repetitions: int, timed: Timed) -> dict[str, Any]:
    one, many = _put(cluster, form)
    how = ("--input_protocol", form)
    cluster.run_job(one, {}, *how)  # the first run brings the bundle to the nodes
    turns = []
    for _ in range(repetitions):
        of_one = timed(lambda: cluster.run_job(one, {}, *how))
        turns.append({"one file": of_one, "small files": timed(lambda: cluster.run_job(many, {}, *how))})
    tasks = len(cluster.fs("-ls", "-C", f"{OUTPUT}/part-*").split())
    ratio = statistics.median(turn["small files"]["seconds"] / turn["one file"]["seconds"] for turn in turns)
    small_to_one = {"median": round(ratio, 3), "goal": MOST_TIME, "met": ratio <= MOST_TIME}
    return {"turns": turns, "small_to_one": small_to_one, "tasks": tasks}


def _put(cluster: Cluster, form: str) -> tuple[str, str]:
    """Make the inputs and put them into HDFS; the URIs of the one file and of the directory of many."""
    place = WORK / "small" / form
    write_small_files(place, form)
    cluster.fs("-mkdir", "-p", _SOURCE)
    cluster.fs("-put", "-f", "-t", _COPIES_AT_ONCE, place, f"{_SOURCE}/")  # each waits for disks
    return f"{_SOURCE}/{form}/one.{form}", f"{_SOURCE}/{form}/many"


def write_small_files(place: Path, form: str) -> None:
    """Write one file and a directory of many with the same rows."""
    shutil.rmtree(place, ignore_errors=True)
    (place / "many").mkdir(parents=True)
    rows = "".join(iris_chunks(FILES * ROWS_OF_EACH)).splitlines()
    header = ",".join(RANGES) if form == "csv" else ""
    if header:
        rows = [",".join(map(str, json.loads(row).values())) for row in rows]
    _write(place / f"one.{form}", header, rows)
    for number in range(FILES):
        some = rows[number * ROWS_OF_EACH : (number + 1) * ROWS_OF_EACH]
        _write(place / "many" / f"{number:05}.{form}", header, some)


def _write(path: Path, header: str, rows: list[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in [header, *rows] if line), encoding="ascii")
