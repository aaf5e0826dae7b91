"""What spark-submit runs: mrjob's harness, fed with lines as they are; what a task reports counts once."""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from contextlib import suppress
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mrjob.spark import harness
from mrjob.util import shlex_split
from pyspark import AccumulatorParam, TaskContext
from pyspark.rdd import RDD
from pyspark.serializers import UTF8Deserializer
from pyspark.sql import DataFrame, SparkSession, functions

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Iterator

    from model_mapreduce_job.formats.lines import Place
    from model_mapreduce_job.pipeline.task_report import TaskReport

Counters = dict[str, dict[str, int]]
# What the tasks of a step have sent: which attempt of each partition counts, of mappers and of reducers; the
# sums of mrjob's counters; and their reports as one, in JSON: None where the step does not predict, "" where
# reports can't be added
StepSums = tuple[dict[tuple[str, int], int], Counters, str | None]

_PARTITION: Final = re.compile(r"Task (\d+)(?:\.\d+)? in stage \S+ failed")
_HOST: Final = re.compile(r"\(TID \d+\) \((\S+) executor")
_OWN_NOTE: Final = re.compile(r"^Task \d+ in stage .*\n?", re.MULTILINE)
_TRACEBACK: Final = re.compile(r"Traceback \(most recent call last\):\n.*?(?=\n\s*\n|\n\tat |\Z)", re.DOTALL)
_CRASHED: Final = re.compile(r"Fatal Python error: .*|Python worker exited unexpectedly.*")
_JAVAS: Final = re.compile(r"(?m)^(?:: |Caused by: )[\w.$]+: (?:\[[\w.]+\] )?(.+?)(?:\.? +SQLSTATE.*)?$")
_NAMED_ERROR: Final = re.compile(r"model_mapreduce_job\.exceptions\.(?P<kind>\w+): (?P<message>.*)")


class OncePerPartition(AccumulatorParam[dict[int, StepSums]]):
    """Sums what tasks send, by step; of a partition that ran twice, one attempt counts."""

    def zero(self, value: dict[int, StepSums]) -> dict[int, StepSums]:  # noqa: ARG002 - Spark's signature
        """Return what nothing has been added to yet."""
        return {}

    def addInPlace(  # noqa: N802 - Spark's name
        self, value1: dict[int, StepSums], value2: dict[int, StepSums]
    ) -> dict[int, StepSums]:
        """Add the second value's sums to the first."""
        for step, sent in value2.items():
            value1[step] = _sum(value1[step], sent) if step in value1 else sent
        return value1


def main(arguments: list[str], session: SparkSession | None = None) -> int:
    """Run the steps that the arguments name; write what they report, or why they failed, to --result."""
    options = _parse(arguments)
    session = session or SparkSession.builder.getOrCreate()
    _make_package_importable(options.job_class)
    counted = session.sparkContext.accumulator({}, OncePerPartition())
    read, run = (table_frame, run_table) if options.tables else (read_lines, run_steps)
    source = read(session, options)
    try:
        run(options, source, counted)
    except Exception as error:  # noqa: BLE001 - whatever ended it, the runner is to hear of it
        result: dict[str, Any] = {"failure": explain(str(error), source)}
    else:
        sums = [counted.value.get(step) for step in _step_numbers(options)]
        result = _result(sums, source, options)
    _write(session, options.result, json.dumps(result))
    session.stop()
    return 1 if "failure" in result else 0


def read_lines(session: SparkSession, options: Namespace) -> RDD[bytes]:
    """Return the lines of files, byte for byte but for the LF that ends each.

    Spark's own ways would take other bytes for UTF-8 and lines to end at a CR. As Latin-1 every byte passes.
    """
    # what is below directories is read as well, as on the other runners
    text = session.read.text(options.input_paths, lineSep="\n", recursiveFileLookup=True)
    latin = text.select(functions.decode(functions.col("value").cast("binary"), "ISO-8859-1"))
    strings = session.sparkContext._jvm.org.apache.spark.sql.Encoders.STRING()  # the way to Java
    java_lines = getattr(latin._jdf, "as")(strings).toJavaRDD()
    return RDD(java_lines, session.sparkContext, UTF8Deserializer(use_unicode=False))


