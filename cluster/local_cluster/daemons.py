"""Hadoop's daemons, as data."""

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
    """A path of its web page that answers in JSON."""
    agent: bool = False
    """Whether it needs the agent that keeps sockets on 127.0.0.1."""

    @property
    def kind(self) -> str:
        """The name without its number."""
        return self.name.rstrip("12")

    def port_names(self) -> list[str]:
        """Return the names of its ports among all ports and in the configuration templates."""
        return [f"{self.name}_{port}" for port in self.ports]


NAME_NODE = Daemon(
    "namenode",
    "org.apache.hadoop.hdfs.server.namenode.NameNode",
    heap_mib=192,
    ports=("rpc", "http"),
    page="/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState",
)
DATA_NODES = tuple(
    Daemon(
        f"datanode{number}",
        "org.apache.hadoop.hdfs.server.datanode.DataNode",
        heap_mib=128,
        ports=("data", "http", "ipc"),
        page="/jmx?qry=Hadoop:service=DataNode,name=DataNodeInfo",
    )
    for number in (1, 2)
)
RESOURCE_MANAGER = Daemon(
    "resourcemanager",
    "org.apache.hadoop.yarn.server.resourcemanager.ResourceManager",
    heap_mib=256,
    ports=("client", "scheduler", "tracker", "admin", "http"),
    page="/ws/v1/cluster/metrics",
)
NODE_MANAGERS = tuple(
    Daemon(
        f"nodemanager{number}",
        "org.apache.hadoop.yarn.server.nodemanager.NodeManager",
        heap_mib=160,
        ports=("container", "localizer", "shuffle", "http"),
        page="/ws/v1/node/info",
        agent=True,
    )
    for number in (1, 2)
)
HISTORY_SERVER = Daemon(
    "historyserver",
    "org.apache.hadoop.mapreduce.v2.hs.JobHistoryServer",
    heap_mib=160,
    ports=("rpc", "admin", "http"),
    page="/ws/v1/history/info",
)
HADOOP = (NAME_NODE, RESOURCE_MANAGER, *DATA_NODES, *NODE_MANAGERS, HISTORY_SERVER)
