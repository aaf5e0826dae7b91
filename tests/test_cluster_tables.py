"""Tables on a cluster: what the driver reads of them there, and what a task makes of the bytes that it gets.

tests/fake_hadoop.py stands for the cluster's files; tests/cluster/test_tables_on_hadoop.py has the real ones.
"""

from __future__ import annotations

import io
import struct
import sys
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from pyarrow import orc

from model_mapreduce_job.exceptions import InputError, MachineFaultError
from model_mapreduce_job.formats.registry import table_format
from model_mapreduce_job.formats.table_format import RowGroup, TableRun
from model_mapreduce_job.formats.table_schemas import write_schema
from model_mapreduce_job.storage.hadoop_commands import ClusterError
from model_mapreduce_job.storage.hadoop_fs import HadoopShell
from model_mapreduce_job.storage.hadoop_ranges import read_ranges
from model_mapreduce_job.storage.remote_tables import HadoopFiles, table_places
from model_mapreduce_job.storage.table_files import TableFile, TablePlace, named_files
from model_mapreduce_job.storage.table_ranges import FileRange, as_text, groups_in, table_ranges
from model_mapreduce_job.storage.table_survey import Tables, survey
from model_mapreduce_job.task.framed_tables import framed_tables
from model_mapreduce_job.task.frames import FramedSplit
from model_mapreduce_job.task.task_options import TaskOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FAKE = Path(__file__).with_name("fake_hadoop.py")
FORMATS = ("parquet", "orc")
ALL_FORMATS = (*FORMATS, "avro")
# A footer of more than what is read at first.
WIDE = 900


def rows(count: int, first: int = 0) -> pa.Table:
    numbers = range(first, first + count)
    texts = pa.array([f"row {number * 7919}" for number in numbers], pa.string())
    return pa.table({"n": pa.array(numbers, pa.int64()), "text": texts})


def write(table: pa.Table, path: Path, groups: int = 100) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pq.write_table(table, path, row_group_size=groups)
        return
    if path.suffix == ".avro":
        fields = [{"name": "n", "type": "long"}, {"name": "text", "type": "string"}]
        with path.open("wb") as file:
            fastavro.writer(file, {"type": "record", "name": "r", "fields": fields}, table.to_pylist())
        return
    with orc.ORCWriter(path, compression="zlib", stripe_size=1 << 12, batch_size=groups) as writer:
        for start in range(0, max(table.num_rows, 1), groups):
            writer.write(table.slice(start, groups))


@pytest.fixture(params=["serves", "knows no ranges"])
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[HadoopShell]:
    """Return a cluster that reads parts of files, and one that reads each from its start."""
    (tmp_path / "hdfs").mkdir()
    monkeypatch.setenv("FAKE_HDFS", str(tmp_path / "hdfs"))
    monkeypatch.setenv("FAKE_JAVA", request.param)
    shell = HadoopShell([sys.executable, str(FAKE)], lambda: None)
    yield shell
    shell.close()


def surveyed(shell: HadoopShell, directory: Path, kind: str, *patterns: str) -> Tables:
    """Return what files of the cluster are, by what this machine copies of them."""
    copies = directory / "copies"
    copies.mkdir(exist_ok=True)
    return survey(table_format(kind), table_places(HadoopFiles(shell), patterns, kind, copies))


