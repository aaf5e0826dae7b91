"""The script of a task's process, here and on a cluster: the keeper first, then the worker.

mrjob ships it to tasks, which have the package in their working directory. Only the keeper is imported before
the worker is forked.
"""

import os
import sys

here = os.getcwd()  # noqa: PTH109 - sys.path takes text
is_shipped = __name__ != "__main__" or os.path.dirname(os.path.abspath(__file__)) == here  # noqa: PTH100, PTH120 - as above
if is_shipped:
    sys.path.insert(0, here)  # on a cluster, where the package is in the working directory
else:
    # Python put the package's own directory first, whose modules are not top-level ones
    sys.path[:] = [*sys.path[not sys.flags.safe_path :], here]

from model_mapreduce_job.task import keeper  # noqa: E402 - where it is was just found

if __name__ == "__main__" and keeper.CHANNEL_VARIABLE in os.environ:
    page = keeper.keep()
    from model_mapreduce_job.task import memory

    memory.settle_for_batches()
    from model_mapreduce_job.task import main as task_main

    task_main.serve(page)
    memory.end_at_once()
elif __name__ == "__main__" and "--mapper" in sys.argv:
    from model_mapreduce_job.task.streaming import TaskStreams, is_hadoop_task

    streams = TaskStreams(listens=is_hadoop_task())
    page = keeper.keep(streams.listener)
    streams.take()
    from model_mapreduce_job.task import memory

    memory.settle_for_batches()
    from model_mapreduce_job.task import main as task_main

    task_main.run_mapper(sys.argv[1:], streams, page)
    memory.end_at_once()
else:
    # Spark's tasks import the job from here; mrjob's other calls, such as --steps, run it
    from model_mapreduce_job.ml_model_map_reduce_job import MLModelMapReduceJob

    if __name__ == "__main__":
        MLModelMapReduceJob.run()
