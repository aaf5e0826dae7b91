"""The settings of a streaming step keep bytes as they are and find the files of nested directories."""

import pytest

from model_mapreduce_job.runners.hadoop.streaming_settings import streaming_settings


@pytest.mark.parametrize(("reduces", "writer"), [(False, "map"), (True, "reduce")])
def test_who_writes_the_output_appends_no_tab(reduces: bool, writer: str) -> None:
    settings = streaming_settings("run-1", reduces=reduces, marks_success=False)
    assert settings[f"stream.{writer}.output"] == "keyonlytext"
    assert sum(name.startswith("stream.") for name in settings) == 1


def test_a_line_ends_at_lf_alone_and_directories_are_read_to_their_depth() -> None:
    settings = streaming_settings("run-1", reduces=False, marks_success=False)
    assert settings["textinputformat.record.delimiter"] == "\n"
    assert settings["mapreduce.input.fileinputformat.input.dir.recursive"] == "true"
    assert settings["mapreduce.job.name"] == "run-1"


@pytest.mark.parametrize(("marks", "text"), [(False, "false"), (True, "true")])
def test_success_is_marked_by_hadoop_only_where_that_is_asked_for(marks: bool, text: str) -> None:
    settings = streaming_settings("run-1", reduces=False, marks_success=marks)
    assert settings["mapreduce.fileoutputcommitter.marksuccessfuljobs"] == text
