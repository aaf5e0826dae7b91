"""What each runner has to bring home of its tasks' reports: one check, for runs of the job on any of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import profile_facts
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from local_jobs import LocalJob

    from model_mapreduce_job.profiles.profile import Profile

RECORDS = 200
LINES = RECORDS + 3  # one is blank, one is no JSON, the last is the first
BLANK, REFUSED, TALKING, NO_JSON = 3, 70, 80, 90
KILLED = 150


def check_report(job: LocalJob, directory: Path, *, loses_an_attempt: bool) -> None:
    """Check all that a run of the obedient model says of its tasks, where one's first attempt may be lost."""
    path, summary_file = directory / "records.ldjson", directory / "summary.json"
    path.write_bytes(b"".join(_lines(directory / "mark" if loses_an_attempt else None)))
    profile_file, page = directory / "profile.json", directory / "page.html"
    asked = ("--check_duplicates", "--profile", profile_file, "--report", page)
    ended = job.run(*asked, "--summary_file", summary_file, path)
    assert ended.code == 0, ended.errors
    summary = json.loads(summary_file.read_text())
    _check_counts(summary["counts"])
    _check_examples(summary, path)
    _check_slowest(summary["slowest_batches"], path)
    _check_duplicates(summary["duplicates"])
    _check_profile(profile_facts.read(profile_file))
    assert "Throughput of all workers" in page.read_text(encoding="utf-8")
    assert summary["warnings"] == ["UserWarning: warned"]
    told = ended.errors.splitlines()
    assert any(
        line.strip().startswith(f"1 x ValueError: {REFUSED} is refused (at obedient.py:") for line in told
    )
    assert "warning: UserWarning: warned" in told


def _lines(mark: Path | None) -> list[bytes]:
    records: list[dict[str, Any]] = [{"n": number} for number in range(RECORDS)]
    records[REFUSED]["do"] = "refuse"
    records[TALKING]["do"] = "talk"
    if mark:
        records[KILLED] |= {"do": "be_killed_once", "mark": str(mark)}
    lines = [json.dumps(record).encode() + b"\n" for record in records]
    lines.append(lines[0])
    lines.insert(NO_JSON, b"{no JSON\n")
    lines.insert(BLANK, b"\n")
    return lines


def _check_counts(counts: dict[str, int]) -> None:
    """Check that each line counts once, however often it was read."""
    expected = {"lines": LINES, "predicted": RECORDS, "failed": 2, "blank": 1, "headers": 0}
    assert {name: counts[name] for name in expected} == expected


def _check_examples(summary: dict[str, Any], path: Path) -> None:
    """Check that each example names the line that failed, counted from a byte of the file on."""
    assert {reason["type"]: reason["count"] for reason in summary["reasons"]} == {
        "ValueError": 1,
        "DecodeError": 1,
    }
    assert summary["examples_are_in"] == "this summary"
    lines = {reason["type"]: _line_at(reason["place"], path) for reason in summary["reasons"]}
    assert lines["DecodeError"] == b"{no JSON"
    assert json.loads(lines["ValueError"])["n"] == REFUSED


def _check_duplicates(found: dict[str, Any]) -> None:
    """Check that each record was compared once, with those of other tasks as well."""
    compared = {name: found[name] for name in ("records", "repeats", "more_than_once", "is_exact")}
    assert compared == {"records": LINES - 1, "repeats": 1, "more_than_once": 1, "is_exact": True}
    assert (found["differing"], found["pairs"]) == (0, [])


def _check_profile(found: Profile) -> None:
    """Check that it has each record once, and that each came at some time."""
    assert (found.records, found.predicted, found.failed) == (RECORDS + 1, RECORDS, 2)
    numbers = found.inputs.kept["n"].numbers
    assert numbers is not None
    assert (numbers.count, numbers.least, numbers.greatest) == (RECORDS + 1, 0, RECORDS - 1)
    assert numbers.mean == pytest.approx(sum(range(RECORDS)) / (RECORDS + 1))
    workers = found.about["throughput"]["workers"]
    assert sum(sum(worker["records"]) for worker in workers) == RECORDS + 1
    assert all(worker["name"] for worker in workers)


def _check_slowest(batches: list[dict[str, Any]], path: Path) -> None:
    assert 1 <= len(batches) <= 5
    seconds = [batch["seconds"] for batch in batches]
    assert seconds == sorted(seconds, reverse=True)
    assert sum(batch["lines"] for batch in batches) <= LINES
    assert all(_line_at(batch["place"], path) is not None for batch in batches)


def _line_at(place: dict[str, Any], path: Path) -> bytes:
    assert place["file"] in {str(path), f"file://{path}"}
    return path.read_bytes()[place["from_byte"] :].split(b"\n")[place["line"] - 1]
