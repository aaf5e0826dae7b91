"""Tables on a real Hadoop: the rows of the inline runner, whatever splits, directories and dying tasks."""

from pathlib import Path

import fastavro
import profile_facts
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from cluster_jobs import IRIS, IRIS_SETTINGS, broken_tables, fingerprint, inline_fingerprint, on_hadoop
from local_hadoop import LocalHadoop
from local_jobs import LocalJob
from pyarrow import orc

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

MEASURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")
TASKS = 4
PARQUET = ("--input_protocol", "parquet", "--output_protocol", "parquet", "--on_error", "explain")
TABULAR = ("--model_qualified_name", "tabular", "--fingerprint")
TEST_MODELS = {"APP_SETTINGS": "models.settings.TestModels"}


def irises(count: int, first: int) -> pa.Table:
    """Return iris rows, of which each hundredth lacks a measure that the model needs."""
    numbers = range(first, first + count)
    values = pa.array([n % 70 / 10 if n % 100 else None for n in numbers], pa.float64())
    return pa.table({"id": pa.array(numbers, pa.int64()), **dict.fromkeys(MEASURES, values)})


def write_partitioned(root: Path) -> None:
    """Write a file of many row groups, small ones, one without rows, and what is no input."""
    files = {"2024": irises(60_000, 0), "2025": irises(10, 60_000), "2026": irises(0, 0)}
    for year, table in files.items():
        directory = root / f"year={year}" / "city=a%20b"
        directory.mkdir(parents=True)
        pq.write_table(table, directory / "x.parquet", row_group_size=5_000)
    (root / "_temporary").mkdir()
    (root / "_temporary" / "half.parquet").write_bytes(b"PAR1")


def test_parquet_comes_out_as_on_one_machine_by_row_groups_and_with_the_columns_of_directories(
    hadoop: LocalHadoop, iris_bundle: Path, tmp_path: Path
) -> None:
    job = on_hadoop(hadoop, tmp_path, "--bundle", str(iris_bundle), *IRIS, **IRIS_SETTINGS)
    source = tmp_path / "tables"
    write_partitioned(source)
    hadoop.hadoop("fs", "-rm", "-r", "-f", "-skipTrash", "/tables", "/tables-out")
    hadoop.hadoop("fs", "-put", source, "/tables")
    output = ("--output-dir", "hdfs:///tables-out/1")
    ended = job.run("-D", f"mapreduce.job.maps={TASKS}", *PARQUET, *output, "hdfs:///tables")
    here = (*PARQUET, "--output-dir", tmp_path / "here", source)
    assert fingerprint(ended) == inline_fingerprint(tmp_path, *IRIS, *here, **IRIS_SETTINGS)
    assert "complete: 60,010 lines = 59,409 predicted + 601 failed + 0 blank" in ended.errors
    listed = hadoop.hadoop("fs", "-ls", "-R", "-C", "/tables-out/1").stdout.split()
    parts = [path for path in listed if Path(path).name.startswith("part-")]
    assert listed == ["/tables-out/1/_SUCCESS", *parts]
    assert len(parts) >= TASKS
    assert all(part.endswith(".parquet") for part in parts)
    hadoop.hadoop("fs", "-get", "/tables-out/1", tmp_path / "there")
    there, of_inline = (ds.dataset(tmp_path / name).to_table().sort_by("id") for name in ("there", "here"))
    assert there.schema.names[-5:] == ["year", "city", "species", "error_type", "error_message"]
    assert there.equals(of_inline)


@pytest.fixture
def tabular(hadoop: LocalHadoop, models_bundle: Path, tmp_path: Path) -> LocalJob:
    return on_hadoop(hadoop, tmp_path, "--bundle", str(models_bundle), *TABULAR, **TEST_MODELS)


