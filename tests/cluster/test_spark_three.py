"""Spark 3.5, which many clusters still have, gives the same answers as Spark 4 and as this machine."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from cluster_jobs import IRIS, IRIS_SETTINGS, fingerprint
from hostile_rows import COMPLETE, FILES, OPTIONS
from local_jobs import PROJECT, LocalJob

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

VERSION: Final = "3.5.9"
PLACE: Final = PROJECT / "cluster" / ".work" / "spark-3.5"


@pytest.fixture(scope="module")
def spark_three() -> dict[str, str]:
    """Fetch PySpark 3.5 once, and return the environment that uses it, as its version shows."""
    if not (PLACE / "pyspark").is_dir():
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(PLACE)]
        subprocess.run([*install, f"pyspark=={VERSION}"], check=True)
    path = os.pathsep.join(filter(None, (str(PLACE), os.environ.get("PYTHONPATH"))))
    variables = {"SPARK_HOME": str(PLACE / "pyspark"), "PYTHONPATH": path}
    command = [sys.executable, "-c", "import pyspark; print(pyspark.__version__)"]
    version = subprocess.run(
        command, env={**os.environ, **variables}, capture_output=True, text=True, check=True
    )
    assert version.stdout.startswith("3.5.")
    return variables


@pytest.mark.parametrize("kind", ["ldjson", "csv"])
def test_lines_and_fingerprint_are_those_of_this_machine(
    spark_three: dict[str, str], rows: Path, rows_fingerprint: dict[str, str], kind: str, tmp_path: Path
) -> None:
    """The rows have CRs, TABs and bytes that are no UTF-8."""
    arguments = (*OPTIONS[kind], *(rows / name for name in FILES[kind]))
    spark = ("-r", "spark", "--no-conf", "--spark-master", "local[2]", *IRIS)
    ended = LocalJob(tmp_path, spark, environment={**IRIS_SETTINGS, **spark_three}).run(*arguments)
    assert fingerprint(ended) == rows_fingerprint[kind]
    assert COMPLETE in ended.errors
