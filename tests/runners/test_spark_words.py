"""What a run on Spark shows of what Spark writes: its warnings a line each, and why it failed in one."""

from __future__ import annotations

import logging
import os
import re
import sys
from typing import TYPE_CHECKING

import pytest

from model_mapreduce_job.exceptions import IncompleteRunError, InputError
from model_mapreduce_job.runners.spark.failures import error_of
from model_mapreduce_job.runners.spark.submission import result_of, start

if TYPE_CHECKING:
    from pathlib import Path

WRITTEN = """\
26/11/29 09:00:00 WARN NativeCodeLoader: Unable to load native-hadoop library for your platform
/lib/pyspark/testing/utils.py:127: FutureWarning: PySpark does not yet fully support pandas
  warnings.warn(
26/11/29 09:00:01 INFO SparkContext: Running
26/11/29 09:00:02 ERROR Executor: Exception in task 0.0 in stage 0.0 (TID 0)
java.io.IOException: it is cut off
\tat java.base/java.lang.Thread.run(Thread.java:840)
26/11/29 09:00:02 WARN TaskSetManager: Lost task 0.0 in stage 0.0 (TID 0) (here driver): it is cut off
\tat java.base/java.lang.Thread.run(Thread.java:840)
"""


def test_of_sparks_warnings_each_is_one_line_and_the_rest_is_for_verbose(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """The last of them says why there is no result."""
    caplog.set_level(logging.DEBUG, "mrjob.spark")
    command = [sys.executable, "-c", "import sys; print(sys.argv[1], end='')", WRITTEN]
    last = "Lost task 0.0 in stage 0.0 (TID 0) (there driver): it is cut off"
    with pytest.raises(IncompleteRunError) as error:
        result_of(
            start(command, dict(os.environ)),
            str(tmp_path / "none"),
            None,
            lambda text: text.replace("here", "there"),
        )
    assert str(error.value) == f"Spark did not run the job (exit code 0): {last}"
    assert [each.message for each in caplog.records if each.levelno >= logging.WARNING] == [f"  {last}"]
    assert len(caplog.records) == WRITTEN.count("\n")


READING = "Encountered error while reading file"
CODEC = "native zStandard library not available"


@pytest.mark.parametrize(
    ("reason", "kind", "words"),
    [
        (
            f"[FAILED_READ_FILE.NO_HINT] {READING} file:/a.parquet.: bad page",
            InputError,
            "file:/a.parquet can't be read: bad page. If it is cut off or damaged, get a whole copy of it.",
        ),
        (
            f"{READING} a.zst: {CODEC}.",
            InputError,
            f"a.zst can't be read: {CODEC}. The Hadoop there .*",
        ),
        (
            "Job aborted.: Unexpected end of input stream",
            InputError,
            "Unexpected end of input stream. If it is cut off or damaged, get a whole copy of it.",
        ),
        ("Job aborted.: no space left", IncompleteRunError, "no space left"),
        ("ValueError: not a gzip", IncompleteRunError, "ValueError: not a gzip"),
    ],
)
def test_a_file_that_spark_cannot_read_is_named_with_what_to_do(reason: str, kind: type, words: str) -> None:
    error = error_of({"reason": reason}, str)
    assert type(error) is kind
    assert re.fullmatch(f"A task failed: {words}", str(error))
