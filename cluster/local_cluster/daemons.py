"""The daemons of the cluster, as data."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Daemon:
    """One process of the cluster."""

    name: str
    """Unique in the cluster; two of a kind end in 1 and 2."""
    main_class: str
    heap_mib: int
    ports: tuple[str, ...]
    """What it listens for; `http` is its web page."""
    page: str
    """A path of the web page that answers once the daemon is in service."""
    agent: bool = False
    """Whether it needs the agent that keeps sockets on 127.0.0.1."""

    @property
    def kind(self) -> str:
        """The name without its number."""
        return self.name.rstrip("12")

    def port_names(self) -> Iterator[str]:
        """The daemon's ports, by the names of the cluster's list of ports."""
        return (f"{self.name}_{port}" for port in self.ports)


def _data_node(name: str) -> Daemon:
    main_class = "org.apache.hadoop.hdfs.server.datanode.DataNode"
    return Daemon(name, main_class, 128, ("data", "http", "ipc"), "/jmx?qry=Hadoop:service=DataNode,name=FSDatasetState*")


def _node_manager(name: str) -> Daemon:
    main_class = "org.apache.hadoop.yarn.server.nodemanager.NodeManager"
    ports = ("container", "localizer", "shuffle", "http")
    return Daemon(name, main_class, 160, ports, "/ws/v1/node/info", agent=True)


NAME_NODE = Daemon(
    "namenode",
    "org.apache.hadoop.hdfs.server.namenode.NameNode",
    192,
    ("rpc", "http"),
    "/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState",
)
RESOURCE_MANAGER = Daemon(
    "resourcemanager",
    "org.apache.hadoop.yarn.server.resourcemanager.ResourceManager",
    256,
    ("client", "scheduler", "tracker", "admin", "http"),
    "/ws/v1/cluster/metrics",
)
HISTORY_SERVER = Daemon(
    "historyserver",
    "org.apache.hadoop.mapreduce.v2.hs.JobHistoryServer",
    160,
    ("rpc", "admin", "http"),
    "/ws/v1/history/info",
)
DATA_NODES = (_data_node("datanode1"), _data_node("datanode2"))
NODE_MANAGERS = (_node_manager("nodemanager1"), _node_manager("nodemanager2"))
HADOOP = (NAME_NODE, RESOURCE_MANAGER, *DATA_NODES, *NODE_MANAGERS, HISTORY_SERVER)
