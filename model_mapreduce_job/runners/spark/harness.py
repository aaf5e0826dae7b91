"""What spark-submit runs: mrjob's harness, fed with lines as they are, counting each task once."""

from __future__ import annotations

import json
import os
import re
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from mrjob.spark import harness
from mrjob.util import shlex_split
from pyspark import AccumulatorParam, TaskContext
from pyspark.rdd import RDD
from pyspark.serializers import UTF8Deserializer
from pyspark.sql import SparkSession, functions

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Iterator

Counters = dict[str, dict[str, int]]
# What one attempt of one partition of a step has counted
ByAttempt = dict[tuple[int, int, int], Counters]

_PARTITION: Final = re.compile(r"Task (\d+)(?:\.\d+)? in stage \S+ failed")
_HOST: Final = re.compile(r"\(TID \d+\) \((\S+) executor")
_TRACEBACK: Final = re.compile(r"Traceback \(most recent call last\):\n.*?(?=\n\s*\n|\n\tat |\Z)", re.DOTALL)
_CRASHED: Final = re.compile(r"Fatal Python error: .*|Python worker exited unexpectedly.*")
_NAMED_ERROR: Final = re.compile(r"model_mapreduce_job\.exceptions\.(?P<kind>\w+): (?P<message>.*)")


class AttemptCounters(AccumulatorParam[ByAttempt]):
    """Sums counters by attempt, so that a partition which ran twice is not counted twice."""

    def zero(self, value: ByAttempt) -> ByAttempt:  # noqa: ARG002 - Spark's signature
        """Return what nothing has been added to yet."""
        return {}

    def addInPlace(self, value1: ByAttempt, value2: ByAttempt) -> ByAttempt:  # noqa: N802 - Spark's name
        """Add the second value's counters to the first."""
        for attempt, counters in value2.items():
            mine = value1.setdefault(attempt, {})
            for group, amounts in counters.items():
                sums = mine.setdefault(group, {})
                for name, amount in amounts.items():
                    sums[name] = sums.get(name, 0) + amount
        return value1


def main(arguments: list[str]) -> int:
    """Run the steps that the arguments name, and leave their counters, or why they failed, in --result."""
    options = _parse(arguments)
    session = SparkSession.builder.getOrCreate()
    counted = session.sparkContext.accumulator({}, AttemptCounters())
    lines = read_lines(session, options.input_paths)
    try:
        run_steps(options, lines, counted)
    except Exception as error:  # noqa: BLE001 - whatever ended it, the runner is to hear of it
        result: dict[str, Any] = {"failure": explain(str(error), lines)}
    else:
        result = {"counters": [_of_step(counted.value, step) for step in _step_numbers(options)]}
    _write(session, options.result, json.dumps(result))
    session.stop()
    return 1 if "failure" in result else 0


def read_lines(session: SparkSession, paths: list[str]) -> RDD[bytes]:
    """Return the lines of files, byte for byte but for the LF that ends each.

    Spark's own ways would take other bytes for UTF-8 and lines to end at a CR. As Latin-1 every byte passes.
    """
    # what is below directories is read as well, as on the other runners
    text = session.read.text(paths, lineSep="\n", recursiveFileLookup=True)
    latin = text.select(functions.decode(functions.col("value").cast("binary"), "ISO-8859-1"))
    strings = session.sparkContext._jvm.org.apache.spark.sql.Encoders.STRING()  # noqa: SLF001 - the way to Java
    java_lines = getattr(latin._jdf, "as")(strings).toJavaRDD()  # noqa: SLF001 - as above
    return RDD(java_lines, session.sparkContext, UTF8Deserializer(use_unicode=False))


def run_steps(options: Namespace, lines: RDD[bytes], counted: Any) -> None:
    """Run mrjob's steps over lines, and save the last one's output."""
    steps = json.loads(options.steps_desc)
    make = _job_maker(options, counted)
    rdd = lines.mapPartitions(_as_bytes)
    for number in _step_numbers(options):
        rdd = harness._run_step(  # noqa: SLF001 - mrjob has no public name for it
            steps[number - options.first_step_num],
            number,
            rdd,
            make,
            options.num_reducers,
            options.sort_values,
            False,  # noqa: FBT003 - mrjob's order of arguments; input paths are not given to mappers
            options.skip_internal_protocol,
        )
    if options.max_output_files:
        rdd = rdd.coalesce(options.max_output_files)
    rdd.saveAsTextFile(options.output_path, options.compression_codec)