@pytest.mark.parametrize("kind", FORMATS)
def test_the_driver_knows_as_much_of_files_elsewhere_as_of_its_own(
    shell: HadoopShell, tmp_path: Path, kind: str
) -> None:
    """Rows, row groups and columns, also where a footer is long; of directories too, but for hidden names."""
    root = tmp_path / "hdfs" / "data"
    files = {"year=2024/a": rows(20_000), "year=2024/b": rows(3), "year=2025/none": rows(0)}
    for name, table in files.items():
        write(table, root / f"{name}.{kind}")
    (root / "_SUCCESS").touch()
    wide = pa.table({f"a column with a long name {number}": [number / 7] for number in range(WIDE)})
    write(wide, tmp_path / "hdfs" / f"wide.{kind}")
    for pattern in ("data", "data/*/*", f"wide.{kind}"):
        found = surveyed(shell, tmp_path, kind, f"hdfs:///{pattern}")
        own = survey(table_format(kind), named_files([str(tmp_path / "hdfs" / pattern)]))
        assert found.schema == own.schema
        assert [(file.groups, file.partition) for file in found.files] == [
            (file.groups, file.partition) for file in own.files
        ]
        assert [file.state[2] for file in found.files] == [file.state[2] for file in own.files]
        assert all(file.path.startswith("hdfs:///") for file in found.files)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_that_is_cut_off_or_another_is_named_before_the_run(
    shell: HadoopShell, tmp_path: Path, kind: str
) -> None:
    root = tmp_path / "hdfs"
    write(rows(20_000), root / f"whole.{kind}")
    content = (root / f"whole.{kind}").read_bytes()
    (root / "cut").write_bytes(content[:-100])
    (root / "half").write_bytes(content[: len(content) // 2])
    (root / "text").write_bytes(b'{"n": 1}\n' * 20_000)
    (root / "empty").touch()
    write(rows(3).rename_columns(["n", "other"]), root / f"other.{kind}")
    for name, reason in {
        "cut": "is cut off or damaged",
        "half": "is cut off or damaged",
        "text": f"is no {kind} file: it begins with",
        "empty": f"is empty, and so no {kind} file",
    }.items():
        with pytest.raises(InputError, match=f"^hdfs:///{name} {reason}"):
            surveyed(shell, tmp_path, kind, f"hdfs:///{name}")
    with pytest.raises(InputError, match=rf"^hdfs:///other.{kind} has .*, and hdfs:///whole.{kind} has "):
        surveyed(shell, tmp_path, kind, f"hdfs:///whole.{kind}", f"hdfs:///other.{kind}")
    with pytest.raises(InputError, match=r"^There is no input hdfs:///missing"):
        surveyed(shell, tmp_path, kind, "hdfs:///missing")


def test_a_range_of_a_file_that_is_gone_is_an_error(shell: HadoopShell) -> None:
    with pytest.raises(ClusterError, match=r"hdfs:///gone can't be read"):
        list(read_ranges(shell, [FileRange("hdfs:///gone", 0, 1)]))


# The bytes that a task gets


def frame(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">ci", kind, len(data)) + data


def frames_of(ranges: tuple[FileRange, ...]) -> bytes:
    """Return ranges of files of this machine as Hadoop's jar gives them to a task."""
    found = []
    for one in ranges:
        content = Path(one.path).read_bytes()[one.start : one.end]
        assert len(content) == one.length
        pieces = (content[start : start + 1000] for start in range(0, len(content), 1000))
        found += [frame(b"P", b"%d %s" % (one.start, one.path.encode())), *(frame(b"B", p) for p in pieces)]
    return b"".join(found)


def read_by_tasks(tables: Tables, kind: str, splits: list[tuple[FileRange, ...]]) -> list[pa.Table]:
    partitions = {file.path: file.partition for file in tables.files}
    run = TableRun(read=write_schema(tables.schema))
    options = TaskOptions(input_protocol=kind, tables=run, partitions=partitions)
    found = []
    for ranges in splits:
        parts = framed_tables(FramedSplit(io.BytesIO(frames_of(ranges))), options)  # type: ignore[arg-type] # a stream
        found.append(pa.Table.from_batches([b for _, batches in parts for b in batches], tables.schema))
    return found


@pytest.mark.parametrize("kind", FORMATS)
def test_each_row_comes_to_one_task_of_the_bytes_of_its_row_group(tmp_path: Path, kind: str) -> None:
    """A large file's are split among tasks, small files come together, and one without rows is not read."""
    write(rows(60_000), tmp_path / "in" / "n=1" / f"large.{kind}", groups=5_000)
    for number in range(5):
        write(rows(10, number), tmp_path / "in" / "n=2" / f"small{number}.{kind}")
    write(rows(0), tmp_path / "in" / "n=2" / f"none.{kind}")
    paths = sorted((tmp_path / "in").rglob("*.*"))
    for path in paths:
        path.rename(path.with_suffix(""))
    tables = survey(table_format(kind), _renamed(named_files([str(tmp_path / "in")])))
    splits = table_ranges(tables.files, tasks=4)
    assert len(splits) >= 4
    whole = tables.files[0].state[2]
    assert all(sum(one.length for one in ranges) < 0.6 * whole for ranges in splits)
    read = read_by_tasks(tables, kind, splits)
    assert sum(table.num_rows for table in read) == sum(file.rows for file in tables.files) == 60_050
    together = pa.concat_tables(read).sort_by([("k", "ascending"), ("n", "ascending")])
    assert together["n"][:60_000].to_pylist() == list(range(60_000))
    assert together["k"].value_counts().to_pylist() == [
        {"values": 1, "counts": 60_000},
        {"values": 2, "counts": 50},
    ]


def _renamed(places: Iterator[TablePlace]) -> Iterator[TablePlace]:
    """Return files whose directories name the column k: n is in the files."""
    return (replace(place, partition=(("k", place.partition[0][1]),)) for place in places)


def test_of_avro_elsewhere_the_columns_are_known_and_each_file_is_read_whole(
    shell: HadoopShell, tmp_path: Path
) -> None:
    """Its blocks say how many rows there are, wherever they lie: only a task sees them."""
    root = tmp_path / "hdfs" / "in"
    for number, count in enumerate((100_000, 0, 5)):
        write(rows(count), root / f"{number}.avro")
    tables = surveyed(shell, tmp_path, "avro", "hdfs:///in")
    own = survey(table_format("avro"), named_files([str(root)]))
    assert tables.schema == own.schema
    here = Tables(
        tables.schema, tuple(replace(file, path=str(root / Path(file.path).name)) for file in tables.files)
    )
    splits = table_ranges(here.files, tasks=1, whole=True)
    assert [len(ranges) for ranges in splits] == [1, 2]
    assert splits == table_ranges(own.files, tasks=1, whole=True)
    assert [table.num_rows for table in read_by_tasks(here, "avro", splits)] == [100_000, 5]
    (root / "text").write_bytes(b"n,m\n" * 20_000)
    with pytest.raises(InputError, match=r"^hdfs:///in/text is no avro file: it begins with"):
        surveyed(shell, tmp_path, "avro", "hdfs:///in/text")


def test_avro_that_is_cut_off_fails_the_task_and_is_named(tmp_path: Path) -> None:
    write(rows(20_000), tmp_path / "cut.avro")
    tables = survey(table_format("avro"), named_files([str(tmp_path)]))
    content = (tmp_path / "cut.avro").read_bytes()
    (tmp_path / "cut.avro").write_bytes(content[:-9])
    with pytest.raises(InputError, match=r"cut.avro is cut off or damaged: it ends in the middle of a block"):
        read_by_tasks(tables, "avro", [(FileRange(str(tmp_path / "cut.avro"), 0, len(content) - 9),)])


@pytest.mark.parametrize("kind", ALL_FORMATS)
def test_a_table_without_rows_is_one_task_that_knows_its_columns(tmp_path: Path, kind: str) -> None:
    write(rows(0), tmp_path / f"none.{kind}")
    tables = survey(table_format(kind), named_files([str(tmp_path)]))
    splits = table_ranges(tables.files, tasks=4, whole=kind == "avro")
    (read,) = read_by_tasks(tables, kind, splits)
    assert (read.num_rows, read.schema) == (0, tables.schema)


def test_a_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(rows(1000), tmp_path / "a.parquet")
    tables = survey(table_format("parquet"), named_files([str(tmp_path)]))
    full = Path("/dev/full").open("r+b", buffering=0)  # noqa: SIM115 - it is closed as a temporary file is
    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: full)
    with pytest.raises(MachineFaultError, match=r"a.parquet can't be kept in .*: No space left on device\."):
        read_by_tasks(tables, "parquet", table_ranges(tables.files, tasks=1))


GROUPS = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 3 << 20)), max_size=12)


