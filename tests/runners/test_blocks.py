"""Which runs on Hadoop have blocks, and what the driver makes of the tasks' reports."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from model_mapreduce_job.driver.run_spec import RunSpec
from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.lines import Place
from model_mapreduce_job.formats.text_reading import TextReading
from model_mapreduce_job.pipeline.counters import Counters
from model_mapreduce_job.pipeline.task_report import Example, TaskReport
from model_mapreduce_job.runners.hadoop import blocks
from model_mapreduce_job.task.run_options import RunOptions
from model_mapreduce_job.task.task_options import TaskOptions

if TYPE_CHECKING:
    from pathlib import Path

MAPPER = {"type": "script"}


class Runner(SimpleNamespace):
    """What is asked of mrjob's runner."""

    def __init__(self, *steps: dict[str, Any], **given: Any) -> None:
        options = {"jobconf": {}, "hadoop_extra_args": [], "libjars": ["mine.jar"]} | given
        super().__init__(
            _opts=options,
            _steps=steps or ({"type": "streaming", "mapper": MAPPER},),
            _script_path=given.get("script", "/anywhere/shipped_script.py"),
            _hadoop_input_format=given.get("format"),
            _hadoop_output_format=None,
        )

    def _get_step(self, number: int) -> dict[str, Any]:
        return dict(self._steps[number])

    def _num_steps(self) -> int:
        return len(self._steps)


def takes(runner: Runner, *, no_blocks: bool = False) -> bool:
    return blocks.takes_blocks(runner, RunSpec(options=RunOptions(no_blocks=no_blocks)))


def test_the_jobs_own_mapper_takes_blocks() -> None:
    assert takes(Runner())
    assert takes(Runner(jobconf={"mapreduce.map.memory.mb": 2048}))


@pytest.mark.parametrize(
    "runner",
    [
        Runner({"type": "streaming", "mapper": MAPPER, "reducer": MAPPER}),
        Runner({"type": "streaming", "mapper": {**MAPPER, "pre_filter": "grep x"}}),
        Runner({"type": "streaming", "mapper": MAPPER}, {"type": "streaming", "mapper": MAPPER}),
        Runner(script="/home/me/my_job.py"),
        Runner(format="org.apache.hadoop.mapred.lib.NLineInputFormat"),
        Runner(hadoop_extra_args=["-inputformat", "SequenceFileAsTextInputFormat"]),
        Runner(jobconf={"textinputformat.record.delimiter": "\x1e"}),
        Runner(jobconf={"mapreduce.job.reduces": 3}),
    ],
    ids=["reducer", "filter", "two steps", "subclass", "format", "argument", "delimiter", "sorted"],
)
def test_whoever_asks_for_lines_has_lines(runner: Runner) -> None:
    assert not takes(runner)


def test_no_blocks_means_none() -> None:
    assert not takes(Runner(), no_blocks=True)


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        (RunOptions(task=TaskOptions(check_duplicates=True)), "--check_duplicates"),
        (RunOptions(profile="p.json"), "--profile p.json"),
        (RunOptions(report="page.html"), "--report page.html"),
        (RunOptions(baseline="last.json"), "--baseline last.json"),
    ],
)
def test_what_comes_home_with_blocks_alone_is_refused_without_them(asked: RunOptions, named: str) -> None:
    """Before the run, in a line that names it: a reducer's job has lines."""
    assert blocks.takes_blocks(Runner(), RunSpec(options=asked))
    with_reducer = Runner({"type": "streaming", "mapper": MAPPER, "reducer": MAPPER})
    with pytest.raises(InputError, match=f"^{named} needs the reports of .* or {named}.$"):
        blocks.takes_blocks(with_reducer, RunSpec(options=asked))


def test_the_jar_comes_after_ones_own_and_from_a_path_that_hadoop_can_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = Runner()
    blocks.ship_blocks(runner)
    assert runner._opts["libjars"] == ["mine.jar", str(blocks.JAR)]
    assert runner._hadoop_input_format == "modelmapreducejob.BlockInputFormat"
    odd = tmp_path / "a directory, of mine" / blocks.JAR.name
    odd.parent.mkdir()
    odd.write_bytes(blocks.JAR.read_bytes())
    monkeypatch.setattr(blocks, "JAR", odd)  # where the package is installed is the person's choice
    runner._get_local_tmp_dir = lambda: str(tmp_path)
    blocks.ship_blocks(runner)
    assert runner._opts["libjars"][-1] == str(tmp_path / odd.name)


def test_lines_are_known_where_hadoop_has_counters() -> None:
    framework = {"Map-Reduce Framework": {"Map input records": 9}}
    found = {**framework, "blocks": {"input lines": 7}, "predictions": {"lines": 6}}
    assert blocks.lines_given(found, TextReading()) == 7
    assert blocks.lines_given(framework, TextReading()) == 0  # a counter that was never added to
    assert blocks.lines_given({}, TextReading()) is None
    assert blocks.lines_given({"predictions": {"lines": 3}}, TextReading()) is None


@pytest.mark.parametrize("given", [{"encoding": "utf-16"}, {"quoted_newlines": True}], ids=str)
def test_what_can_be_read_from_its_start_alone_is_not_split(given: dict[str, Any]) -> None:
    """Its rows are known to tasks alone, by their counters and by their reports."""
    spec = RunSpec(options=RunOptions(task=TaskOptions(input_protocol="csv", **given)))
    assert blocks.settings(spec)["modelmapreducejob.whole.files"] == "true"
    assert blocks.settings(RunSpec())["modelmapreducejob.whole.files"] == "false"
    counters = {"Map-Reduce Framework": {}, "blocks": {"input lines": 7}, "predictions": {"lines": 6}}
    assert blocks.records_given(counters, TaskReport(Counters()), spec) == 6


def test_reports_are_added_up_and_name_files_as_the_person_does() -> None:
    first = TaskReport(Counters(lines=2, predicted=2))
    second = TaskReport(
        Counters(lines=1, failed=1, reasons={"E": 1}), {"E": Example("no", Place(4, "u1", 9))}
    )
    text = f"{first.to_json()}\n{second.to_json()}\n".encode()
    chunks = [text[start : start + 7] for start in range(0, len(text), 7)]
    together = blocks.reports_in(chunks, {"u1": "mine.csv"}.__getitem__)
    assert (together.counters.lines, together.counters.answered) == (3, 3)
    assert together.examples["E"].place == Place(4, "mine.csv", 9)
