"""The settings of a streaming step keep bytes as they are and find the files of nested directories."""

import pytest

from model_mapreduce_job.runners.hadoop.streaming_settings import line_settings, streaming_settings


@pytest.mark.parametrize(("step", "writer"), [({}, "map"), ({"reducer": {}}, "reduce")])
def test_who_writes_the_output_appends_no_tab(step: dict[str, object], writer: str) -> None:
    settings = line_settings(step)
    assert settings[f"stream.{writer}.output"] == "keyonlytext"
    assert sum(name.startswith("stream.") for name in settings) == 1


def test_what_a_combiner_writes_keeps_its_values() -> None:
    """Hadoop reads it as it reads what a reducer writes."""
    assert not [name for name in line_settings({"combiner": {}, "reducer": {}}) if name.startswith("stream.")]


def test_a_line_ends_at_lf_alone_and_directories_are_read_to_their_depth() -> None:
    settings = streaming_settings("run-1", line_settings({}), marks_success=False)
    assert settings["textinputformat.record.delimiter"] == "\n"
    assert settings["mapreduce.input.fileinputformat.input.dir.recursive"] == "true"
    assert settings["mapreduce.job.name"] == "run-1"


@pytest.mark.parametrize(("marks", "text"), [(False, "false"), (True, "true")])
def test_success_is_marked_by_hadoop_only_where_that_is_asked_for(marks: bool, text: str) -> None:
    settings = streaming_settings("run-1", {}, marks_success=marks)
    assert settings["mapreduce.fileoutputcommitter.marksuccessfuljobs"] == text
