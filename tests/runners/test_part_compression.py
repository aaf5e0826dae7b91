"""Who compresses a cluster's parts: the tasks, or Hadoop where it writes lines; never both."""

from __future__ import annotations

import pytest

from model_mapreduce_job.driver.run_spec import RunSpec
from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.runners.hadoop.part_compression import COMPRESS, checked, settings
from model_mapreduce_job.task.run_options import RunOptions


def spec_of(compression: str | None, output_dir: str | None = "out") -> RunSpec:
    options = RunOptions(output_compression=compression, output_dir=output_dir, runner="hadoop")
    return RunSpec(options=options.with_task(part_compression=compression if output_dir else None))


@pytest.mark.parametrize("compression", ["gz", "zst"])
def test_tasks_that_write_their_parts_compress_them_whatever_the_cluster_does(compression: str) -> None:
    spec = checked(spec_of(compression), {}, by_tasks=True)
    assert spec.options.task.part_compression == compression
    assert settings(spec.options) == {COMPRESS: "false"}


def test_lines_are_compressed_by_hadoop_which_can_do_gzip_alone() -> None:
    spec = checked(spec_of("gz"), {}, by_tasks=False)
    assert spec.options.task.part_compression is None
    codec = "org.apache.hadoop.io.compress.GzipCodec"
    assert settings(spec.options) == {COMPRESS: "true", f"{COMPRESS}.codec": codec}
    with pytest.raises(InputError, match=r"zst is for jobs whose tasks .* Use --output_compression gz\."):
        checked(spec_of("zst"), {}, by_tasks=False)


@pytest.mark.parametrize("name", [COMPRESS, "mapred.output.compress"])
def test_a_setting_that_compresses_a_second_time_is_refused(name: str) -> None:
    """In the old name as well; one that says no is none."""
    for by_tasks in (True, False):
        with pytest.raises(InputError, match="twice"):
            checked(spec_of("gz"), {name: "true"}, by_tasks=by_tasks)
    checked(spec_of("gz"), {name: "false"}, by_tasks=True)
    checked(spec_of(None), {name: "true"}, by_tasks=True)


def test_what_the_driver_compresses_reaches_it_as_text() -> None:
    """A cluster's own default would compress parts that go to standard output."""
    spec = checked(spec_of("zst", output_dir=None), {COMPRESS: "true"}, by_tasks=False)
    assert settings(spec.options) == {COMPRESS: "false"}
    assert settings(spec_of(None).options) == {}
