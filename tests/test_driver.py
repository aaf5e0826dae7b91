"""The driver: what it finds before a run, and what it does with the output."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from local_jobs import LocalJob, numbered, write_records

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.measured
def test_a_reader_that_has_had_enough_ends_the_run_without_a_word(job: LocalJob) -> None:
    """As with `| head -1`."""
    path = write_records(job.directory / "in", [{**record, "pad": "x" * 1000} for record in numbered(2000)])
    process = job.start("--quiet", path)
    head = subprocess.run(["head", "-n1"], stdin=process.stdout, capture_output=True, check=True)
    assert process.stdout
    process.stdout.close()
    process.stdout = None
    _, errors = process.communicate()
    assert (process.returncode, errors) == (141, b"")
    assert head.stdout.count(b"\n") == 1


@pytest.mark.parametrize("job", ["inline"], indirect=True)
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model_qualified_name", "obediant", "in"], "There is no model 'obediant'. There is: obedient, "),
        (["--summary_file", "nowhere/x", "in"], "--summary_file nowhere/x can't be written: "),
        (["nothing"], "There is no input nothing. "),
        (["--no-such-option", "in"], "unrecognized arguments: --no-such-option. --help lists the options."),
    ],
)
def test_a_mistake_is_one_line(job: LocalJob, arguments: list[str], words: str, tmp_path: Path) -> None:
    write_records(tmp_path / "in", numbered(1))
    ran = job.run("--quiet", *arguments)
    assert (ran.code, ran.output, ran.errors.count("\n")) == (1, b"", 1)
    assert ran.errors.startswith(words)


@pytest.mark.parametrize("options", [(), ("--isolate", "always")], ids=["here", "isolated"])
def test_a_key_that_no_record_has_ends_the_run(job: LocalJob, options: tuple[str, ...]) -> None:
    """Nothing is published; one that a single record has is enough."""
    write_records(job.directory / "in", [*numbered(3), {"n": 4, "id": 7}])
    ran = job.run("--quiet", *options, "--key", "n", "--key", "customer-id", "--output-dir", "out", "in")
    assert (ran.code, ran.errors.count("\n")) == (1, 1)
    assert ran.errors.startswith(
        "--key customer-id is a field that none of 4 records has. Nothing was published."
    )
    assert not (job.directory / "out").exists()
    assert job.run("--quiet", *options, "--key", "id", "in").pairs[-2:] == [
        ({"id": None}, {"n": 2}),
        ({"id": 7}, {"n": 4}),
    ]
