"""What the daemons say of themselves on their web pages."""

import http.client
import json
from collections.abc import Mapping
from typing import Any

from local_cluster.daemons import DATA_NODES, NAME_NODE, NODE_MANAGERS, RESOURCE_MANAGER, Daemon
from local_cluster.ports import LOOPBACK

TIMEOUT_S = 5


def page(ports: Mapping[str, int], daemon: Daemon) -> dict[str, Any] | None:
    """The daemon's page, decoded; None while it doesn't answer."""
    connection = http.client.HTTPConnection(LOOPBACK, ports[f"{daemon.name}_http"], timeout=TIMEOUT_S)
    try:
        connection.request("GET", daemon.page, headers={"Accept": "application/json"})
        response = connection.getresponse()
        return json.loads(response.read()) if response.status == http.HTTPStatus.OK else None
    except (OSError, http.client.HTTPException, json.JSONDecodeError):
        return None
    finally:
        connection.close()


def trouble(ports: Mapping[str, int], daemon: Daemon) -> str | None:
    """Why the daemon is not in service, or None when it is."""
    answer = page(ports, daemon)
    if answer is None:
        return "does not answer"
    check = {NAME_NODE.name: _name_node_trouble, RESOURCE_MANAGER.name: _resource_manager_trouble}
    return check.get(daemon.name, _no_trouble)(answer)


def _name_node_trouble(answer: dict[str, Any]) -> str | None:
    beans = answer["beans"]
    if not beans or beans[0]["FSState"] != "Operational":
        return "in safe mode"
    return _missing(beans[0]["NumLiveDataNodes"], len(DATA_NODES), "DataNodes")


def _resource_manager_trouble(answer: dict[str, Any]) -> str | None:
    return _missing(answer["clusterMetrics"]["activeNodes"], len(NODE_MANAGERS), "NodeManagers")


def _no_trouble(_answer: dict[str, Any]) -> str | None:
    return None


def _missing(registered: int, wanted: int, what: str) -> str | None:
    return None if registered == wanted else f"{registered} of {wanted} {what}"
