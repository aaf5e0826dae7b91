"""`python -m model_mapreduce_job`, the console script, and what the job's own script runs."""

from __future__ import annotations

from model_mapreduce_job.driver.start import let_ctrl_c_end_imports, prepare_process


def main() -> None:
    """Run the job as the command line says; exits with the job's exit code."""
    let_ctrl_c_end_imports()
    prepare_process()
    from model_mapreduce_job.ml_model_map_reduce_job import MLModelMapReduceJob  # noqa: PLC0415 - takes a while

    MLModelMapReduceJob.run()


if __name__ == "__main__":
    main()
