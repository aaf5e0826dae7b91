"""Which tasks may have a run's first records: those alone end a run whose first records all fail."""

import pytest

from model_mapreduce_job.task.node import may_start_the_run

ATTEMPT, OLDER, START = "mapreduce_task_attempt_id", "mapred_task_id", "mapreduce_map_input_start"


@pytest.mark.parametrize(
    ("environment", "first"),
    [
        ({}, True),
        ({START: "0"}, True),
        ({START: "134217728"}, False),
        ({ATTEMPT: "attempt_1700000000000_0001_m_000007_0", START: "0"}, True),
        ({OLDER: "attempt_spark_m_000000_1"}, True),
        ({OLDER: "attempt_spark_m_000010_0"}, False),
    ],
)
def test_a_task_says_of_itself_whether_it_may_have_the_runs_first_records(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], *, first: bool
) -> None:
    for name in (ATTEMPT, OLDER, START):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert may_start_the_run() is first
