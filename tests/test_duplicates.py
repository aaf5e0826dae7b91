"""--check_duplicates: exact of few records, estimated of many, the same whatever the order and the splits."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from local_jobs import PROJECT, LocalJob, write_records

from model_mapreduce_job.driver.duplicates import RunDuplicates, check_duplicates
from model_mapreduce_job.exceptions import IncompleteRunError, InputError
from model_mapreduce_job.formats.lines import Place
from model_mapreduce_job.pipeline.task_report import ReportBuilder, TaskReport, merged
from model_mapreduce_job.profiles.repeat_counter import RepeatCounter
from model_mapreduce_job.profiles.repeat_rows import (
    KEPT,
    differing,
    more_than_once,
    pairs_of,
    repeated,
    rows_of,
    standard_error,
)
from model_mapreduce_job.runners.hadoop.blocks import reports_in
from model_mapreduce_job.task.run_options import RunOptions
from model_mapreduce_job.task.task_options import RunModel, TaskOptions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from model_mapreduce_job.profiles.repeats import Repeats

ASKED = TaskOptions(check_duplicates=True)
Record = tuple[bytes, bytes | None]


def report_of(records: Sequence[Record], file: str, batch: int = 3) -> TaskReport:
    """Return the report of a task that read these lines, with their predictions, from the file's start."""
    counter, report = RepeatCounter(), ReportBuilder()
    for start in range(0, len(records), batch):
        part = records[start : start + batch]
        predictions = [prediction for _, prediction in part]
        counter.add([line for line, _ in part], predictions, range(len(part)), start + 1)
    report.add_repeats(counter.taken())
    return TaskReport.from_json(report.built().in_file(file, 0).to_json())


def found_in(reports: Sequence[TaskReport]) -> Repeats:
    repeats = merged(reports).repeats
    assert repeats is not None
    return repeats


def _second(pair: tuple[Place, Place]) -> tuple[str, int]:
    return pair[1].file, pair[1].line


def exact(tasks: Sequence[Sequence[Record]]) -> tuple[int, int, list[tuple[Place, Place]]]:
    """Return repeats, records with several predictions, and the first pairs of them, by looking at all."""
    seen: dict[bytes, list[tuple[Place, bytes | None]]] = defaultdict(list)
    for number, records in enumerate(tasks):
        for line, (text, prediction) in enumerate(records, 1):
            seen[text].append((Place(line, f"file {number}"), prediction))
    pairs = [
        (places[0][0], next(place for place, prediction in places if prediction != places[0][1]))
        for places in seen.values()
        if len({prediction for _, prediction in places}) > 1
    ]
    return sum(map(len, seen.values())) - len(seen), len(pairs), sorted(pairs, key=_second)[:5]


RECORDS = st.lists(
    st.tuples(
        st.one_of(st.sampled_from([b"", b"a", b"b", b"\xff" * 90]), st.binary()),
        st.sampled_from([b"1", b"2", None]),
    ),
    max_size=30,
)


