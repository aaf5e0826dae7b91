"""What the tests of --plan share."""

from pathlib import Path

import pytest
from plan_runs import Planner


@pytest.fixture
def planner(tmp_path: Path) -> Planner:
    """Return a planner in a directory of the test's own."""
    return Planner(tmp_path)