def explain(error: str, lines: RDD[bytes]) -> dict[str, str]:
    """Return why a Spark job failed: the task's own error, its host and what it was reading."""
    tracebacks = _TRACEBACK.findall(error)
    traceback = tracebacks[-1] if tracebacks else ""
    own, crashed = _NAMED_ERROR.search(error), _CRASHED.search(error)
    host, partition = _HOST.search(error), _PARTITION.search(error)
    reason = crashed[0] if crashed else (traceback or error).strip().splitlines()[-1 if traceback else 0]
    return {
        "reason": own["message"] if own else reason,
        "kind": own["kind"] if own else "",
        "host": host[1] if host else "",
        "split": _split(lines, int(partition[1])) if partition else "",
        "traceback": "" if own else traceback,
    }


def _parse(arguments: list[str]) -> Namespace:
    parser = harness._make_arg_parser()  # noqa: SLF001 - mrjob has no public name for it
    parser.add_argument("--result", required=True)
    parser.add_argument("--input-paths", required=True, type=json.loads)
    parser.add_argument("--options-here")
    parsed: Namespace = parser.parse_args(arguments)
    return parsed


def _step_numbers(options: Namespace) -> range:
    return range(options.first_step_num, options.last_step_num + 1)


def _job_maker(options: Namespace, counted: Any) -> Callable[[str, int], Any]:
    module, _, name = options.job_class.rpartition(".")
    arguments = shlex_split(options.job_args or "")
    here = ["--options_file", options.options_here] if options.options_here else []

    def make(kind: str, step: int) -> Any:
        context = TaskContext.get()
        own = [] if context else here
        job = getattr(import_module(module), name)([*arguments, *own, f"--{kind}", f"--step-num={step}"])
        if context is None:
            return job
        # what Hadoop would say of the attempt, and where the job looks for it
        attempt = f"attempt_spark_m_{context.partitionId():06d}_{context.attemptNumber()}"
        os.environ["mapred_task_id"] = attempt  # noqa: SIM112 - Hadoop's name
        key = (step, context.partitionId(), context.taskAttemptId())
        job.increment_counter = lambda group, counter, amount=1: counted.add(
            {key: {group: {counter: amount}}}
        )
        return job

    return make


def _as_bytes(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Turn lines back from the UTF-8 of their bytes taken as Latin-1; ASCII is the same either way."""
    for line in lines:
        yield line if line.isascii() else line.decode().encode("latin-1")


def _of_step(counted: ByAttempt, step: int) -> Counters:
    """Return a step's counters: one attempt's for each partition, those of a later attempt alike."""
    attempts = {partition: key for key in sorted(counted) if key[0] == step for partition in [key[1]]}
    sums = AttemptCounters().addInPlace({}, {})
    for key in attempts.values():
        AttemptCounters().addInPlace(sums, {(step, 0, 0): counted[key]})
    return sums.get((step, 0, 0), {})


def _split(lines: RDD[bytes], partition: int) -> str:
    """Return the file ranges that a partition of the input holds; nothing for one of a later step."""
    try:
        files = lines._jrdd.rdd().partitions()[partition].files()  # noqa: SLF001 - Python's side doesn't know them
        ranges = [(file.filePath().toString(), file.start(), file.length()) for file in files]
    except Exception:  # noqa: BLE001 - an error while telling of an error must not hide it
        return ""
    return " and ".join(f"{path}, bytes {start:,} to {start + length:,}" for path, start, length in ranges)


def _write(session: SparkSession, path: str, text: str) -> None:
    """Write a file where the runner finds it: here, or on a filesystem that both reach."""
    if "://" not in path:
        with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123 - a path that came as text
            file.write(text)
        return
    context = session.sparkContext
    place = context._jvm.org.apache.hadoop.fs.Path(path)  # noqa: SLF001 - the way to Java
    stream = place.getFileSystem(context._jsc.hadoopConfiguration()).create(place)  # noqa: SLF001 - as above
    stream.write(bytearray(text.encode()))
    stream.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
