"""What spark-submit runs where Spark is on this machine: the harness, in what is installed here.

`local_program.py [--script ZIP] ARGUMENTS...` has the harness's arguments, after an archive of the job's
script where that is in no package. `--arguments-in FILE` has all of these in a file, for a driver that does
not know them yet: it locks the file until it has written them. The file stays empty if the driver has ended.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys

if __name__ == "__main__":
    # Python put this file's own directory first, whose modules are not top-level ones
    own = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - sys.path takes text
    sys.path[:] = [path for path in sys.path if path != own]

from model_mapreduce_job.runners.spark.installed_pyspark import leave_out_pandas, use_installed_pyspark


def main(arguments: list[str]) -> int:
    """Run what the arguments say, or those in the file that they name; return the exit code."""
    use_installed_pyspark()
    leave_out_pandas()
    from pyspark.sql import SparkSession  # noqa: PLC0415 - where it is was just found

    from model_mapreduce_job.runners.spark import harness  # noqa: PLC0415 - as above

    session = SparkSession.builder.getOrCreate()
    if arguments[0] == "--arguments-in":
        arguments = awaited(arguments[1])
    if not arguments:
        session.stop()
        return 0
    if arguments[0] == "--script":
        session.sparkContext.addPyFile(arguments[1])
        arguments = arguments[2:]
    return harness.main(arguments, session)


def awaited(path: str) -> list[str]:
    """Return the arguments that a driver has written into a file, when it has; none if it never will."""
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - a path that came as text
        fcntl.flock(file, fcntl.LOCK_SH)
        return list(json.loads(file.read() or "[]"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
