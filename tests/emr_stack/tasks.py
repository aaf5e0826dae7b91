"""Runs a streaming step's tasks as plain processes."""

import re
import shlex
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Final

from emr_stack import hadoop_logs as logs
from emr_stack import node as nodes
from emr_stack import records, yarn
from emr_stack.hadoop_inputs import input_files
from emr_stack.map_ways import Ways, ways_of
from emr_stack.setup_locks import remove_locks
from emr_stack.step_runner import ContainerLog, StepContext, StepResult
from emr_stack.streaming import BadStepError, StreamingStep

AT_ONCE: Final = 2
REPORT: Final = re.compile(rb"^reporter:counter:([^,]*),([^,]*),(\d+)\s*$", re.MULTILINE)
FRAMEWORK: Final = "Map-Reduce Framework"
RANK: Final = {"m": 0, "r": 1}


@dataclass(frozen=True)
class Task:
    """One map or reduce task: its number, what it reads, and from where that came."""

    kind: str  # m or r, as in Hadoop's ids
    number: int
    command: str
    stdin: bytes
    records: int
    split: str = ""


@dataclass(frozen=True)
class Attempt:
    """One try at a task."""

    task: Task
    number: int
    ended: nodes.Finished
    is_whole: bool = True

    @property
    def succeeded(self) -> bool:
        """Whether the task's process ended with code 0, and its output is whole."""
        return self.ended.code == 0 and self.is_whole


class ProcessStepRunner:
    """A StepRunner that reads the input itself and runs the mapper and reducer commands as processes."""

    def run(self, step: StreamingStep, context: StepContext) -> StepResult:
        """Run all maps, then the reduces; a step that can't start says why in its log.

        A client that is stopped leaves its application to YARN, which runs it to its end.
        """
        results: list[StepResult] = []
        application = Thread(target=lambda: results.append(_run_job(step, context)))
        application.start()
        while application.is_alive() and not context.stopped():
            application.join(nodes.POLL_SECONDS)
        if context.cluster_ends():
            application.join()
        return results[0] if results else StepResult(succeeded=False, syslog="")


def _run_job(step: StreamingStep, context: StepContext) -> StepResult:
    try:
        job = _Job(step, context)
    except BadStepError as why:
        return _refused(why)
    try:
        return job.run()
    except (BadStepError, FileNotFoundError) as why:
        return _refused(why)
    finally:
        job.tidy_up()


def _refused(why: Exception) -> StepResult:
    return StepResult(succeeded=False, syslog=logs.exception(str(why)), stderr=f"{why}\n")