def table_file(number: int, groups: list[tuple[int, int]]) -> TableFile:
    """Return a file with row groups of these rows and sizes, and 100 bytes of a footer."""
    at, found = 4, []
    for count, size in groups:
        found.append(RowGroup(count, size, start=at))
        at += size
    return TableFile(f"file {number}", (0, 0, at + 100, 0), tuple(found))


@given(st.lists(GROUPS, min_size=1, max_size=6), st.integers(1, 20), st.integers(1, 40 << 20))
def test_each_row_group_is_in_one_split_and_no_file_twice_in_one(
    described: list[list[tuple[int, int]]], tasks: int, least: int
) -> None:
    files = [table_file(number, groups) for number, groups in enumerate(described)]
    splits = table_ranges(files, tasks, least)
    assert splits
    counted = dict.fromkeys((file.path for file in files), 0)
    for ranges in splits:
        order = [one.path for one in ranges]
        assert sorted(order, key=order.index) == order
        for file in files:
            own = [one for one in ranges if one.path == file.path]
            _, groups = groups_in(file.groups, own)
            counted[file.path] += sum(group.rows for group in groups)
            assert all(a.end < b.start for a, b in pairwise(own))
            # what the file says of itself is there
            assert not own or (own[0].start, own[-1].end) == (0, file.state[2])
            assert all(any(r.start <= g.start and g.start + g.size <= r.end for r in own) for g in groups)
    assert counted == {file.path: file.rows for file in files}


@pytest.mark.parametrize("start", [-4, 900, 0])
def test_a_file_whose_row_groups_are_in_no_order_is_read_whole(start: int) -> None:
    file = TableFile("odd", (0, 0, 1000, 0), (RowGroup(1, 400, start=500), RowGroup(1, 400, start=start)))
    assert table_ranges([file], tasks=2) == [(FileRange("odd", 0, 1000),)]


def test_a_file_that_is_named_twice_is_read_twice_and_by_two_tasks() -> None:
    file = table_file(1, [(3, 10)])
    assert table_ranges([file, file], tasks=1) == [(FileRange("file 1", 0, 114),)] * 2


def test_the_list_is_as_the_jar_reads_it() -> None:
    ranges = (FileRange("a b", 0, 4), FileRange("a b", 10, 5))
    uri_of: Callable[[str], Any] = "hdfs:///{}".format
    assert as_text([ranges, ranges[:1]], uri_of) == (
        b"0 4 hdfs:///a b\n10 5 hdfs:///a b\n\n0 4 hdfs:///a b\n\n"
    )
