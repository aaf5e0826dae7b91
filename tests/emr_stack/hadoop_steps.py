"""Runs a streaming step on the Hadoop of `cluster/`, which reads and writes the stack's S3 through S3A."""

import os
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from emr_stack import node as nodes
from emr_stack.setup_locks import remove_locks
from emr_stack.step_runner import ContainerLog, StepContext, StepResult
from emr_stack.store import Store
from emr_stack.streaming import BadStepError, StreamingStep

LOCAL_HADOOP: Final = Path(__file__).parents[2] / "cluster" / ".work" / "hadoop"
SUBMITTED: Final = re.compile(r"Submitted application (application_\d+_\d+)$", re.MULTILINE)

# What EMR's job client writes, and where: the step's syslog is a file of its own beside its standard error.
LOG4J: Final = """log4j.rootLogger=INFO,file
log4j.appender.file=org.apache.log4j.FileAppender
log4j.appender.file.file={syslog}
log4j.appender.file.layout=org.apache.log4j.PatternLayout
log4j.appender.file.layout.ConversionPattern=%d{{ISO8601}} %p %c (%t): %m%n
"""


@dataclass(frozen=True)
class HadoopStepRunner:
    """A StepRunner whose nodes are the NodeManagers of a Hadoop that is up."""

    home: Path = LOCAL_HADOOP

    def run(self, step: StreamingStep, context: StepContext) -> StepResult:
        """Give a step's arguments to Hadoop streaming as they came; a cluster's end ends the application."""
        place = context.node.work / f"step-{context.number}"
        place.mkdir()
        self._put_yarn(context.node)
        (place / "log4j.properties").write_text(LOG4J.format(syslog=place / "syslog"))
        scripts = _scripts(step, context.store)  # a driver that is interrupted removes them from S3
        try:
            return self._result(self._submit(step, context, place), context, place)
        finally:
            remove_locks(scripts)

    def _submit(self, step: StreamingStep, context: StepContext, place: Path) -> nodes.Finished:
        jar = next((self.home / "share" / "hadoop" / "tools" / "lib").glob("hadoop-streaming-*.jar"))
        site = place / "emr-site.xml"
        _write_properties(site, _site(context.node.environment))
        arguments = map(context.node.in_its_home, step.arguments)
        command = [*self._hadoop("jar"), str(jar), "-conf", str(site), *arguments]
        logging = {"HADOOP_OPTS": f"-Dlog4j.configuration=file:{place / 'log4j.properties'}"}
        return nodes.run(
            command,
            cwd=place,
            environment={**self._environment(), **logging},
            stopped=context.stopped,
        )

    def _result(self, ended: nodes.Finished, context: StepContext, place: Path) -> StepResult:
        log = place / "syslog"
        syslog = log.read_text(errors="replace") if log.exists() else ""
        found = SUBMITTED.search(syslog)
        application = found[1] if found else ""
        if ended.code is None and application and context.cluster_ends():
            self._kill(application, context.node.home)
        return StepResult(
            succeeded=ended.code == 0,
            syslog=syslog,
            stderr=ended.stderr.decode(errors="replace"),
            application_id=application,
            containers=tuple(self._containers(application)) if application else (),
        )

    def _put_yarn(self, node: nodes.Node) -> None:
        """Let the node's `yarn` be that of the Hadoop that runs its steps."""
        settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in self._environment().items())
        command = f"exec env {settings} {self.home / 'bin' / 'yarn'}"
        (node.root / "bin" / "yarn").write_text(f'#!/bin/sh\n{command} "$@"\n')

    def _kill(self, application: str, cwd: Path) -> None:
        command = [*self._hadoop("application"), "-kill", application]
        nodes.run(command, cwd=cwd, environment=self._environment(), stopped=lambda: False)

    def _containers(self, application: str) -> Iterator[ContainerLog]:
        for folder in sorted((self.home / "logs" / "userlogs" / application).glob("container_*")):
            yield ContainerLog(folder.name, _text(folder / "stderr"), _text(folder / "syslog"))

    def _hadoop(self, command: str) -> list[str]:
        return [str(self.home / "bin" / "hadoop"), command]

    def _environment(self) -> dict[str, str]:
        conf = self.home / "etc" / "hadoop"
        return {"PATH": os.environ["PATH"], "HADOOP_HOME": str(self.home), "HADOOP_CONF_DIR": str(conf)}


def _scripts(step: StreamingStep, store: Store) -> list[str]:
    try:
        return [store.read(item.uri).decode() for item in step.files if item.name.endswith(".sh")]
    except FileNotFoundError as why:
        raise BadStepError(f"File does not exist: {why}") from why


def _site(node: Mapping[str, str]) -> dict[str, str]:
    """Return what EMR's configuration has and the local one lacks: S3, and the environment of a node."""
    s3a = {
        "endpoint": node["AWS_ENDPOINT_URL"],
        "endpoint.region": node["AWS_DEFAULT_REGION"],
        "path.style.access": "true",
        "access.key": node["AWS_ACCESS_KEY_ID"],
        "secret.key": node["AWS_SECRET_ACCESS_KEY"],
        # planned faults are for drivers: this tells the gateway that a node calls
        "user.agent.prefix": f"app/{node['AWS_SDK_UA_APP_ID']}",
    }
    tasks = {f"mapreduce.{kind}.env.{name}": node[name] for kind in ("map", "reduce") for name in node}
    return {
        "fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        **{f"fs.s3a.{name}": value for name, value in s3a.items()},
        **tasks,
    }


def _write_properties(path: Path, values: Mapping[str, str]) -> None:
    root = ET.Element("configuration")
    for name, value in values.items():
        entry = ET.SubElement(root, "property")
        ET.SubElement(entry, "name").text = name
        ET.SubElement(entry, "value").text = value
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""
