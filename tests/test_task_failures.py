"""Why a task on a cluster failed, in one line."""

import pytest

from model_mapreduce_job.exceptions import IncompleteRunError, InputError, TooManyFailuresError
from model_mapreduce_job.runners.hadoop.task_failures import GIVE_IT_OTHERWISE, TaskFailure, failure_found
from model_mapreduce_job.storage.hadoop_commands import ClusterError

PLACE = "This task runs on node7 and reads hdfs://nn/in/rows, bytes 0 to 1,000.\n"
TRACEBACK = """\
Traceback (most recent call last):
  File "model.py", line 3, in <module>
    import missing
ModuleNotFoundError: No module named 'missing'
"""


def told(stderr: str, hadoop_error: str = "", split: str = "") -> str:
    return str(TaskFailure.of(stderr, hadoop_error, split).error())


def test_an_error_of_this_package_is_told_with_its_place_and_ends_the_run_as_what_it_is() -> None:
    failure = TaskFailure.of(f"{PLACE}The task failed: TooManyFailuresError: All failed.\nAll failed.\n")
    error = failure.error()
    assert isinstance(error, TooManyFailuresError)
    assert str(error) == "A task failed on node7, reading hdfs://nn/in/rows, bytes 0 to 1,000: All failed."
    assert not failure.traceback


@pytest.mark.parametrize(
    "before", ["", PLACE, f"{PLACE}reporter:status:7 lines predicted\n", "+ python job.py\n"]
)
def test_of_a_traceback_its_error_is_told_and_all_of_it_is_kept(before: str) -> None:
    failure = TaskFailure.of(before + TRACEBACK)
    assert isinstance(failure.error(), IncompleteRunError)
    assert failure.reason == "ModuleNotFoundError: No module named 'missing'"
    assert failure.traceback == TRACEBACK


def test_of_two_tracebacks_the_last_counts() -> None:
    both = f"{TRACEBACK}\nDuring handling of the above exception, another exception occurred:\n\n{TRACEBACK}"
    assert told(both.replace("missing", "first", 2)).endswith("No module named 'missing'")


def test_a_crash_of_the_interpreter_is_told() -> None:
    crash = (
        "Fatal Python error: Segmentation fault\n\nCurrent thread 0x1 (most recent call first):\n  File ...\n"
    )
    assert told(PLACE + crash).endswith("bytes 0 to 1,000: Fatal Python error: Segmentation fault")


@pytest.mark.parametrize(
    ("hadoop_error", "reason"),
    [
        (
            "java.lang.RuntimeException: PipeMapRed.waitOutputThreads(): subprocess failed with code 137\n\t",
            "it ended with exit code 137 (SIGKILL: often it used more memory than its container has)",
        ),
        ("subprocess failed with code 3", "it ended with exit code 3"),
        ("Exception running child : java.io.IOException: The input f is gone\n\tat", "The input f is gone"),
        ("Container is running beyond limits.\nKilled.", "Container is running beyond limits."),
        (
            "native zStandard library not available: no zstd support\n\tat",
            f"native zStandard library not available: no zstd support.{GIVE_IT_OTHERWISE}",
        ),
        ("", "it did not say why; its logs are on the host"),
    ],
)
def test_a_task_that_says_nothing_is_explained_by_hadoops_own_error(hadoop_error: str, reason: str) -> None:
    assert (
        told("reporter:counter:a,b,1\nExample of a failure: E: of a record\n", hadoop_error, "hdfs://in")
        == f"A task failed, reading hdfs://in: {reason}"
    )


def test_without_place_and_traceback_the_last_line_is_told() -> None:
    assert told("one\nsh: python: not found\n") == "A task failed: sh: python: not found"


def test_a_kind_that_is_unknown_is_an_incomplete_run() -> None:
    assert isinstance(TaskFailure("why", kind="NewerError").error(), IncompleteRunError)


@pytest.mark.parametrize(
    "error", [ClusterError("history is gone."), InputError("It is gone."), OSError("gone")]
)
def test_logs_that_hadoop_is_moving_are_looked_at_again(error: Exception) -> None:
    looks = iter([error, error, TaskFailure("why")])

    def look() -> TaskFailure:
        found = next(looks)
        if isinstance(found, Exception):
            raise found
        return found

    assert failure_found(look, "application_1_2", (0, 0)) == TaskFailure("why")
    assert next(looks, None) is None


@pytest.mark.parametrize(
    ("application", "command"),
    [("application_1_2", "yarn logs -applicationId application_1_2"), ("", "yarn application -list")],
)
def test_logs_that_cannot_be_read_are_named(application: str, command: str) -> None:
    def look() -> TaskFailure:
        raise ClusterError("hdfs:///history can't be read: Permission denied")

    assert str(failure_found(look, application, (0,)).error()) == (
        "A task failed: why is in its logs, which can't be read from here "
        f"(hdfs:///history can't be read: Permission denied). Try: {command}"
    )
