"""A csv run starts without what it doesn't need."""

import subprocess
import sys

from documents import PROJECT

RUN = """
import sys
from model_mapreduce_job.task.factory import TaskFactory
from model_mapreduce_job.task.messages import Begin
from model_mapreduce_job.task.task_options import TaskOptions
from model_mapreduce_job.formats.text_block import TextBlock

names = "sepal_length,sepal_width,petal_length,petal_width"
rows = TextBlock.of_text(b"5.1,3.9,1.2,1.0\\n6.3,2.1,asd,1.3\\n" * 20)
none_plain = TextBlock.of_text(b'"5.1",3.9,1.2,1.0\\n' * 40)
for writes in ("csv", "json"):
    options = TaskOptions(
        model_qualified_name="iris_model", input_protocol="csv", output_protocol=writes, columns=names
    )
    task = TaskFactory(Begin(options=options)).make(0)
    for block in (rows, none_plain):
        lines = [line for output in task.predict_lines([block]) for line in output]
        assert len(lines) == 40 and lines[0].count(b"setosa") == 1, lines[:2]
print("pandas" in sys.modules)
"""


def test_no_worker_of_a_csv_run_imports_pandas() -> None:
    """It takes 0.3 s of each, and pyarrow imports it for a Python value that its functions are given."""
    done = subprocess.run(
        [sys.executable, "-c", RUN], capture_output=True, text=True, check=False, cwd=PROJECT
    )
    assert done.stdout == "False\n", done.stderr
