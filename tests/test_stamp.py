"""--stamp: each record of the output says which model predicted it, in which run and when."""

from __future__ import annotations

import csv
import io
import json
import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from local_jobs import PROJECT, LocalJob, ended, wait_until, write_records

from model_mapreduce_job.models.files import path_digest

if TYPE_CHECKING:
    from collections.abc import Iterable

MODEL = PROJECT / "examples" / "model_files" / "churn.onnx"
CUSTOMERS = PROJECT / "examples" / "model_files" / "customers.csv"
FIELDS = ["model_name", "model_version", "model_sha256", "run_id", "run_time"]
RUN = ("--quiet", "-r", "local", "--model_file", MODEL, "--stamp")
PAD = "x" * 2000


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> LocalJob:
    """Return a place for runs."""
    return LocalJob(tmp_path_factory.mktemp("stamp"))


def check(stamps: Iterable[dict[str, Any]]) -> None:
    """Check that all records have one stamp, and that it is the model's."""
    (only,) = {json.dumps(each) for each in stamps}
    stamp = json.loads(only)
    assert list(stamp) == FIELDS
    assert list(stamp.values())[:3] == ["churn", "1", path_digest(MODEL)[:12]]
    assert re.fullmatch(r"[0-9a-f]{16}", stamp["run_id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", stamp["run_time"])


def run(job: LocalJob, *options: object) -> bytes:
    found = job.run(*options, CUSTOMERS)
    assert found.code == 0, found.errors
    return found.output


def test_lines_of_json_have_it_beside_the_prediction(job: LocalJob) -> None:
    """In pairs and in objects; what else stands there is as without."""
    pairs = [tuple(map(json.loads, line.split(b"\t"))) for line in run(job, *RUN).splitlines()]
    check(value["stamp"] for _, value in pairs)
    plain = run(job, *RUN[:-1])
    assert (
        b"".join(
            b"%b\t%b\n" % (line.split(b"\t")[0], json.dumps(value["prediction"]).encode())
            for line, (_, value) in zip(plain.splitlines(), pairs, strict=True)
        )
        == plain
    )
    objects = list(map(json.loads, run(job, *RUN, "--output_protocol", "ldjson").splitlines()))
    check(each["stamp"] for each in objects)
    bare = list(map(json.loads, run(job, *RUN[:-1], "--output_protocol", "ldjson").splitlines()))
    assert [{**each, "stamp": objects[0]["stamp"]} for each in bare] == objects


@pytest.mark.parametrize("protocol", ["csv", "tsv"])
def test_rows_have_five_more_cells(job: LocalJob, protocol: str) -> None:
    """Named by the header; a name that the input has already gets the model's before it."""
    text = CUSTOMERS.read_text().replace("customer,", "run_id,", 1)
    (job.directory / "taken.csv").write_text(text)
    options = (*RUN, "--output_protocol", protocol, "--header", "--on_error", "explain")
    found = job.run(*options, "taken.csv")
    delimiter = "," if protocol == "csv" else "\t"
    header, *rows = csv.reader(io.StringIO(found.output.decode()), delimiter=delimiter)
    assert header[-7:] == ["error_type", "error_message", *FIELDS[:3], "churn_run_id", "run_time"]
    check(dict(zip(FIELDS, row[-5:], strict=True)) for row in rows)
    plain = job.run(*options[:5], *options[6:], "taken.csv").output.decode()
    assert list(csv.reader(io.StringIO(plain), delimiter=delimiter))[1:] == [row[:-5] for row in rows]


def test_tables_have_five_more_columns(job: LocalJob) -> None:
    """Of text, behind all others."""
    run(job, *RUN, "--output_protocol", "parquet", "--output-dir", "table")
    rows = pq.read_table(job.directory / "table").to_pylist()
    assert len(rows) == 12
    check({name: row[name] for name in FIELDS} for row in rows)


def test_a_failed_record_has_it_as_well(job: LocalJob) -> None:
    """So does a line that is too long; a model without a file has no digest."""
    lines = ['{"n": 1}', '{"n": 2, "do": "refuse"}', json.dumps({"n": "x" * 500})]
    (job.directory / "bad").write_text("\n".join(lines))
    found = job.run(
        *("--quiet", "--model_qualified_name", "obedient", "--stamp", "--on_error", "explain"),
        *("--max_record_bytes", "300", "--summary_file", "summary.json", "bad"),
    )
    first, second, third = found.values
    assert first["prediction"] == {"n": 1}
    assert second["prediction"]["error"]["type"] == "ValueError"
    assert third["prediction"]["error"]["type"] == "OverlongLine"
    assert first["stamp"] == second["stamp"] == third["stamp"]
    assert first["stamp"]["model_sha256"] is None
    summary = json.loads((job.directory / "summary.json").read_bytes())
    assert summary["run"] == {"id": first["stamp"]["run_id"], "time": first["stamp"]["run_time"]}


@pytest.mark.measured
@pytest.mark.parametrize("protocol", ["json", "ldjson", "csv", "parquet"])
def test_the_fingerprint_is_that_of_the_output_without_it(job: LocalJob, protocol: str) -> None:
    """Since each run has another stamp, and runs are compared by their fingerprints."""
    found = [
        job.run(
            *("--model_file", MODEL, "--fingerprint", "--output_protocol", protocol, *stamp),
            *("--output-dir", f"{protocol}{len(stamp)}", CUSTOMERS),
        ).errors
        for stamp in ((), ("--stamp",))
    ]
    one, other = (re.findall(r"^fingerprint +(\w{32})$", errors, re.MULTILINE) for errors in found)
    assert one == other != []


def test_a_run_that_goes_on_keeps_the_first_ones(tmp_path: Path) -> None:
    """Its parts would differ else; and only with the stamp that it had."""
    job = LocalJob(tmp_path)
    job.options = ("-r", "local", "--model_qualified_name", "obedient", "--stamp")
    reached, go_on = (str(tmp_path / name) for name in ("reached", "go_on"))
    waits = {"do": "wait_for_file", "reached": reached, "go_on": go_on}
    write_records(
        tmp_path / "in", [{"n": n, "pad": PAD, **(waits if n == 2000 else {})} for n in range(3000)]
    )
    process = job.start("--output-dir", "out", "in")
    wait_until(Path(reached).exists)
    wait_until(lambda: len(list((tmp_path / ".out.unfinished").glob("part-*"))) >= 2)
    process.send_signal(signal.SIGTERM)
    Path(go_on).touch()
    assert ended(process).code == 143
    again = ("--output-dir", "out", "--resume", "--key", "n", "in")
    assert "key is not the same" in job.run(*again).errors
    found = job.run(*again[:3], "in")
    assert found.code == 0, found.errors
    lines = b"".join(part.read_bytes() for part in (tmp_path / "out").glob("part-*")).splitlines()
    assert len(lines) == 3000
    assert len({json.dumps(json.loads(line.split(b"\t")[1])["stamp"]) for line in lines}) == 1


@pytest.mark.measured
def test_a_job_with_further_steps_has_none(tmp_path: Path) -> None:
    """What its reducer writes has no model."""
    script = PROJECT / "examples" / "jobs" / "count_by_species.py"
    if not script.exists():
        (script,) = list((PROJECT / "examples" / "jobs").glob("*.py"))[:1]
    job = LocalJob(tmp_path, script=script, environment={"APP_SETTINGS": "ProdConfig"})
    found = job.run("--model_qualified_name", "iris_model", "--stamp", PROJECT / "data" / "input.ldjson")
    assert (found.code, found.output) == (1, b"")
    assert "--stamp is for jobs of one mapper, and this one has further steps. Leave it out." in found.errors
