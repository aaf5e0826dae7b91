"""Secrets that a run is given stand in none of its messages."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from local_jobs import LocalJob, numbered, write_records

from model_mapreduce_job.driver.hidden_values import HidesValues

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = """
from model_mapreduce_job import Config

ENTRY = {"qualified_name": "m", "module_name": "keyed", "class_name": "Keyed"}

class Unreachable(Config):
    models = ({**ENTRY, "parameters": {"api_key": "sk-live-1234"}},)

class Malformed(Config):
    models = ({**ENTRY, "parameters": {"api_key": "sk-live-1234"}, "klass": "Keyed"},)

class Keyed:
    def __init__(self, api_key):
        raise ConnectionError("no route to host")
"""


@pytest.mark.measured
@pytest.mark.parametrize("name", ["Unreachable", "Malformed"])
def test_a_models_parameters_are_named_and_not_shown(name: str, tmp_path: Path) -> None:
    (tmp_path / "keyed.py").write_text(SETTINGS)
    job = LocalJob(tmp_path, ("--model_qualified_name", "m"), environment={"APP_SETTINGS": f"keyed.{name}"})
    write_records(tmp_path / "in", numbered(1))
    for verbosity in ("--quiet", "--verbose"):
        ran = job.run(verbosity, "in")
        assert ran.code == 1
        assert "sk-live-1234" not in ran.errors
    assert {"Unreachable": "api_key=...", "Malformed": "'klass'"}[name] in ran.errors


@pytest.mark.measured
def test_values_for_the_tasks_environment_are_not_shown(job: LocalJob) -> None:
    """Neither those of the command line nor those of mrjob.conf, though all options are shown."""
    write_records(job.directory / "in", [{"env": "TOKEN"}, {"env": "PASSWORD"}])
    alias = job.options[1]
    (job.directory / "mrjob.conf").write_text(
        f"runners:\n  {alias}:\n    cmdenv:\n      PASSWORD: it's one\n"
    )
    ran = job.run("--verbose", "--conf-path", "mrjob.conf", "--cmdenv", "TOKEN=tok-1234", "in")
    assert ran.values == ["tok-1234", "it's one"]
    assert "TOKEN" in ran.errors
    assert "PASSWORD" in ran.errors
    assert [secret for secret in ("tok-1234", "it's one", "it\\'s one") if secret in ran.errors] == []


def test_a_short_value_is_no_secret() -> None:
    record = logging.LogRecord("mrjob", logging.INFO, "", 0, "run %d of %s", (1, "secret"), None)
    assert HidesValues(["1", "secret"]).filter(record)
    assert record.getMessage() == "run 1 of [hidden]"
