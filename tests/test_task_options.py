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
from model_mapreduce_job.task.options import OPTIONS, texts_in_utf_8, values_of
from model_mapreduce_job.task.run_options import RunOptions
from model_mapreduce_job.task.task_options import TaskOptions

# whatever a command line or a header may hold: NUL, quotes, bytes that are no UTF-8
ANY_TEXT = st.text(st.characters()) | st.binary().map(os.fsdecode)


def parsed(*arguments: str) -> TaskOptions:
    parser = ArgumentParser()
    for option in OPTIONS:
        option.add_to(parser)
    return TaskOptions.of(vars(parser.parse_args(arguments)))


def test_the_table_and_the_options_of_tasks_and_driver_agree() -> None:
    """An option is an entry of the table and a field; mrjob's own, which the driver looks at, are fields."""
    fields = [*TaskOptions.__struct_fields__, *RunOptions.__struct_fields__]
    mrjobs = {"runner", "inputs", "output_dir", "conf_paths", "quiet", "verbose"}
    of_the_input = {
        *("input_fields", "column_orders", "tables", "partitions", "names_input_protocol"),
        *("is_replay", "earlier_header"),
    }
    found_by_the_driver = {"model_digest", "is_profiled", "several", "run_id", "run_time", *of_the_input}
    found_by_the_driver |= {"part_compression"}
    assert sorted({*fields} - mrjobs - found_by_the_driver - {"task"}) == sorted(
        option.name for option in OPTIONS
    )
    assert len({*fields}) == len(fields)


def test_what_is_not_given_has_its_default() -> None:
    assert parsed() == TaskOptions()
    assert RunOptions.of({"args": []}, parsed()) == RunOptions()
    given = {option.name: option.default for option in OPTIONS if option.default is not None}
    assert given.items() <= values_of(RunOptions()).items()


def test_texts_are_utf_8_in_any_locale_and_names_of_files_are_left() -> None:
    as_an_ascii_locale_has_it = "caf\udcc3\udca9"
    texts = {"columns", "key", "features", "null_values", "delimiter", "model_output", "trust_types"}
    given = {option.name: None for option in OPTIONS} | dict.fromkeys(texts, as_an_ascii_locale_has_it)
    given |= {"key": [as_an_ascii_locale_has_it], "model_file": as_an_ascii_locale_has_it, "batch_size": 3}
    found = texts_in_utf_8(given)
    assert {found[name] for name in texts - {"key"}} == {"café"}
    assert (found["key"], found["batch_size"], "model_file" in found) == (["café"], 3, False)


@given(columns=ANY_TEXT, keys=st.lists(ANY_TEXT, max_size=3), seconds=st.floats(0.1, 1e9))
def test_a_file_brings_them_as_they_were(columns: str, keys: list[str], seconds: float) -> None:
    options = msgspec.structs.replace(parsed(), columns=columns, key=(*keys,), predict_timeout=seconds)
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
    options, paths = mapper_options(["--step-num=0", "--mapper", "--options_file", str(path), "input"])
    assert (options.model_qualified_name, options.columns, options.key) == ("m", "a'b,\0", ("x",))
    assert paths == ["input"]
