"""Models of the libraries that data scientists use (examples/real_models), run in each way on one machine.

None of the libraries is imported here: a process of its own trains a model and predicts with it as a plain
script would, and that is what each run must give, in bounded time.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest
from documents import PROJECT, blocks
from local_jobs import LocalJob, write_records

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = PROJECT / "examples" / "real_models"
LIBRARIES = {
    "sklearn_model": ("sklearn",),
    "xgboost_model": ("xgboost",),
    "lightgbm_model": ("lightgbm",),
    "catboost_model": ("catboost",),
    "onnx_model": ("onnxruntime", "skl2onnx"),
    "spacy_model": ("spacy",),
    "keras_model": ("keras", "jax"),
    "torch_model": ("torch",),
}
WAYS = {
    "inline": ("-r", "inline"),
    "local": ("-r", "local", "--num-cores", "2"),
    # each record alone
    "isolated": ("-r", "inline", "--isolate", "always", "--batch_size", "1"),
}
SPARK = ("-r", "spark", "--no-conf", "--spark-master", "local[2]")
LONGEST_LINES = 10
SECONDS = 100
PLACES = ("Cherbourg", "nowhere", "Southampton or Queenstown")
PLAIN = """
import importlib, json, sys
from settings import FILES
(class_name, path), = ((c, p) for c, p in FILES.items() if p.partition(".")[0] == sys.argv[1])
model = getattr(importlib.import_module(sys.argv[1]), class_name)(path)
print(json.dumps(model.predict_batch([json.loads(line) for line in open("in")])))
"""
pytestmark = [pytest.mark.timeout(3 * SECONDS)]


@dataclass(frozen=True)
class Trained:
    """A model that is trained, and what it predicts for the records in `in` when a plain script asks it."""

    name: str
    job: LocalJob
    expected: list[Any]

    def run(self, *arguments: object) -> Any:
        process = self.job.start("--model_qualified_name", self.name, *arguments, "in")
        output, errors = process.communicate(timeout=SECONDS)
        return process.returncode, output, errors.decode()


def python(job: LocalJob, *arguments: object) -> str:
    """Return what a process of its own prints."""
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(  # noqa: PLW1510 - the assertion shows what it says
        command, cwd=job.directory, env=job.variables(), capture_output=True, text=True, timeout=SECONDS
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def job_in(directory: Path) -> LocalJob:
    settings = {
        "APP_SETTINGS": "settings.RealModels",
        "PYTHONPATH": str(EXAMPLES),
        "KERAS_BACKEND": "jax",
    }
    return LocalJob(directory, environment=settings, measured=False)


@pytest.fixture(scope="module", params=LIBRARIES)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    missing = [name for name in LIBRARIES[request.param] if find_spec(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)}: not installed here; test_requirements.txt says which are")
    job = job_in(tmp_path_factory.mktemp(request.param))
    python(job, EXAMPLES / "train.py", request.param)
    if request.param == "spacy_model":
        write_records(job.directory / "in", [{"text": text} for text in PLACES])
    else:
        (job.directory / "passengers.ldjson").rename(job.directory / "in")
    return Trained(request.param, job, json.loads(python(job, "-c", PLAIN, request.param)))


@pytest.mark.cluster
@pytest.mark.parametrize("trained", ["xgboost_model"], indirect=True)
def test_a_run_on_spark_gives_what_the_library_gives(trained: Trained) -> None:
    """Spark's workers are forks, and OpenMP's threads don't survive one: this library hung in them."""
    code, output, errors = trained.run(*SPARK)
    assert code == 0, errors
    assert [json.loads(line.split(b"\t")[1]) for line in output.splitlines()] == same(trained.expected)
    assert trained.job.processes() == []


@pytest.mark.parametrize("way", WAYS)
def test_a_run_gives_what_the_library_gives(trained: Trained, way: str) -> None:
    """Also a record alone whose columns are all null: dtypes come from the schema, not from values."""
    code, output, errors = trained.run(*WAYS[way])
    assert code == 0, errors
    values = [json.loads(line.split(b"\t")[1]) for line in output.splitlines()]
    assert values == same(trained.expected)
    assert trained.job.processes() == []


