"""Who compresses an output directory's parts on a cluster: its tasks, or Hadoop where it writes lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from model_mapreduce_job.exceptions import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_mapreduce_job.driver.run_spec import RunSpec
    from model_mapreduce_job.task.run_options import RunOptions

COMPRESS: Final = "mapreduce.output.fileoutputformat.compress"
_OLD_COMPRESS: Final = "mapred.output.compress"
# Those that need no library of the nodes' own
_CODECS: Final = {"gz": "org.apache.hadoop.io.compress.GzipCodec"}


def checked(spec: RunSpec, jobconf: Mapping[str, Any], *, by_tasks: bool) -> RunSpec:
    """Return a run whose tasks compress their parts only if they write these themselves, as by_tasks says.

    Raises InputError where Hadoop would have to, and can't, and where a person's setting of Hadoop's would
    compress a second time.
    """
    if spec.options.task.part_compression is None:
        return spec
    compression = spec.options.output_compression
    for name in (COMPRESS, _OLD_COMPRESS):
        if str(jobconf.get(name, "false")).lower() != "false":
            raise InputError(
                f"--output_compression {compression} and {name}={jobconf[name]} would compress the output "
                "twice. Leave one of them out."
            )
    if by_tasks:
        return spec
    if compression not in _CODECS:
        raise InputError(
            f"--output_compression {compression} is for jobs whose tasks write their parts themselves, and "
            f"this one's lines are written by -r {spec.options.runner}. Use --output_compression gz."
        )
    return replace(spec, options=spec.options.with_task(part_compression=None))


def settings(options: RunOptions) -> dict[str, str]:
    """Return Hadoop's settings for parts that tasks compress, or Hadoop where it's left to it.

    Standard output is compressed by the driver: a cluster's own default would be a second time.
    """
    compression = options.output_compression
    if compression is None:
        return {}
    if options.task.part_compression or options.output_dir is None:
        return {COMPRESS: "false"}
    return {COMPRESS: "true", f"{COMPRESS}.codec": _CODECS[compression]}
