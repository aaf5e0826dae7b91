"""`python -m model_mapreduce_job`, and the console script."""

from __future__ import annotations

from model_mapreduce_job.ml_model_map_reduce_job import MLModelMapReduceJob


def main() -> None:
    """Run the job as the command line says; exits with the job's exit code."""
    MLModelMapReduceJob.run()


if __name__ == "__main__":
    main()
