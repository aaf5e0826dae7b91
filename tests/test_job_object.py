"""The job as an object of another program: mrjob's own ways to call a mapper give what the command gives."""

from __future__ import annotations

import json
from io import BytesIO

import pytest

from model_mapreduce_job.ml_model_map_reduce_job import MLModelMapReduceJob

RECORDS = [
    {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2},
    {"sepal_length": 6.3, "sepal_width": 3.3, "petal_length": 6.0, "petal_width": 2.5},
]
LINES = [*(json.dumps(record).encode() + b"\n" for record in RECORDS), b"\n", b'{"petal_width": "wide"}\n']
SPECIES = ["setosa", "virginica"]


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch) -> MLModelMapReduceJob:
    """Give a mapper of the iris job, whose standard streams are in memory."""
    monkeypatch.setenv("APP_SETTINGS", "ProdConfig")
    options = ["--mapper", "--step-num=0", "--model_qualified_name", "iris_model", "--no_fail_fast"]
    return MLModelMapReduceJob([*options, "--isolate", "never"]).sandbox(stdin=BytesIO(b"".join(LINES)))


def predictions(output: bytes) -> list[object]:
    """Return the predictions of output lines."""
    return [json.loads(line.split(b"\t")[1]) for line in output.splitlines()]


def test_run_mapper_writes_lines_and_counters(job: MLModelMapReduceJob) -> None:
    job.run_mapper()
    assert predictions(job.stdout.getvalue()) == [*({"species": name} for name in SPECIES), None]
    errors = job.stderr.getvalue()
    assert b"reporter:counter:predictions,lines,4\n" in errors
    assert b"reporter:counter:predictions,blank,1\n" in errors


def test_map_pairs_yields_each_line_and_counts_it(job: MLModelMapReduceJob) -> None:
    pairs = list(job.map_pairs((None, line.removesuffix(b"\n")) for line in LINES))
    assert {key for key, _ in pairs} == {None}
    assert predictions(b"\n".join(line for _, line in pairs)) == [
        *({"species": name} for name in SPECIES),
        None,
    ]
    assert b"reporter:counter:predictions,failed,1\n" in job.stderr.getvalue()


def test_the_mapper_of_one_record_yields_it_with_its_prediction(job: MLModelMapReduceJob) -> None:
    """As a subclass calls it, which adds a step of its own."""
    found = [pair for record in RECORDS for pair in job.mapper(None, record)]
    assert found == [(record, {"species": name}) for record, name in zip(RECORDS, SPECIES, strict=True)]
