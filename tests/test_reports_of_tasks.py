"""What the runners of one machine bring home of their tasks' reports."""

from pathlib import Path

import pytest
from local_jobs import LocalJob, write_records
from report_contract import check_report


@pytest.mark.measured
@pytest.mark.parametrize("loses_an_attempt", [False, True])
def test_all_that_tasks_report_is_in_the_summary(
    job: LocalJob, tmp_path: Path, loses_an_attempt: bool
) -> None:
    """Examples, warnings and slow batches as well; of a task that was tried again each line counts once."""
    check_report(job, tmp_path, loses_an_attempt=loses_an_attempt)


@pytest.mark.measured
def test_a_line_of_a_stream_has_no_place(tmp_path: Path) -> None:
    """It is not known, at a later part of it, what its lines were counted from."""
    job = LocalJob(tmp_path, ("-r", "inline", "--model_qualified_name", "obedient"))
    records = write_records(tmp_path / "records", [{"n": 1}, {"n": 2, "do": "refuse"}])
    ended = job.run("--summary_file", "summary.json", "-", stdin=records.read_bytes())
    assert ended.code == 0, ended.errors
    assert '"place": {' not in (tmp_path / "summary.json").read_text()
