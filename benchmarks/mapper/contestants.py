"""The programs that are run side by side, and the files that they read."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from iris_rows import write_iris_rows
from mapper.measured_process import ROOT, Program
from mapper.sizes import Sizes

WORK = ROOT / "benchmarks" / "work"
HERE = "benchmarks/mapper"

ONNX = {"PYTHONPATH": "./", "APP_SETTINGS": "ProdConfig"}
SKLEARN = {"PYTHONPATH": f"./:./{HERE}", "APP_SETTINGS": "sklearn_iris.SklearnConfig"}
ONE_TASK = ("--mapper", "--step-num=0", "--model_qualified_name")
TASK_SCRIPT = "model_mapreduce_job/shipped_script.py"
JOB_SCRIPT = "model_mapreduce_job/ml_model_map_reduce_job.py"

MAPPER = Program("mapper", (TASK_SCRIPT, *ONE_TASK, "iris_model"), ONNX)
FLOOR = Program("floor", (f"{HERE}/floor.py",), ONNX)
PLAIN_JOB = Program("plain job", (f"{HERE}/plain_job.py", *ONE_TASK, "iris_model"), ONNX)
SKLEARN_MAPPER = Program("mapper, scikit-learn", (TASK_SCRIPT, *ONE_TASK, "sklearn_iris_model"), SKLEARN)
SKLEARN_PLAIN_JOB = Program(
    "plain job, scikit-learn", (f"{HERE}/plain_job.py", *ONE_TASK, "sklearn_iris_model"), SKLEARN
)

# Run whole, and not by the row.
SMALL_RUN = Program(
    "15 rows", (JOB_SCRIPT, "--quiet", "--model_qualified_name", "iris_model", "data/input.ldjson"), ONNX
)
IMPORTS = Program("imports", ("-c", "import mrjob.job, onnxruntime"), ONNX)
LOADED_MODEL = Program(
    "loaded model", ("-c", "from iris_model.iris_predict import IrisModel; IrisModel()"), ONNX
)
WHOLE_RUNS = (SMALL_RUN, IMPORTS, LOADED_MODEL)


@dataclass(frozen=True)
class Contestant:
    """A program over a file; its output must be that of the contestant same_as, or the start of it."""

    name: str
    program: Program
    source: Path
    rows: int
    same_as: str | None = None

    @property
    def output(self) -> Path:
        """Where its output goes."""
        return WORK / f"output {self.name}.ldjson"


def contestants(sizes: Sizes) -> Mapping[str, Contestant]:
    """Return the contestants by name, in the order in which they run; makes the files they read.

    What is compared with each other runs one after the other.
    """
    rows, few, many = sizes.rows, sizes.plain_rows, sizes.large_rows
    clean = iris_file(rows)
    listed = [
        Contestant("mapper", MAPPER, clean, rows),
        Contestant("floor", FLOOR, clean, rows, same_as="mapper"),
        Contestant("plain job", PLAIN_JOB, iris_file(few), few, same_as="mapper"),
    ]
    for percent in (1, 10):
        source = iris_file(rows, percent)
        name = f"mapper, {percent} % bad"
        listed += [
            Contestant(name, MAPPER, source, rows),
            Contestant(f"floor, {percent} % bad", FLOOR, source, rows, same_as=name),
        ]
    return {
        contestant.name: contestant
        for contestant in (
            *listed,
            Contestant("mapper, scikit-learn", SKLEARN_MAPPER, clean, rows),
            Contestant(
                "plain job, scikit-learn", SKLEARN_PLAIN_JOB, iris_file(few), few, "mapper, scikit-learn"
            ),
            Contestant("mapper, large file", MAPPER, iris_file(many), many),
        )
    }


def iris_file(rows: int, bad_percent: int = 0) -> Path:
    """Return the file of so many iris rows, making it when it is not there yet."""
    path = WORK / (f"iris-{rows}-bad-{bad_percent}.ldjson" if bad_percent else f"iris-{rows}.ldjson")
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        unfinished = path.with_suffix(".unfinished")
        write_iris_rows(unfinished, rows, bad_share=bad_percent / 100)
        unfinished.replace(path)
    return path
