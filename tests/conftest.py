"""What tests of several files share."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from local_jobs import LocalJob

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def pytest_configure() -> None:
    """Let signals end what tests start: what runs in the background, or under nohup, ignores some."""
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


# `make fuzz`: many examples for the tests that don't say how many they need
settings.register_profile("fuzz", max_examples=2000, deadline=None)
if profile := os.environ.get("TEST_PROFILE"):
    settings.load_profile(profile)


@pytest.fixture(params=["inline", "local"])
def job(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LocalJob]:
    """Give the job on each of the two local runners, which may leave neither files nor processes."""
    job = LocalJob(tmp_path, ("-r", request.param, "--model_qualified_name", "obedient"))
    try:
        yield job
        assert job.processes() == []
        assert job.left() == []
    finally:
        job.kill()
