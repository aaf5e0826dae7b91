"""Spark 3.5, which many clusters still have, gives the same answers as Spark 4 and as this machine."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from cluster_jobs import IRIS, IRIS_SETTINGS, fingerprint
from hostile_rows import ROWS
from local_jobs import PROJECT, LocalJob

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

VERSION: Final = "3.5.9"
PLACE: Final = PROJECT / "cluster" / ".work" / "spark-3.5"


@pytest.fixture(scope="module")
def spark_three() -> dict[str, str]:
    """Fetch PySpark 3.5 once, and return the environment that uses it."""
    if not (PLACE / "pyspark").is_dir():
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(PLACE)]
        subprocess.run([*install, f"pyspark=={VERSION}"], check=True)
    path = os.pathsep.join(filter(None, (str(PLACE), os.environ.get("PYTHONPATH"))))
    return {"SPARK_HOME": str(PLACE / "pyspark"), "PYTHONPATH": path}


@pytest.mark.parametrize("kind", ["ldjson", "csv"])
def test_lines_and_fingerprint_are_those_of_this_machine(
    spark_three: dict[str, str], rows: Path, rows_fingerprint: dict[str, str], kind: str, tmp_path: Path
) -> None:
    """The rows have CRs, TABs and bytes that are no UTF-8; the version is what the run itself uses."""
    version = subprocess.run(
        [sys.executable, "-c", "import pyspark; print(pyspark.__version__)"],
        env={**os.environ, **spark_three},
        capture_output=True,
        text=True,
        check=True,
    )
    assert version.stdout.startswith("3.5.")
    arguments = ("--input_protocol", kind, rows / f"rows.{kind}")
    spark = ("-r", "spark", "--no-conf", "--spark-master", "local[2]", *IRIS)
    ended = LocalJob(tmp_path, spark, environment={**IRIS_SETTINGS, **spark_three}).run(*arguments)
    assert fingerprint(ended) == rows_fingerprint[kind]
    assert f"complete: {ROWS // 1000}," in ended.errors
