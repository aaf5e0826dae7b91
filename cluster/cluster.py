"""A pseudo-distributed Hadoop and a standalone Spark on this machine, on 127.0.0.1 alone."""

import argparse
import fcntl
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from local_cluster.class_sharing import ensure_archive
from local_cluster.distribution import prepare, write_sums
from local_cluster.errors import ClusterError
from local_cluster.hadoop import HadoopCluster
from local_cluster.layout import Layout, default_layout
from local_cluster.own_jar import JAR, build_jar
from local_cluster.ports import LOOPBACK
from local_cluster.spark import SparkCluster
from local_cluster.supervisor import DaemonStatus
from local_cluster.toolchain import find_jdk

AS_ROOT = "CLUSTER_AS_ROOT"
OPEN_TO_ALL = "Whoever is a user of this machine can run commands as the cluster's user, through YARN."

Command = Callable[[Layout, argparse.Namespace], int]


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit code."""
    options = _parser().parse_args(arguments)
    command: Command = options.command
    try:
        return command(default_layout(), options)
    except ClusterError as error:
        print(f"cluster: {error}", file=sys.stderr)
        return 1


def _up(layout: Layout, options: argparse.Namespace) -> int:
    _check_user(as_root=options.as_root or bool(os.environ.get(AS_ROOT)))
    with _locked(layout):
        jdk = find_jdk()
        prepare(layout, jdk)
        ensure_archive(layout, jdk)
        start = time.monotonic()
        HadoopCluster(layout).up(jdk)
        print(f"Hadoop is up after {time.monotonic() - start:.1f} s. To use it:")
    print(f"# {OPEN_TO_ALL}", file=sys.stderr)
    return _env(layout, options)


def _sums(layout: Layout, _options: argparse.Namespace) -> int:
    write_sums(layout)
    return 0


def _jar(layout: Layout, _options: argparse.Namespace) -> int:
    with _locked(layout):
        jdk = find_jdk()
        prepare(layout, jdk)
        JAR.write_bytes(build_jar(layout, jdk))
    print(f"{JAR} has {JAR.stat().st_size:,} bytes")
    return 0


def _check_user(*, as_root: bool) -> None:
    if os.geteuid() == 0 and not as_root:
        raise ClusterError(
            f"{OPEN_TO_ALL} You are root. Start it as another user, or say --as-root or {AS_ROOT}=1 where "
            "nobody else is on this machine."
        )


def _env(layout: Layout, _options: argparse.Namespace) -> int:
    default_fs = HadoopCluster(layout).default_fs()
    if default_fs is None:
        raise ClusterError("Hadoop is down: run 'python cluster/cluster.py up' first")
    print(f"export HADOOP_HOME={layout.home}")
    print(f"export HADOOP_CONF_DIR={layout.configuration()}")
    print('export PATH="$HADOOP_HOME/bin:$PATH"')
    print(f"# HDFS is {default_fs}")
    return 0


def _status(layout: Layout, options: argparse.Namespace) -> int:
    daemons = HadoopCluster(layout).status() + SparkCluster(layout).status()
    print(json.dumps(_report(layout, daemons), indent=2) if options.json else _table(daemons))
    return 1 if any(daemon.trouble for daemon in daemons) else 0


def _down(layout: Layout, options: argparse.Namespace) -> int:
    with _locked(layout):
        HadoopCluster(layout).down(wipe=options.wipe)
    print("Hadoop is down")
    return 0


def _spark_up(layout: Layout, _options: argparse.Namespace) -> int:
    with _locked(layout):
        start = time.monotonic()
        spark = SparkCluster(layout)
        spark.up(find_jdk())
        print(f"Spark is up after {time.monotonic() - start:.1f} s. To use it:")
    print(f"export SPARK_LOCAL_IP={LOOPBACK}")
    print(f"# the master is {spark.master()}")
    return 0


def _spark_down(layout: Layout, _options: argparse.Namespace) -> int:
    with _locked(layout):
        SparkCluster(layout).down()
    print("Spark is down")
    return 0


def _report(layout: Layout, daemons: list[DaemonStatus]) -> dict[str, Any]:
    return {
        "hadoop_home": str(layout.home),
        "hadoop_conf_dir": str(layout.configuration()),
        "default_fs": HadoopCluster(layout).default_fs(),
        "spark_master": SparkCluster(layout).master(),
        "daemons": [asdict(daemon) for daemon in daemons],
    }


def _table(daemons: list[DaemonStatus]) -> str:
    rows = [("daemon", "pid", "health", "ports of 127.0.0.1")]
    rows += [
        (d.name, str(d.pid or "-"), d.trouble or "in service", " ".join(map(str, d.ports))) for d in daemons
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


@contextmanager
def _locked(layout: Layout) -> Iterator[None]:
    layout.work.mkdir(exist_ok=True)
    with (layout.work / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cluster.py", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    up = _add(commands, "up", _up, "start Hadoop, or what of it doesn't run")
    up.add_argument("--as-root", action="store_true", help=f"also for root (or set {AS_ROOT})")
    status = _add(
        commands, "status", _status, "each daemon's process, ports and health; 1 if one is in trouble"
    )
    status.add_argument("--json", action="store_true", help="for programs")
    _add(commands, "env", _env, "print what a shell must export to use Hadoop")
    down = _add(commands, "down", _down, "stop Hadoop and all that runs on it")
    down.add_argument("--wipe", action="store_true", help="also remove what is in HDFS, and the logs")
    _add(commands, "sums", _sums, "write jars.sha256 anew, after a change of pom.xml")
    _add(commands, "jar", _jar, "build the jar of the package's own Java")
    _add(commands, "spark-up", _spark_up, "start Spark")
    _add(commands, "spark-down", _spark_down, "stop Spark")
    return parser


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, command: Command, text: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(command=command)
    return parser


if __name__ == "__main__":
    sys.exit(main())
