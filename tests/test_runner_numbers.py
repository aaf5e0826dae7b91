"""A number that no run can do with is refused before anything starts."""

from __future__ import annotations

import pytest
from local_jobs import LocalJob, numbered, write_records
from mrjob.options import _RUNNER_OPTS

from model_mapreduce_job.driver.runner_numbers import LIMITS, check_runner_numbers
from model_mapreduce_job.exceptions import InputError


def test_every_number_of_mrjobs_has_limits() -> None:
    numbers = {
        name
        for name, option in _RUNNER_OPTS.items()
        for _, arguments in option.get("switches", [])
        if arguments.get("type") in {int, float}
    }
    assert set(LIMITS) == numbers


@pytest.mark.parametrize("name", LIMITS)
def test_numbers_within_the_limits_are_taken_and_others_are_not(name: str) -> None:
    least, most = LIMITS[name]
    for number in (None, least, most):
        check_runner_numbers({name: number})
    for number in (
        -1,
        float("nan"),
        "four",
        *([0] if least > 0 else []),
        *([most + 1] if most < 1e300 else []),
    ):
        with pytest.raises(InputError, match=f"^--{name.replace('_', '-')} is {number!r}, and has to be"):
            check_runner_numbers({name: number})


@pytest.mark.parametrize("job", ["local"], indirect=True)
def test_cores_that_there_can_not_be_end_the_run_in_one_line(job: LocalJob) -> None:
    """Whether the command line or mrjob.conf has them."""
    write_records(job.directory / "in", numbered(1))
    (job.directory / "mrjob.conf").write_text("runners:\n  local:\n    num_cores: -2\n")
    for given in (["--num-cores", "0"], ["--num-cores=-1"], ["--conf-path", "mrjob.conf"]):
        ran = job.run("--quiet", *given, "in")
        assert (ran.code, ran.output, ran.errors.count("\n")) == (1, b"", 1)
        assert "a number from 1 to 1,024" in ran.errors
    assert "num_cores in mrjob.conf is -2" in ran.errors
