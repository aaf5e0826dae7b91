"""The options that a task is given: nothing that a command line can hold is lost or changed on their way."""

import os
from argparse import ArgumentParser
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.task.main import mapper_options
from model_mapreduce_job.task.options import OPTIONS
from model_mapreduce_job.task.task_options import TaskOptions

# whatever a command line or a header may hold: NUL, quotes, bytes that are no UTF-8
ANY_TEXT = st.text(st.characters()) | st.binary().map(os.fsdecode)


def parsed(*arguments: str) -> TaskOptions:
    parser = ArgumentParser()
    for option in OPTIONS:
        parser.add_argument(*option.spellings, dest=option.name, **option.arguments)
    return TaskOptions.from_namespace(parser.parse_args(arguments))


def test_every_option_that_is_passed_on_is_one_of_them() -> None:
    passed_on = {option.name for option in OPTIONS if option.passed_on}
    assert {field.name for field in msgspec.structs.fields(TaskOptions)} == passed_on


@given(columns=ANY_TEXT, keys=st.lists(ANY_TEXT, max_size=3), seconds=st.floats(0.1, 1e9))
def test_a_file_brings_them_as_they_were(columns: str, keys: list[str], seconds: float) -> None:
    options = msgspec.structs.replace(parsed(), columns=columns, key=keys, predict_timeout=seconds)
    assert TaskOptions.from_json(options.to_json()) == options


def test_a_file_that_holds_no_options_is_told_in_one_line(tmp_path: Path) -> None:
    for number, text in enumerate((b"{", b"{}", b'{"columns": 1}', b"\xff")):
        path = tmp_path / str(number)
        path.write_bytes(text)
        with pytest.raises(InputError, match=r"^The task's options in .* can't be read: .*\.$"):
            TaskOptions.read(str(path))
    with pytest.raises(InputError, match="can't be read"):
        TaskOptions.read(str(tmp_path / "missing"))


def test_a_map_task_takes_them_from_the_file_that_its_command_names(tmp_path: Path) -> None:
    path = tmp_path / "options.json"
    path.write_bytes(parsed("--model_qualified_name", "m", "--columns", "a'b,\0", "--key", "x").to_json())
    options = mapper_options(["--step-num=0", "--mapper", "--options_file", str(path)])
    assert options
    assert (options.model_qualified_name, options.columns, options.key) == ("m", "a'b,\0", ["x"])
