"""The arguments of a Hadoop streaming step, as the step's submitter wrote them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


class BadStepError(Exception):
    """Raised when a step can't be run as it was submitted; the message goes to the step's log."""


@dataclass(frozen=True)
class Localized:
    """A file or archive that each task finds in its working directory under a name."""

    uri: str
    name: str


@dataclass(frozen=True)
class StreamingStep:
    """One streaming job."""

    mapper: str
    output: str
    inputs: tuple[str, ...]
    reducer: str | None = None
    files: tuple[Localized, ...] = ()
    archives: tuple[Localized, ...] = ()
    jobconf: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    input_format: str = "org.apache.hadoop.mapred.TextInputFormat"
    jars: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()  # all of them, as they came

    @property
    def reduces(self) -> int:
        """How many reduce tasks there are; 0 for a job of mappers alone."""
        return int(self.jobconf.get("mapreduce.job.reduces", "1")) if self.reducer else 0

    @property
    def name(self) -> str:
        """What YARN lists the job by; streaming's jar gives its own name to one that has none."""
        return self.jobconf.get("mapreduce.job.name", "streamjob.jar")

    @property
    def max_attempts(self) -> int:
        """How often a map task is tried."""
        return int(self.jobconf.get("mapreduce.map.maxattempts", "4"))


@dataclass(frozen=True)
class CommandStep:
    """A command of the master node's.

    https://docs.aws.amazon.com/emr/latest/ReleaseGuide/emr-commandrunner.html: command-runner.jar runs what
    its arguments say; this stand-in knows `bash`, beside streaming.
    """

    command: tuple[str, ...]


@dataclass(frozen=True)
class ScriptStep:
    """A script on S3 that the master node runs.

    https://docs.aws.amazon.com/emr/latest/ReleaseGuide/emr-commandrunner.html: script-runner.jar, in a bucket
    of EMR's own in each region, fetches it first.
    """

    uri: str
    arguments: tuple[str, ...]


SCRIPT_RUNNER = re.compile(r"s3://[a-z0-9-]+\.elasticmapreduce/libs/script-runner/script-runner\.jar")
IGNORED = frozenset({"-combiner"})  # Hadoop may run a combiner any number of times, so never is allowed too


def parse_step(jar: str, args: Sequence[str]) -> StreamingStep | CommandStep | ScriptStep:
    """Read a step of one of EMR's own jars; raises BadStepError when it is not understood."""
    if SCRIPT_RUNNER.fullmatch(jar) and args:
        return ScriptStep(args[0], tuple(args[1:]))
    if jar == "command-runner.jar" and args[:1] == ["bash"]:
        return CommandStep(tuple(args))
    return parse_streaming_step(jar, args)


def parse_streaming_step(jar: str, args: Sequence[str]) -> StreamingStep:
    """Read a step of command-runner.jar; raises BadStepError when it is not streaming, or not understood."""
    if jar != "command-runner.jar" or not args or args[0] != "hadoop-streaming":
        raise BadStepError(f"Not a valid JAR: {jar} {' '.join(args[:1])}")
    given: dict[str, list[str]] = {}
    for option, value in _pairs(args[1:]):
        given.setdefault(option, []).append(value)
    return _step(given, tuple(args[1:]))


def _pairs(args: Sequence[str]) -> Iterator[tuple[str, str]]:
    rest = iter(args)
    for option in rest:
        value = next(rest, None)
        if value is None:
            raise BadStepError(f"Missing argument for option: {option}")
        yield option, value


def _step(given: dict[str, list[str]], arguments: tuple[str, ...]) -> StreamingStep:
    names = ("-mapper", "-reducer", "-output", "-inputformat", "-outputformat")
    one = {name: given.pop(name, [None])[-1] for name in names}
    step = StreamingStep(
        mapper=one["-mapper"] or "cat",
        reducer=None if one["-reducer"] == "NONE" else one["-reducer"],
        output=one["-output"] or "",
        inputs=tuple(given.pop("-input", [])),
        files=_localized(given.pop("-files", [])),
        archives=_localized(given.pop("-archives", [])),
        jobconf=_settings(given.pop("-D", [])),
        environment=_settings(given.pop("-cmdenv", [])),
        input_format=one["-inputformat"] or StreamingStep.input_format,
        jars=tuple(jar for value in given.pop("-libjars", []) for jar in value.split(",")),
        arguments=arguments,
    )
    unknown = sorted(given.keys() - IGNORED)
    if unknown:
        raise BadStepError(f"Unrecognized option: {', '.join(unknown)}")
    if not step.output or not step.inputs:
        raise BadStepError("Required argument: -input and -output")
    return step


def _localized(values: Sequence[str]) -> tuple[Localized, ...]:
    entries = [entry for value in values for entry in value.split(",") if entry]
    return tuple(
        Localized(uri, name or uri.rsplit("/", 1)[-1])
        for uri, _, name in (entry.partition("#") for entry in entries)
    )


def _settings(values: Sequence[str]) -> dict[str, str]:
    return {name: text for name, _, text in (value.partition("=") for value in values)}