@pytest.mark.parametrize("trained", ["xgboost_model", "lightgbm_model"], indirect=True)
def test_a_plan_ends(trained: Trained) -> None:
    code, _, errors = trained.run("--plan")
    assert code == 0, errors
    assert trained.job.processes() == []


def same(expected: list[Any]) -> Any:
    """Return what equals these values but for the last bits of a float: sums may go in another order."""
    return pytest.approx(expected, rel=1e-5) if isinstance(expected[0], float) else expected


# An entry in its plainest form, without qualified_name: the class is imported to learn its name.
STARTS_THREADS = """
import asyncio, threading
from concurrent.futures import ThreadPoolExecutor
from model_mapreduce_job import Config

POOL = ThreadPoolExecutor(2)
POOL.submit(int).result()

def loop_in_a_thread():
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return loop

LOOP = loop_in_a_thread()

async def plus_one(number):
    return number + 1

class Threads:
    display_name = qualified_name = description = "threads"
    version, input_schema, output_schema = "1", None, None

    def __init__(self):
        self.pool, self.loop = ThreadPoolExecutor(2), loop_in_a_thread()
        self.pool.submit(int).result()
        from sklearn.ensemble import HistGradientBoostingRegressor
        rows = [[n] for n in range(100)]
        self.forest = HistGradientBoostingRegressor(max_iter=2).fit(rows, range(100))
        self.forest.predict(rows)

    def predict(self, data):
        return self.predict_batch([data])[0]

    def predict_batch(self, data):
        self.forest.predict([[record["n"]] for record in data])
        numbers = POOL.map(lambda record: record["n"], data)
        numbers = self.pool.map(abs, numbers)
        for loop in (LOOP, self.loop):
            ask = lambda n: asyncio.run_coroutine_threadsafe(plus_one(n), loop).result()
            numbers = map(ask, list(numbers))
        return list(numbers)

class MyConfig(Config):
    models = ({"module_name": "threaded", "class_name": "Threads"},)
"""


@pytest.fixture(scope="module")
def threaded(tmp_path_factory: pytest.TempPathFactory) -> LocalJob:
    directory = tmp_path_factory.mktemp("threaded")
    (directory / "threaded.py").write_text(STARTS_THREADS)
    write_records(directory / "in", [{"n": number} for number in range(50)])
    settings = {"APP_SETTINGS": "threaded.MyConfig", "PYTHONPATH": str(directory), "OMP_NUM_THREADS": "2"}
    return LocalJob(directory, environment=settings, measured=False)


@pytest.mark.parametrize("way", [*WAYS, "plan"])
def test_threads_of_a_model_made_at_import_and_in_init_are_there(threaded: LocalJob, way: str) -> None:
    """Pools, event loops and OpenMP's threads: none of them survives a fork, so nothing forks."""
    options = ("--plan",) if way == "plan" else WAYS[way]
    process = threaded.start("--model_qualified_name", "threads", *options, "in")
    output, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, errors.decode()
    if way != "plan":
        assert [int(line.split(b"\t")[1]) for line in output.splitlines()] == list(range(2, 52))
    assert threaded.processes() == []


CLASSES = {
    node.name: (path, ast.get_source_segment(path.read_text(), node) or "")
    for path in sorted(EXAMPLES.glob("*_model.py"))
    for node in ast.parse(path.read_text()).body
    if isinstance(node, ast.ClassDef) and node.name.endswith("Model")
}


@pytest.mark.parametrize("name", CLASSES)
def test_an_example_has_ten_lines_and_is_shown_as_it_is(name: str) -> None:
    path, source = CLASSES[name]
    assert len([line for line in source.splitlines() if line]) <= LONGEST_LINES
    shown = [block.text for block in blocks(PROJECT / "docs" / "models.md", "python")]
    assert any(source in text for text in shown), f"{path.name}'s {name} isn't in docs/models.md"
