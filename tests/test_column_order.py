"""Columns are taken by name, file by file."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_mapreduce_job.formats.column_order import ColumnOrder, rearranged
from model_mapreduce_job.formats.records import OverlongLine
from model_mapreduce_job.formats.rows import join_row, split_row

if TYPE_CHECKING:
    from local_jobs import LocalJob

CSV = ("--input_protocol", "csv", "--quiet")
ORDER = ColumnOrder(",", (1, 0))


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (b"1,2", b"2,1"),
        (b"\xef\xbb\xbf1,2\r", b"2,1"),
        (b'"a,""b""",', b',"a,""b"""'),
        (b"1", b"1"),
        (b"1,2,3", b"1,2,3"),
        (b'"1,2', b'"1,2'),
        (b"\xff,1", b"\xff,1"),
        (b"", b""),
        (b" \r", b" \r"),
    ],
)
def test_a_row_is_put_into_order_and_what_is_none_stays(line: bytes, wanted: bytes) -> None:
    assert ORDER.rearranged(line) == wanted


CELLS = st.lists(st.text(st.sampled_from('a1",\t \r\x00é'), max_size=4), min_size=2, max_size=4)


@given(cells=CELLS, data=st.data())
@settings(deadline=None, max_examples=200)
def test_the_cells_of_a_row_stay_what_they_were(cells: list[str], data: st.DataObject) -> None:
    names = [str(number) for number, _ in enumerate(cells)]
    theirs = data.draw(st.permutations(names))
    order = ColumnOrder.of(theirs, names, ",") or ColumnOrder(",", range(len(names)))
    row = join_row([cells[int(name)] for name in theirs], ",")
    if row.strip():
        assert split_row(order.rearranged(row).decode(), ",") == cells


def test_blocks_of_another_order_are_put_into_order_and_others_stay() -> None:
    blocks = [[b"1,2", b""], OverlongLine(b"1,2")]
    assert list(rearranged(blocks, ORDER)) == [[b"2,1", b""], OverlongLine(b"1,2")]
    assert rearranged(blocks, None) is blocks
    assert ColumnOrder.of(["a", "b"], ["a", "b"], ",") is None


def write(job: LocalJob, **files: bytes) -> list[str]:
    for name, content in files.items():
        (job.directory / name).write_bytes(content)
    return list(files)


def test_files_with_another_order_of_columns_are_read_by_name(job: LocalJob) -> None:
    """Compressed or not, in every split, with --columns too; what is empty among them is left out."""
    rows = b"name,n\n" + b"".join(b'"x, y",%d\n' % number for number in range(3, 6))
    files = write(job, empty=b"", a=b"n,name\n1,a\n", b=rows, blank=b"\n \n", c=b"n,name\n")
    (job.directory / "d.gz").write_bytes(gzip.compress(b"name,n\n,6\n"))
    ran = job.run(*CSV, *files, "d.gz")
    assert (ran.code, ran.errors) == (0, "")
    assert [key["n"] for key, _ in ran.pairs] == [1, 3, 4, 5, 6]
    assert [key["name"] for key, _ in ran.pairs] == ["a", "x, y", "x, y", "x, y", ""]
    assert job.run(*CSV, "--columns", "n,name", *files, "d.gz").output == ran.output


@pytest.mark.measured
@pytest.mark.parametrize("job", ["inline"], indirect=True)
def test_files_with_other_columns_are_refused_before_any_work(job: LocalJob) -> None:
    """Both files are named; a header in another order inside standard input ends the run as well."""
    write(job, a=b"n,name\n1,a\n", b=b"n,other\n2,b\n", c=b"3,c\n")
    for other, start in (("b", "n,other"), ("c", "3,c")):
        ran = job.run(*CSV, "a", other)
        assert (ran.code, ran.output, ran.errors.count("\n")) == (1, b"", 1)
        assert f"The input {other} starts with '{start}', and a has the columns n, name." in ran.errors
    ran = job.run(*CSV, "--columns", "n,name", "a", "c")
    assert [key["n"] for key, _ in ran.pairs] == [1, 3]
    ran = job.run(*CSV, stdin=b"n,name\n1,a\nname,n\na,1\n")
    assert (ran.code, ran.output) == (1, b"")
    assert "A header inside the input has the columns name, n" in ran.errors
    ran = job.run(*CSV, stdin=b"n,na\0me\n1,a\n")
    assert (ran.code, ran.errors.count("\n")) == (1, 1)
    assert "NUL character" in ran.errors


@pytest.mark.measured
@pytest.mark.parametrize("job", ["inline"], indirect=True)
def test_another_order_is_refused_where_tasks_cannot_know_it_with_both_files_named(job: LocalJob) -> None:
    (job.directory / "in").mkdir()
    write(job, **{"in/a.csv": b"n,name\n1,a\n", "in/b.csv": b"name,n\nb,2\n"})
    for more, first in ((), "in/a.csv"), (("--columns", "n,name"), "--columns"):
        ran = job.run("-r", "spark", *CSV, *more, "in")
        assert (ran.code, ran.output, ran.errors.count("\n")) == (1, b"", 1)
        assert f"in/b.csv has its columns in another order than {first}, which" in ran.errors
