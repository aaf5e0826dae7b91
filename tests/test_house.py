"""The script that counts modules, import circles and lengths, on a package of five modules."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
SOURCES = {
    "model_mapreduce_job.__init__": "",
    "model_mapreduce_job.a": "from model_mapreduce_job.room import b\n",
    "model_mapreduce_job.room.b": "def f():\n    '''Doc'''\n    import model_mapreduce_job.a\n    return 1\n",
    "model_mapreduce_job.room.c": "from model_mapreduce_job.a import f\n" + "x = 1\n" * 250,
    "model_mapreduce_job.script": "if __name__ == '__main__':\n    import model_mapreduce_job.script2\n",
    "model_mapreduce_job.script2": "import model_mapreduce_job.script\n",
}


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("house")


def test_modules_circles_and_lengths_are_counted(house: Any) -> None:
    """What a module imports only as a script closes no circle, a docstring is no part of a body."""
    found = house.figures(SOURCES)
    assert (found["modules"], found["at the top"], found["lines"]) == (5, 3, 259)
    assert found["import circles"] == [["model_mapreduce_job.a", "model_mapreduce_job.room.b"]]
    assert found["function bodies"] == {"count": 1, "median lines": 2, "p90 lines": 2, "max lines": 2}
    assert found["files over 250 lines"] == ["model_mapreduce_job.room.c"]
    assert found["files under 60 lines"] == 4


def test_the_checkout_is_read_whole(house: Any) -> None:
    assert {"model_mapreduce_job.config", "model_mapreduce_job.ml_model_map_reduce_job"} <= set(
        house.sources(None)
    )
