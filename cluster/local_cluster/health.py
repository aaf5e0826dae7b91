"""What the daemons say of themselves on their web pages."""

import http.client
import json
from functools import partial
from typing import Any

from local_cluster.daemons import DATA_NODES, NAME_NODE, NODE_MANAGERS, RESOURCE_MANAGER, Daemon
from local_cluster.ports import LOOPBACK, Ports
from local_cluster.supervisor import Trouble

TIMEOUT_S = 5
NO_ANSWER = "does not answer"


def hadoop_trouble(ports: Ports, daemon: Daemon) -> Trouble:
    """Return how to ask one of Hadoop's daemons."""
    return partial(_hadoop_trouble, ports, daemon)


def page(port: int, path: str) -> Any:
    """Fetch a web page's JSON; None while it doesn't answer."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", path, headers={"Accept": "application/json"})
        response = connection.getresponse()
        return json.loads(response.read()) if response.status == http.HTTPStatus.OK else None
    except (OSError, http.client.HTTPException, json.JSONDecodeError):
        return None
    finally:
        connection.close()


def missing(registered: int, wanted: int, what: str) -> str | None:
    """Say what is wrong about too few (or too many) workers of a kind."""
    return None if registered == wanted else f"has {registered} of {wanted} {what}"


def _hadoop_trouble(ports: Ports, daemon: Daemon) -> str | None:
    port = ports.get(f"{daemon.name}_http")
    answer = page(port, daemon.page) if port else None
    if answer is None:
        return NO_ANSWER
    if daemon == NAME_NODE:
        return _name_node_trouble(answer["beans"])
    if daemon == RESOURCE_MANAGER:
        return missing(answer["clusterMetrics"]["activeNodes"], len(NODE_MANAGERS), "NodeManagers")
    return None


def _name_node_trouble(beans: list[dict[str, Any]]) -> str | None:
    if not beans:
        return NO_ANSWER
    if beans[0]["FSState"] != "Operational":
        return "is in safe mode"
    return missing(beans[0]["NumLiveDataNodes"], len(DATA_NODES), "DataNodes")