class _Job:
    """One run of a streaming job."""

    def __init__(self, step: StreamingStep, context: StepContext) -> None:
        self._step = step
        self._context = context
        self._store = context.store
        self._id = f"{context.started}_{context.number:04d}"
        self._cache = context.node.root / f"filecache-{self._id}"
        self._ways = ways_of(step, context.store, context.node)

    def run(self) -> StepResult:
        step = self._step
        if self._store.ls(step.output.rstrip("/") + "/"):
            raise BadStepError(f"Output directory {step.output} already exists")
        maps = self._maps()
        self._localize()
        with yarn.submitted(
            self._context.node.root, f"application_{self._id}", step.name
        ) as self._application:
            return self._run_tasks(maps)

    def _run_tasks(self, maps: list[Task]) -> StepResult:
        step = self._step
        phases = [self._attempts(maps)]
        if step.reduces and _succeeded(phases[0]):
            phases.append(self._attempts(self._reduces(phases[0])))
        attempts = [attempt for phase in phases for attempt in phase]
        if self._ends() or not _succeeded(attempts):
            return self._failed(attempts)
        self._commit(phases[-1])
        return self._finished(attempts)

    def _ends(self) -> bool:
        return self._context.cluster_ends() or self._application.is_killed

    def tidy_up(self) -> None:
        """Remove the locks that mrjob's setup scripts take in /tmp, which a real node loses with its disk."""
        remove_locks(script.read_text() for script in self._cache.glob("*.sh"))

    # What the tasks read

    def _maps(self) -> list[Task]:
        given = enumerate(self._ways.given(self._input_files()))
        return [
            Task("m", number, self._step.mapper, one.stdin, one.records, one.split) for number, one in given
        ]

    def _input_files(self) -> list[str]:
        recursive = self._step.jobconf.get("mapreduce.input.fileinputformat.input.dir.recursive") == "true"
        found: list[str] = []
        for path in self._step.inputs:
            found += input_files(self._store, path, recursive=recursive)
        return found

    def _reduces(self, maps: Iterable[Attempt]) -> list[Task]:
        shuffled: dict[int, list[tuple[bytes, bytes]]] = defaultdict(list)
        for attempt in maps:
            for key, value in records.pairs(attempt.ended.stdout) if attempt.succeeded else ():
                shuffled[sum(key) % self._step.reduces].append((key, value))
        return [self._reduce(number, shuffled[number]) for number in range(self._step.reduces)]

    def _reduce(self, number: int, pairs: list[tuple[bytes, bytes]]) -> Task:
        pairs.sort(key=lambda pair: pair[0])
        stdin = b"".join(b"%s\t%s\n" % pair for pair in pairs)
        return Task("r", number, self._step.reducer or "cat", stdin, len(pairs))

    # How they run

    def _localize(self) -> None:
        self._cache.mkdir()
        for item in self._step.files:
            self._store.download(item.uri, self._cache / item.name)
            (self._cache / item.name).chmod(0o500)
        for item in self._step.archives:
            packed = self._cache / f".{item.name}-{item.uri.rsplit('/', 1)[-1]}"
            self._store.download(item.uri, packed)
            shutil.unpack_archive(packed, self._cache / item.name, filter="tar")
            packed.unlink()

    def _attempts(self, tasks: Sequence[Task]) -> list[Attempt]:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return [attempt for tried in pool.map(self._try, tasks) for attempt in tried]

    def _try(self, task: Task) -> list[Attempt]:
        tried: list[Attempt] = []
        while len(tried) < self._step.max_attempts and not self._ends():
            ended = self._start(task, len(tried))
            is_whole = task.kind == "r" or self._ways.is_whole(ended.stdout)
            tried.append(Attempt(task, len(tried), ended, is_whole))
            if tried[-1].succeeded:
                break
        return tried

    def _start(self, task: Task, number: int) -> nodes.Finished:
        place = self._context.node.work / self._container_id(task, number)
        place.mkdir()
        for item in self._cache.iterdir():
            (place / item.name).symlink_to(item)
        return nodes.run(
            _command(task.command, place),
            cwd=place,
            environment=self._environment(task, number),
            stopped=self._ends,
            stdin=task.stdin,
        )

    def _environment(self, task: Task, number: int) -> dict[str, str]:
        facts = {
            "mapreduce.job.id": f"job_{self._id}",
            "mapreduce.task.id": self._task_id(task),
            "mapreduce.task.attempt.id": self._attempt_id(task, number),
            "mapreduce.task.partition": str(task.number),
            "mapreduce.task.ismap": str(task.kind == "m").lower(),
            "mapreduce.map.input.file": task.split.rpartition(":")[0],
        }
        jobconf = {re.sub(r"\W", "_", name): value for name, value in {**self._step.jobconf, **facts}.items()}
        return {**self._context.node.environment, **jobconf, **self._step.environment}

    def _task_id(self, task: Task) -> str:
        return f"task_{self._id}_{task.kind}_{task.number:06d}"

    def _attempt_id(self, task: Task, number: int) -> str:
        return f"attempt_{self._id}_{task.kind}_{task.number:06d}_{number}"

    def _container_id(self, task: Task, number: int) -> str:
        # Container 1 is the application master's; the others are numbered over all attempts.
        serial = 2 + (task.number * 2 + RANK[task.kind]) * self._step.max_attempts + number
        return f"container_{self._id}_01_{serial:06d}"

    # What they leave

    def _commit(self, attempts: Iterable[Attempt]) -> None:
        base = self._step.output.rstrip("/")
        for attempt in attempts:
            if attempt.succeeded:
                name = f"part-{attempt.task.number:05d}"
                for file, data in self._ways.files(name, attempt.ended.stdout).items():
                    self._store.write(f"{base}/{file}", data)
        if self._step.jobconf.get("mapreduce.fileoutputcommitter.marksuccessfuljobs") != "false":
            self._store.write(f"{base}/_SUCCESS", b"")

    def _finished(self, attempts: Sequence[Attempt]) -> StepResult:
        application = f"application_{self._id}"
        syslog = (
            logs.submitted(application)
            + "".join(self._failure(attempt) for attempt in attempts if not attempt.succeeded)
            + logs.counters(_counters(attempts, self._ways))
            + logs.finished(application, self._step.output)
        )
        return StepResult(
            succeeded=True, syslog=syslog, application_id=application, containers=self._containers(attempts)
        )

    def _failed(self, attempts: Sequence[Attempt]) -> StepResult:
        application = f"application_{self._id}"
        bad = [attempt for attempt in attempts if not attempt.succeeded]
        syslog = (
            logs.submitted(application)
            + "".join(map(self._failure, bad))
            + logs.failed(application, self._task_id(bad[-1].task) if bad else "")
            + logs.counters(_counters(attempts, self._ways))
        )
        return StepResult(
            succeeded=False,
            syslog=syslog,
            stderr="Streaming Command Failed!\n",
            application_id=application,
            containers=self._containers(attempts),
        )

    def _failure(self, attempt: Attempt) -> str:
        return logs.attempt_failed(self._attempt_id(attempt.task, attempt.number), attempt.ended.code)

    def _containers(self, attempts: Iterable[Attempt]) -> tuple[ContainerLog, ...]:
        return tuple(
            ContainerLog(
                self._container_id(attempt.task, attempt.number),
                attempt.ended.stderr.decode(errors="replace"),
                "" if attempt.succeeded else logs.container_syslog(attempt.task.split, attempt.ended.code),
            )
            for attempt in attempts
        )


def _command(line: str, place: Path) -> list[str]:
    program, *arguments = shlex.split(line)
    return [str(place / program) if (place / program).exists() else program, *arguments]


def _succeeded(attempts: Sequence[Attempt]) -> bool:
    done = {(attempt.task.kind, attempt.task.number): attempt.succeeded for attempt in attempts}
    return bool(done) and all(done.values())


def _counters(attempts: Iterable[Attempt], ways: Ways) -> dict[str, Counter[str]]:
    """Sum what the successful attempts reported; Hadoop drops the counters of failed ones."""
    totals: dict[str, Counter[str]] = defaultdict(Counter)
    for attempt in attempts:
        kind = "Map" if attempt.task.kind == "m" else "Reduce"
        if not attempt.succeeded:
            totals["Job Counters"][f"Failed {kind.lower()} tasks"] += 1
            continue
        for (group, name), amount in ways.counters(attempt.task.records, attempt.ended.stdout).items():
            totals[group or FRAMEWORK][name if group else f"{kind} {name}"] += amount
        for group, name, amount in REPORT.findall(attempt.ended.stderr):
            totals[group.decode()][name.decode()] += int(amount)
    return totals
