"""The script that mrjob ships to tasks, which find the package in the directory that they run in."""

import os
import sys

sys.path.insert(0, os.getcwd())  # noqa: PTH109 - sys.path takes text

from model_mapreduce_job.ml_model_map_reduce_job import MLModelMapReduceJob

if __name__ == "__main__":
    MLModelMapReduceJob.run()
