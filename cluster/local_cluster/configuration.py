"""Hadoop's configuration files, filled in from cluster/conf."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from string import Template

from local_cluster.daemons import DATA_NODES, HADOOP, NODE_MANAGERS, Daemon
from local_cluster.layout import Layout
from local_cluster.ports import Ports
from local_cluster.toolchain import Jdk


def write_configurations(layout: Layout, ports: Ports, jdk: Jdk, task_options: str) -> None:
    """Write one HADOOP_CONF_DIR for the clients and one for each daemon."""
    shutil.rmtree(layout.home / "etc", ignore_errors=True)
    common = {name: str(port) for name, port in ports.items()}
    common |= {name: str(getattr(layout, name)) for name in ("home", "state", "agent", "classpath_jar")}
    common |= {"java_home": str(jdk.home), "task_options": task_options}
    _fill_in(layout, layout.configuration(), {**common, **_instances(ports)})
    for daemon in HADOOP:
        _fill_in(layout, layout.configuration(daemon.name), {**common, **_instances(ports, daemon)})


def _instances(ports: Ports, of: Daemon | None = None) -> dict[str, str]:
    """Give names such as `datanode_http` their meaning for one of two daemons of a kind."""
    values = {}
    for kind in (DATA_NODES, NODE_MANAGERS):
        daemon = of if of in kind else kind[0]
        values[daemon.kind] = daemon.name
        values |= {f"{daemon.kind}_{port}": str(ports[f"{daemon.name}_{port}"]) for port in daemon.ports}
    return values


def _fill_in(layout: Layout, target: Path, values: Mapping[str, str]) -> None:
    target.mkdir(parents=True)
    for template in sorted((layout.source / "conf").iterdir()):
        text = Template(template.read_text(encoding="utf-8")).substitute(values)
        (target / template.name).write_text(text, encoding="utf-8")