def test_a_task_that_dies_among_the_rows_of_orc_is_tried_again_and_counted_once(
    tabular: LocalJob, tmp_path: Path
) -> None:
    """Its files are of this machine, and their rows come out as text; its profile comes once as well."""
    numbers = range(3_000)
    does = ["be_killed" if n == 2_000 else "refuse" if n % 100 == 7 else None for n in numbers]
    orc.write_table(pa.table({"n": list(numbers), "do": pa.array(does, pa.string())}), tmp_path / "one.orc")
    orc.write_table(pa.table({"n": [1, 2], "do": pa.array([None, None], pa.string())}), tmp_path / "two.orc")
    given = ("--output_protocol", "ldjson", tmp_path / "one.orc", tmp_path / "two.orc")
    there, here = tmp_path / "there.json", tmp_path / "here.json"
    ended = tabular.run("--profile", there, *given)
    inline = inline_fingerprint(tmp_path, *TABULAR, "--profile", here, *given, **TEST_MODELS)
    assert fingerprint(ended) == inline
    profile_facts.assert_same(profile_facts.read(there), profile_facts.read(here))
    assert "complete: 3,002 lines = 2,971 predicted + 31 failed + 0 blank" in ended.errors
    assert "ProcessDied" in ended.errors


def test_files_of_avro_are_read_whole_and_all_of_their_bytes_were_given(
    hadoop: LocalHadoop, tabular: LocalJob, tmp_path: Path
) -> None:
    """How many rows there are is known to the tasks alone, which were given all bytes."""
    directory = tmp_path / "rows"
    directory.mkdir()
    for number, count in enumerate((30_000, 5, 0)):
        with (directory / f"{number}.avro").open("wb") as file:
            schema = {"type": "record", "name": "row", "fields": [{"name": "n", "type": "long"}]}
            fastavro.writer(file, schema, [{"n": n} for n in range(count)])
    hadoop.hadoop("fs", "-rm", "-r", "-f", "-skipTrash", "/avro")
    hadoop.hadoop("fs", "-put", directory, "/avro")
    ended = tabular.run("--input_protocol", "avro", "hdfs:///avro")
    here = (*TABULAR, "--input_protocol", "avro", directory)
    assert fingerprint(ended) == inline_fingerprint(tmp_path, *here, **TEST_MODELS)
    assert "complete: 30,005 lines = 30,005 predicted + 0 failed + 0 blank" in ended.errors


def test_a_replay_of_a_table_predicts_again_what_has_failed(
    hadoop: LocalHadoop, tabular: LocalJob, tmp_path: Path
) -> None:
    """In HDFS."""
    earlier, whole = broken_tables(tmp_path, "orc")
    hadoop.hadoop("fs", "-rm", "-r", "-f", "-skipTrash", "/earlier", "/again")
    hadoop.hadoop("fs", "-put", earlier, "/earlier")
    mending = ("--model_qualified_name", "mending", "--input_protocol", "parquet", "--output_protocol", "orc")
    given = ("--on_error", "explain", "--output-dir", "hdfs:///again", "--replay", "hdfs:///earlier")
    ended = tabular.run(*mending, *given)
    assert fingerprint(ended) == whole
    assert "complete: 3,000 lines = 2,000 kept + 1,000 predicted + 0 failed + 0 blank" in ended.errors


def test_what_is_no_whole_table_is_refused_before_the_run(hadoop: LocalHadoop, tmp_path: Path) -> None:
    job = on_hadoop(hadoop, tmp_path, "-q", *IRIS, "--bundle", "none", **IRIS_SETTINGS)
    pq.write_table(irises(1_000, 0), tmp_path / "whole.parquet")
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "whole.parquet").read_bytes()[:-10])
    hadoop.hadoop("fs", "-put", "-f", tmp_path / "cut.parquet", "/cut.parquet")
    ended = job.run("hdfs:///cut.parquet")
    assert (ended.code, len(ended.errors.splitlines())) == (1, 1), ended.errors
    assert "hdfs:///cut.parquet is cut off or damaged" in ended.errors