def run_steps(options: Namespace, lines: RDD[bytes], counted: Any) -> None:
    """Run mrjob's steps over lines, and save the last one's output."""
    steps = json.loads(options.steps_desc)
    make = _job_maker(options, counted)
    rdd = lines.mapPartitions(_as_bytes)
    for number in _step_numbers(options):
        rdd = harness._run_step(
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


def table_frame(session: SparkSession, options: Namespace) -> DataFrame:
    """Return the input of a run with tables, as its plan says."""
    from model_mapreduce_job.runners.spark.tables import read_frame  # noqa: PLC0415 - text does without

    return read_frame(session, options.input_paths, Path(options.tables).read_bytes())


def run_table(options: Namespace, frame: DataFrame, counted: Any) -> None:
    """Predict the rows of a frame, and save them."""
    from model_mapreduce_job.runners.spark.tables import predictor, write_frame  # noqa: PLC0415 - text does without

    plan = Path(options.tables).read_bytes()
    predict = predictor(partial(_job_maker(options, counted), "mapper", options.first_step_num), plan)
    frame = frame.coalesce(options.max_output_files) if options.max_output_files else frame
    write_frame(frame, predict, plan, options.output_path, options.compression_codec)


def explain(error: str, source: RDD[bytes] | DataFrame) -> dict[str, str]:
    """Return why a Spark job failed: the task's own error, its host and what it was reading."""
    tracebacks = _TRACEBACK.findall(error)
    traceback = _OWN_NOTE.sub("", tracebacks[-1]) if tracebacks else ""
    own, crashed = _NAMED_ERROR.search(error), _CRASHED.search(error)
    host, partition = _HOST.search(error), _PARTITION.search(error)
    # py4j's first line names only the call: what happened is in Java's words for it and for its first cause
    javas = _JAVAS.findall(error) or error.strip().splitlines()[:1]
    words = traceback.strip().splitlines()[-1:] or dict.fromkeys([javas[0], javas[-1]])
    reason = crashed[0] if crashed else ": ".join(words)
    return {
        "reason": own["message"] if own else reason,
        "kind": own["kind"] if own else "",
        "host": host[1] if host else "",
        "split": _split(source, int(partition[1])) if partition else "",
        "traceback": "" if own else traceback,
    }


def _parse(arguments: list[str]) -> Namespace:
    parser = harness._make_arg_parser()
    parser.add_argument("--result", required=True)
    parser.add_argument("--input-paths", required=True, type=json.loads)
    parser.add_argument("--options-here")
    parser.add_argument("--tables")
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
        # the job looks for the attempt where Hadoop has it
        attempt = f"attempt_spark_m_{context.partitionId():06d}_{context.attemptNumber()}"
        os.environ["mapred_task_id"] = attempt  # noqa: SIM112 - Hadoop's name
        attempt_of = {(kind, context.partitionId()): context.taskAttemptId()}

        def increment_counter(group: str, counter: str, amount: int = 1) -> None:
            counted.add({step: (attempt_of, {group: {counter: amount}}, None)})

        def send_report(report: TaskReport) -> None:
            from model_mapreduce_job.pipeline.several_counters import groups_of  # noqa: PLC0415 - tasks alone have it

            placed = report.in_file(str(context.partitionId()), 0).of_worker(platform.node())
            counted.add({step: (attempt_of, groups_of(report), placed.to_json())})

        job.increment_counter, job.send_report = increment_counter, send_report
        return job

    return make


def _as_bytes(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Turn lines back from the UTF-8 of their bytes taken as Latin-1; ASCII is the same either way."""
    for line in lines:
        yield line if line.isascii() else line.decode().encode("latin-1")


def _sum(sums: StepSums, sent: StepSums) -> StepSums:
    """Return sums with what a task sent, unless another attempt of its partition counts already."""
    (attempts, counters, report), (sent_attempts, sent_counters, sent_report) = sums, sent
    if any(attempts.get(partition, attempt) != attempt for partition, attempt in sent_attempts.items()):
        return sums
    for group, amounts in sent_counters.items():
        mine = counters.setdefault(group, {})
        for name, amount in amounts.items():
            mine[name] = mine.get(name, 0) + amount
    return {**attempts, **sent_attempts}, counters, _merged(report, sent_report)


def _merged(report: str | None, other: str | None) -> str | None:
    """Return two reports as one, as JSON; "" where this program has no package to add them with."""
    if report is None or other is None:
        return other if report is None else report
    try:
        from model_mapreduce_job.pipeline.task_report import TaskReport, merged  # noqa: PLC0415 - it may be missing
    except ImportError:
        return ""
    return merged(map(TaskReport.from_json, (report, other))).to_json() if report and other else ""


def _make_package_importable(job_class: str) -> None:
    """Let the job's script make this package importable, as it does for tasks; it may fail here."""
    try:
        import_module("model_mapreduce_job.pipeline.task_report")
    except ImportError:
        with suppress(Exception):
            import_module(job_class.rpartition(".")[0])


def _result(
    steps: list[StepSums | None], source: RDD[bytes] | DataFrame, options: Namespace
) -> dict[str, Any]:
    """Return the counters of each step, and its report as JSON where there is one."""
    counters = [sums[1] if sums else {} for sums in steps]
    reports = [_in_files(sums[2], source, options) if sums and sums[2] else None for sums in steps]
    return {"counters": counters, "reports": reports}


def _in_files(report: str, source: RDD[bytes] | DataFrame, options: Namespace) -> str | None:
    """Return a report whose places are in files instead of partitions; None where that can't be done here."""
    try:
        from model_mapreduce_job.pipeline.task_report import TaskReport  # noqa: PLC0415 - it may be missing
    except ImportError:
        return None
    return TaskReport.from_json(report).with_places(lambda place: _in_file(place, source, options)).to_json()


def _in_file(place: Place, source: RDD[bytes] | DataFrame, options: Namespace) -> Place | None:
    """Return a place in a partition as one in a file; None where a partition is not the range of one file."""
    from model_mapreduce_job.formats.lines import Place  # noqa: PLC0415 - it may be missing

    # the partitions of later steps, and those that are merged into few outputs, are others
    has_own_partitions = options.first_step_num == options.last_step_num and not options.max_output_files
    ranges = _files(source, int(place.file)) if has_own_partitions else []
    return Place(place.line, *ranges[0][:2]) if len(ranges) == 1 else None


def _split(source: RDD[bytes] | DataFrame, partition: int) -> str:
    """Return in words the file ranges that a partition of the input holds; "" where they are not known."""
    ranges = _files(source, partition)
    return " and ".join(f"{path}, bytes {start:,} to {start + length:,}" for path, start, length in ranges)


def _files(source: RDD[bytes] | DataFrame, partition: int) -> list[tuple[str, int, int]]:
    """Return path, start and length of the file ranges of a partition; none for one of a later step."""
    try:
        files = _partitions(source)[partition].files()
        return [(file.filePath().toString(), file.start(), file.length()) for file in files]
    except Exception:  # noqa: BLE001 - what a report says beside its counts must not cost the run
        return []


@cache
def _partitions(source: RDD[bytes] | DataFrame) -> Any:
    """Return Java's partitions of the input, which Python's side doesn't know."""
    is_frame = isinstance(source, DataFrame)
    return (source._jdf.queryExecution().toRdd() if is_frame else source._jrdd.rdd()).partitions()


def _write(session: SparkSession, path: str, text: str) -> None:
    """Write a file where the runner finds it: here, or on a filesystem that both reach."""
    if "://" not in path:
        Path(path).write_text(text, encoding="utf-8")
        return
    context = session.sparkContext
    place = context._jvm.org.apache.hadoop.fs.Path(path)  # the way to Java
    stream = place.getFileSystem(context._jsc.hadoopConfiguration()).create(place)
    stream.write(bytearray(text.encode()))
    stream.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
