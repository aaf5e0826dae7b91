"""The models of columns that docs/models.md shows give what those of lists give."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from documents import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """
import json, sys
import onnx_model, sklearn_model
from column_models import NumpyColumns, PandasColumns
from passengers import passengers
from pipelines import output_of, pipeline_of

lines = [json.dumps(passenger).encode() for passenger in passengers(40)] + [b"{}", b'{"age": "old"}']
for train, lists, columns in (
    (onnx_model.train, onnx_model.OnnxModel, NumpyColumns),
    (sklearn_model.train, sklearn_model.SklearnModel, PandasColumns),
):
    train("model")
    for model in (lists("model"), columns("model")):
        output = output_of(pipeline_of(model, 7), lines)
        print(json.dumps([json.loads(line.split(b"\\t")[1]) for line in output]))
"""


def test_models_of_columns_answer_what_those_of_lists_do(tmp_path: Path) -> None:
    places = [PROJECT / "examples" / "real_models", PROJECT / "tests"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, places))}
    command = [sys.executable, "-c", SCRIPT]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=True)
    answers = [json.loads(line) for line in ran.stdout.splitlines()]
    for lists, columns in zip(answers[::2], answers[1::2], strict=True):
        chances = [answer.get("chance", answer) for answer in columns]
        assert len(chances) == 42
        assert chances[:40] == pytest.approx(lists[:40])
        assert columns[41]["error"]["message"] == "Expected `float | null`, got `str` - at `$.age`"
