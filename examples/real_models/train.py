"""Trains a model in the current directory: `python train.py xgboost_model` writes xgboost_model.ubj."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

from passengers import passengers
from settings import FILES


def train(name: str) -> str:
    """Return the path of the model's file, once it is written."""
    (path,) = (path for path in FILES.values() if path.partition(".")[0] == name)
    importlib.import_module(name).train(path)
    return path


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(train(name))
    lines = [json.dumps(passenger) + "\n" for passenger in passengers(40, seed=1)]
    Path("passengers.ldjson").write_text("".join(lines), encoding="utf-8")
