"""Spark's process that forks its Python workers, on this machine: it has imported what they need.

Nothing that starts a thread, as Arrow does, and nothing of a model's.
"""

from __future__ import annotations

from model_mapreduce_job.runners.spark.installed_pyspark import use_installed_pyspark


def main() -> None:
    """Start workers until Spark ends."""
    use_installed_pyspark()
    import pyspark.worker  # noqa: F401, PLC0415 - where it is was just found
    from pyspark.daemon import manager  # noqa: PLC0415 - as above

    import model_mapreduce_job.ml_model_map_reduce_job  # noqa: PLC0415 - as above
    import model_mapreduce_job.runners.spark.harness  # noqa: PLC0415 - as above
    import model_mapreduce_job.task.factory  # noqa: F401, PLC0415 - as above

    manager()


if __name__ == "__main__":
    main()
