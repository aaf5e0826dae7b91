"""What tests of several files share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from local_jobs import LocalJob

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


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