@given(st.lists(RECORDS, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_few_records_are_counted_exactly_in_whatever_order_tasks_report(
    tasks: list[list[Record]], chance: Any
) -> None:
    """The pairs shown are the first of the input, too."""
    reports = [report_of(records, f"file {number}") for number, records in enumerate(tasks)]
    whole = found_in(reports)
    assert (repeated(whole), differing(whole), pairs_of(whole)) == exact(tasks)
    assert standard_error(whole) == whole.level == 0
    chance.shuffle(reports)
    middle = len(reports) // 2
    assert found_in([merged(part) for part in (reports[:middle], reports[middle:]) if part]) == whole


def test_many_records_are_estimated_within_the_error_that_is_said() -> None:
    """A third of 100,000 different records comes twice, and one in ten of those with another prediction."""
    lines = [b'{"id": %d}' % number for number in range(100_000)]
    records: list[Record] = [(line, b"1") for line in lines]
    records += [(line, b"%d" % (number % 10 != 0)) for number, line in enumerate(lines[::3])]
    parts = [records[start : start + 50_000] for start in range(0, len(records), 50_000)]
    reports = [report_of(part, f"file {number}", 4096) for number, part in enumerate(parts)]
    found = found_in(reports)
    rows = rows_of(found)
    assert KEPT / 2 < np.count_nonzero(rows["count"]) <= KEPT
    assert found.level == 1
    assert abs(repeated(found) - len(lines[::3])) < 4 * standard_error(found)
    assert standard_error(found) < 0.01 * len(lines)
    assert more_than_once(found) == pytest.approx(len(lines[::3]), rel=0.05)
    assert differing(found) == pytest.approx(len(lines[::30]), rel=0.1)
    assert found_in(reports[::-1]) == found
    assert found_in([report_of(records[:50_000], "file 0", 500), *reports[1:]]) == found


def test_one_record_that_is_most_of_the_input_is_not_missed_where_a_part_is_looked_at() -> None:
    """It may not be in the part."""
    records: list[Record] = [(b'{"id": %d}' % number, b"1") for number in range(70_000)]
    for often in (b"a", b"b", b"c", b"d"):
        found = found_in([report_of(records + [(often, b"1")] * 200_000, "file", 1 << 16)])
        assert found.level == 1
        assert repeated(found) == pytest.approx(199_999, abs=4 * standard_error(found))


def test_lines_of_a_task_over_several_files_are_named_in_each() -> None:
    """As Hadoop packs small files together."""
    counter, report = RepeatCounter(), ReportBuilder()
    counter.add([b"a", b"b", b"c", b"a", b"c"], [b"1", b"1", b"1", b"2", b"2"], range(5), 1)
    report.add_repeats(counter.taken())

    def place_of(place: Place) -> Place:
        return Place(place.line, "first") if place.line <= 2 else Place(place.line - 2, "second", 7)

    found = found_in([report.built().with_places(place_of)])
    assert pairs_of(found) == [
        (Place(1, "first"), Place(2, "second", 7)),
        (Place(1, "second", 7), Place(3, "second", 7)),
    ]
    unknown = found_in([report.built().without_places()])
    assert (differing(unknown), {pair[0].file for pair in pairs_of(unknown)}) == (2, {""})


def test_what_tasks_on_hadoop_report_comes_home_by_the_names_that_a_person_gave() -> None:
    """A line of JSON each, in a file beside the parts."""
    records: list[Record] = [(b"%d" % number, b"1") for number in range(3000)]
    tasks = [report_of(part, f"hdfs:/tmp/{number}") for number, part in enumerate((records, records[:9]))]
    text = "".join(f"{task.to_json()}\n" for task in tasks).encode()
    found = reports_in([text[:1000], text[1000:]], lambda uri: uri.replace("hdfs:/tmp/", "my ")).repeats
    assert found is not None
    assert (repeated(found), found.sources) == (9, (("my 0", 0), ("my 1", 0)))


@pytest.fixture
def moody(job: LocalJob) -> LocalJob:
    job.options = (*job.options[:2], "--model_qualified_name", "moody", "--check_duplicates")
    return job


def duplicates_of(job: LocalJob, *arguments: object) -> tuple[dict[str, Any], str]:
    ran = job.run("--summary_file", "summary.json", *arguments)
    assert ran.code == 0, ran.errors
    return json.loads((job.directory / "summary.json").read_text())["duplicates"], ran.errors


@pytest.mark.measured
def test_a_run_says_what_repeats_and_which_predictions_differ(moody: LocalJob) -> None:
    """Across files; a record that fails twice is one with equal predictions, and a blank line is none."""
    known = [{"n": 1}, {"n": 2}, {"moody": 1}, {"bad": 1}]
    one = write_records(moody.directory / "one.ldjson", known)
    one.write_bytes(one.read_bytes() + b"\n\n{no JSON\n")
    two = write_records(moody.directory / "two.ldjson", [{"n": 3}, *known, {"moody": 1}])
    two.write_bytes(two.read_bytes() + b"{no JSON\n")
    found, said = duplicates_of(moody, one, two)
    place = {"file": str(one), "from_byte": 0, "line": 3}
    other = {"file": str(two), "from_byte": 0, "line": 4}
    differ = found["pairs"][0]["other"]["file"]
    assert differ.endswith("two.ldjson")
    assert found == {
        "records": 12,
        "repeats": 6,
        "is_exact": True,
        "standard_error": 0,
        "more_than_once": 5,
        "differing": 1,
        "pairs": [{"first": place, "other": other}],
    }
    assert "duplicates   6 of 12 records repeat an earlier one, exactly\n" in said
    assert f"{one} line 3, and {two} line 4\n" in said


@pytest.mark.parametrize("job", ["local"], indirect=True)
def test_neither_isolation_nor_a_record_that_ends_its_process_changes_the_counts(job: LocalJob) -> None:
    """Each batch comes from another process, and its lines are counted on from those before."""
    lines = [{"n": number % 20} for number in range(80)]
    lines[30] = {"do": "segfault"}
    path = write_records(job.directory / "in.ldjson", lines)
    isolated = ("--isolate", "always", "--batch_size", 16, "--summary_file", "s.json")
    ran = job.run("--check_duplicates", *isolated, path)
    assert ran.code == 0, ran.errors
    found = json.loads((job.directory / "s.json").read_text())["duplicates"]
    assert (found["records"], found["repeats"], found["differing"]) == (80, 80 - 21, 0)


@pytest.mark.measured
@pytest.mark.parametrize("job", ["inline"], indirect=True)
def test_rows_of_csv_are_compared_as_lines_and_standard_input_has_no_places(moody: LocalJob) -> None:
    ran = moody.run("--input_protocol", "csv", "-", stdin=b"n,moody\n1,\n1,\n2,1\n2,1\n")
    assert ran.code == 0, ran.errors
    assert "duplicates   2 of 4 records repeat an earlier one, exactly\n" in ran.errors
    assert "a line in an unknown place" in ran.errors


@pytest.mark.parametrize("job", ["inline"], indirect=True)
def test_without_records_there_is_nothing_to_say(moody: LocalJob) -> None:
    (moody.directory / "in").touch()
    ran = moody.run("in")
    assert (ran.code, ran.output) == (0, b""), ran.errors
    assert "duplicates" not in ran.errors


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            RunOptions(task=TaskOptions(check_duplicates=True, several=(RunModel("a"), RunModel("b")))),
            "is of one model, and this run has several",
        ),
        (
            RunOptions(task=TaskOptions(check_duplicates=True, output_protocol="orc")),
            "compares lines of text, and orc has none",
        ),
        (RunOptions(task=ASKED, plan=True), "is of a run, and --plan and --debug_record start none"),
    ],
)
def test_what_can_not_be_compared_is_refused(options: RunOptions, said: str) -> None:
    with pytest.raises(InputError, match=f"^--check_duplicates {said}. Leave it out.$"):
        check_duplicates(options)


@pytest.mark.measured
def test_a_refusal_is_one_line_before_any_work(tmp_path: Path) -> None:
    job = LocalJob(tmp_path, ("--no-conf", "--check_duplicates", "--model_qualified_name", "moody"))
    ran = job.run("--debug_record", 1, PROJECT / "data" / "input.ldjson")
    assert (ran.code, ran.output) == (1, b"")
    assert ran.errors.startswith("--check_duplicates is of a run, ")
    assert len(ran.errors.splitlines()) == 1


def test_a_run_whose_tasks_reported_no_equal_records_publishes_nothing() -> None:
    lost = RunDuplicates.of(RunOptions(task=ASKED), None)
    with pytest.raises(IncompleteRunError, match="no task reported any"):
        lost.check()
    assert (lost.in_words(), lost.as_json()) == ("", {})
