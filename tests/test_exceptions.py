"""The errors that end a run."""

import inspect

import pytest

from model_mapreduce_job import exceptions
from model_mapreduce_job.exceptions import DriftError, ModelMapReduceError, TooManyFailuresError

ERRORS = [error for _, error in inspect.getmembers(exceptions, inspect.isclass)]


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_can_be_caught_by_the_one_base(error: type[BaseException]) -> None:
    assert issubclass(error, ModelMapReduceError)


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_says_when_it_is_raised(error: type[BaseException]) -> None:
    assert error.__doc__.startswith("Base of" if error is ModelMapReduceError else "Raised when ")


def test_too_many_failures_and_drift_have_exit_codes_of_their_own() -> None:
    codes = {error: error.exit_code for error in ERRORS}
    assert codes.pop(TooManyFailuresError) == 3
    assert codes.pop(DriftError) == 4
    assert set(codes.values()) == {1}
