"""The summary's file: tried before the run, written after it, and no reason to lose predictions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from local_jobs import PROJECT, LocalJob, numbered, wait_until, write_records

from model_mapreduce_job.driver.summary_file import try_file, write_file
from model_mapreduce_job.exceptions import InputError


def test_to_try_a_file_leaves_no_trace(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("the last run's")
    for path in (old, new):
        try_file("--summary_file", str(path), None, [])
    assert old.read_text() == "the last run's"
    assert list(tmp_path.iterdir()) == [old]


def test_a_pipe_or_a_device_is_not_opened_before_there_is_a_summary(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in (str(tmp_path / "pipe"), "/dev/full", "/dev/stdout"):
        try_file("--summary_file", name, "out", [])


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nowhere/run.json", "its directory does not exist"),
        (".", "it's a directory. Name a file in it"),
        ("out/run.json", "is in the output directory"),
        ("out/in/run.json", "is in the output directory"),
        ("input", "would overwrite an input"),
        ("link", "would overwrite an input"),
        ("/proc/self/status/x", "its directory does not exist"),
    ],
)
def test_what_can_not_be_written_is_refused(
    name: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("input").write_text("{}")
    Path("link").symlink_to("input")
    Path("out/in").mkdir(parents=True)
    with pytest.raises(InputError, match=f"^--summary_file {name} .*{reason}"):
        try_file("--summary_file", name, "out", ["input", "s3://bucket/input"])
    assert Path("input").read_text() == "{}"


@pytest.mark.parametrize("given", ["in", "in/a", "in/*"])
def test_a_file_of_an_input_directory_is_refused_and_stays(job: LocalJob, given: str) -> None:
    (job.directory / "in").mkdir()
    write_records(job.directory / "in" / "a", numbered(1))
    before = (job.directory / "in" / "a").read_bytes()
    result = job.run("--summary_file", "in/a", "--output-dir", "out", given)
    assert result.code == 1
    assert "--summary_file in/a would overwrite an input" in result.errors
    assert (job.directory / "in" / "a").read_bytes() == before


@pytest.mark.measured
@pytest.mark.parametrize("descriptor", [0, 1])
def test_a_file_that_a_standard_stream_leads_to_is_refused(tmp_path: Path, descriptor: int) -> None:
    module = "model_mapreduce_job.driver.summary_file"
    code = f"import sys, {module} as s; s.try_file('--summary_file', sys.argv[1], None, [])"
    path = tmp_path / "redirected"
    path.touch()
    with path.open("r+b") as file:
        streams = {"stdin": file} if descriptor == 0 else {"stdout": file}
        result = subprocess.run(
            [sys.executable, "-c", code, path], **streams, stderr=subprocess.PIPE, check=False
        )
    assert b"would overwrite " in result.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("kind", ["file", "link", "pipe"])
def test_what_another_user_has_put_into_a_shared_directory_is_refused(tmp_path: Path, kind: str) -> None:
    shared, path = tmp_path / "shared", tmp_path / "shared" / "run.json"
    shared.mkdir()
    shared.chmod(0o1777)
    (tmp_path / "mine").write_text("precious")
    make = {
        "file": path.touch,
        "link": lambda: path.symlink_to(tmp_path / "mine"),
        "pipe": lambda: os.mkfifo(path),
    }
    make[kind]()
    os.chown(path, 65534, 65534, follow_symlinks=False)
    with pytest.raises(InputError, match="another user has put it into a directory that others can write to"):
        try_file("--summary_file", str(path), None, [])
    with pytest.raises(InputError, match="another user has put it into a directory that others can write to"):
        write_file("--summary_file", str(path), "{}")
    assert (tmp_path / "mine").read_text() == "precious"


def test_to_write_says_what_could_not_be_written() -> None:
    with pytest.raises(InputError, match="--summary_file /dev/full can't be written: No space left"):
        write_file("--summary_file", "/dev/full", "{}")


@pytest.mark.measured
def test_a_summary_that_fails_at_the_end_leaves_the_predictions(job: LocalJob) -> None:
    """The exit code says that something is missing, the message what."""
    go_on, reached = job.directory / "go_on", job.directory / "reached"
    records = [{"n": 1, "do": "wait_for_file", "reached": str(reached), "go_on": str(go_on)}]
    write_records(job.directory / "in", records)
    (job.directory / "place").mkdir()
    process = job.start("--quiet", "--summary_file", "place/run.json", "--output-dir", "out", "in")
    wait_until(reached.exists)
    (job.directory / "place").rmdir()
    go_on.touch()
    _, errors = process.communicate()
    assert process.returncode == 1
    assert errors.startswith(b"--summary_file place/run.json can't be written: No such file or directory. ")
    assert errors.endswith(b"is complete.\n")
    assert (job.directory / "out" / "_SUCCESS").exists()
    assert (job.directory / "out" / "part-00000").read_bytes().endswith(b'{"n": 1}\n')


def test_a_run_that_fails_has_a_summary_too(job: LocalJob) -> None:
    write_records(job.directory / "in", [*numbered(2), {"do": "refuse", "n": 3}])
    ran = job.run("--quiet", "--summary_file", "run.json", "--max_error_rate", "0.1", "in")
    assert ran.code == 3
    summary = json.loads((job.directory / "run.json").read_text())
    assert summary["counts"]["failed"] == 1
    assert summary["proof"] == "complete"


@pytest.mark.parametrize("isolate", ["auto", "always"])
def test_it_has_the_models_version_wherever_that_was_loaded(tmp_path: Path, isolate: str) -> None:
    job = LocalJob(tmp_path, environment={"APP_SETTINGS": "ProdConfig"})
    given = PROJECT / "data" / "input.ldjson"
    model = ("--model_qualified_name", "iris_model", "--isolate", isolate)
    assert job.run("--quiet", "--summary_file", "run.json", *model, given).code == 0
    told = json.loads((tmp_path / "run.json").read_text())
    assert told["model"]["version"] == "1.0"


def test_a_link_to_a_file_that_is_not_there_yet_is_written_through(tmp_path: Path) -> None:
    link = tmp_path / "latest.json"
    link.symlink_to("today.json")
    try_file("--summary_file", str(link), None, [])
    assert [path.name for path in tmp_path.iterdir()] == ["latest.json"]
    write_file("--summary_file", str(link), "{}")
    assert link.is_symlink()
    assert (tmp_path / "today.json").read_text() == "{}"
