"""The tasks that each runner makes of files: as many as runs have had over the same files."""

from __future__ import annotations

from typing import Any

import pytest

from model_mapreduce_job.driver.run_spec import RunSpec
from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.table_format import RowGroup, TableRun
from model_mapreduce_job.plan.tasks import ExpectedTasks, InputSize, Piece
from model_mapreduce_job.runners.hadoop import expected_tasks as hadoop
from model_mapreduce_job.runners.spark import expected_tasks as spark
from model_mapreduce_job.storage.table_files import TableFile
from model_mapreduce_job.task.messages import Begin
from model_mapreduce_job.task.run_options import RunOptions
from model_mapreduce_job.task.task_options import TaskOptions

MIB = 1 << 20


def files(*sizes: tuple[str, int]) -> list[InputSize]:
    return [InputSize(name, size, float(size)) for name, size in sizes]


def many(count: int, size: int) -> list[InputSize]:
    return files(*((f"{number:06}", size) for number in range(count)))


def run(**task: Any) -> RunSpec:
    return RunSpec(options=RunOptions(task=TaskOptions(**task)))


def on_hadoop(
    inputs: list[InputSize], *, by_blocks: bool = True, spec: RunSpec | None = None, **settings: int
) -> ExpectedTasks:
    given = {name.replace("_", "."): value for name, value in settings.items()}
    return hadoop.expected_tasks(spec or run(), given, inputs, by_blocks=by_blocks)


def on_spark(
    inputs: list[InputSize], cores: int, most: int | None = None, spec: RunSpec | None = None, **settings: str
) -> ExpectedTasks:
    return spark.expected_tasks(spec or run(), settings, inputs, cores, most)


# On Hadoop


def test_thousands_of_small_files_share_the_tasks_that_hadoop_is_asked_for() -> None:
    found = on_hadoop(many(5000, 1247))
    assert found.words == ("2 tasks, the model is loaded 2 times: 5,000 files come together in 2 tasks")
    assert on_hadoop(many(5000, 1247), mapreduce_job_maps=7).count == 7


def test_small_files_are_no_more_than_16_mib_of_a_task() -> None:
    assert on_hadoop(many(80, MIB - 1)).count == 5


def test_without_blocks_each_file_is_a_task() -> None:
    found = on_hadoop([*many(30, 100), *files(("empty", 0))], by_blocks=False)
    assert found.words == "31 tasks, the model is loaded 31 times: 31 files are a task each"


def test_a_large_file_is_cut_by_blocks_and_into_two_at_least() -> None:
    assert on_hadoop(files(("large", 10 * MIB))).words == (
        "2 tasks, the model is loaded 2 times: 1 file is cut into 2 tasks"
    )
    # a last split may be a tenth larger
    assert on_hadoop(files(("large", 1285 * MIB))).count == 10
    assert on_hadoop(files(("large", 1300 * MIB))).count == 11


def test_what_cant_be_cut_is_a_task_by_its_size_as_text() -> None:
    found = on_hadoop([InputSize("a.gz", 30 * MIB, 300.0 * MIB), *files(("b", 60 * MIB))])
    assert found.words == (
        "3 tasks, the model is loaded 3 times: 1 file is cut into 2 tasks; 1 file, which can't be cut, is a "
        "task"
    )
    assert found.largest_share == pytest.approx(300 / 360)
    assert on_hadoop(files(("a.bz2", 300 * MIB))).count == 3
    rows = run(input_protocol="csv", quoted_newlines=True)
    assert on_hadoop(files(("a.csv", 300 * MIB)), spec=rows).count == 1


def test_a_table_has_the_tasks_of_the_list_that_the_run_would_write() -> None:
    groups = tuple(RowGroup(rows=1000, size=10 * MIB, start=place * 10 * MIB) for place in range(8))
    table = TableFile("/t.parquet", (0, 0, 80 * MIB, 1), groups)
    spec = RunSpec(
        options=RunOptions(task=TaskOptions(input_protocol="parquet")),
        begin=Begin(tables=TableRun(read="columns")),
        table_files=(table,),
    )
    assert on_hadoop([], spec=spec).count == 2
    assert on_hadoop([], spec=spec, mapreduce_job_maps=4).count == 4


# On Spark


@pytest.mark.parametrize(
    ("inputs", "tasks"),
    [
        (files(("large", 9_900_000)), 2),
        (many(300, 1230), 10),
        (files(("0.gz", 1_000_000), ("1.gz", 1_000_000), ("2.gz", 2000)), 2),
        ([*files(("a", 4_950_000)), *many(40, 1230)], 2),
        (files(("empty", 0)), 0),
    ],
)
def test_spark_on_two_cores_puts_partitions_together_as_it_did(inputs: list[InputSize], tasks: int) -> None:
    found = on_spark(inputs, 2)
    assert (found.count, found.loads) == (tasks, min(2, tasks))


def test_sparks_own_settings_and_its_cores_decide() -> None:
    large = files(("large", 9_900_000))
    small = {"spark.sql.files.maxPartitionBytes": "2m", "spark.sql.files.openCostInBytes": "100000"}
    assert on_spark(large, 4, **small).count == 5
    assert on_spark(many(300, 1230), 4, **small).count == 15
    assert on_spark(many(300, 1230), 4, most=3).count == 3
    assert on_spark(files(("large", 1000 * MIB)), 100).count > on_spark(files(("large", 1000 * MIB)), 1).count
    assert on_spark(large, 1, **small, **{"spark.python.worker.reuse": "false"}).loads == 5
    with pytest.raises(InputError, match=r"maxPartitionBytes=much is no number of bytes"):
        on_spark(large, 1, **{"spark.sql.files.maxPartitionBytes": "much"})


# In words


def test_words_count_each_file_in_one_place() -> None:
    tasks = [[Piece("a", 5, 5.0)], [Piece("a", 5, 5.0), Piece("b", 1, 1.0)], [Piece("c", 1, 1.0)]]
    assert ExpectedTasks(tasks, 1).words == (
        "3 tasks, the model is loaded once: 1 file is cut into 2 tasks; 1 file is a task"
    )
