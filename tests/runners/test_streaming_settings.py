"""The settings of a streaming step keep bytes as they are and find the files of nested directories."""

import pytest

from model_mapreduce_job.driver.run_spec import RunSpec
from model_mapreduce_job.runners.hadoop.streaming_settings import line_settings, step_settings


@pytest.mark.parametrize(("step", "writer"), [({}, "map"), ({"reducer": {}}, "reduce")])
def test_who_writes_the_output_appends_no_tab(step: dict[str, object], writer: str) -> None:
    settings = line_settings(step)
    assert settings[f"stream.{writer}.output"] == "keyonlytext"
    assert sum(name.startswith("stream.") for name in settings) == 1


def test_what_a_combiner_writes_keeps_its_values() -> None:
    """Hadoop reads it as it reads what a reducer writes."""
    assert not [name for name in line_settings({"combiner": {}, "reducer": {}}) if name.startswith("stream.")]


@pytest.mark.parametrize("by_blocks", [False, True])
def test_directories_are_read_to_their_depth_and_the_driver_marks_success(by_blocks: bool) -> None:
    settings = step_settings("run-1", {}, RunSpec(), by_blocks=by_blocks)
    assert settings.get("textinputformat.record.delimiter") == (None if by_blocks else "\n")
    assert settings["mapreduce.fileoutputcommitter.marksuccessfuljobs"] == "false"
    assert settings["mapreduce.input.fileinputformat.input.dir.recursive"] == "true"
    assert settings["mapreduce.job.name"] == "run-1"
