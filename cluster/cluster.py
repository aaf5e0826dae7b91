"""A Hadoop on this machine, from packages: python cluster/cluster.py up | status | down."""

import argparse
import sys
import time

from local_cluster.errors import ClusterError
from local_cluster.hadoop import HadoopCluster
from local_cluster.layout import default_layout


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return options.command(HadoopCluster(default_layout()), options)
    except ClusterError as error:
        print(f"cluster: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    commands.add_parser("up").set_defaults(command=_up)
    commands.add_parser("status").set_defaults(command=_status)
    down = commands.add_parser("down")
    down.add_argument("--wipe", action="store_true")
    down.set_defaults(command=_down)
    return parser


def _up(cluster, options) -> int:
    start = time.monotonic()
    cluster.up()
    print(time.monotonic() - start)
    print(cluster.default_fs)
    return 0


def _status(cluster, options) -> int:
    for s in cluster.status():
        print(s)
    return 0


def _down(cluster, options) -> int:
    cluster.down(wipe=options.wipe)
    return 0


if __name__ == "__main__":
    sys.exit(main())
