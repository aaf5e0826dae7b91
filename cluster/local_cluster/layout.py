"""Where the cluster keeps its files."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """The folders of one cluster: `source` holds what is committed, `work` all that is built or written."""

    source: Path
    work: Path

    @property
    def home(self) -> Path:
        """HADOOP_HOME: all that mrjob and other clients need to know."""
        return self.work / "hadoop"

    @property
    def jars(self) -> Path:
        """The framework's jars."""
        return self.home / "share" / "hadoop" / "lib"

    @property
    def classpath_jar(self) -> Path:
        """The jar that names all the others, in a fixed order."""
        return self.jars / "hadoop-classpath.jar"

    @property
    def agent(self) -> Path:
        """The Java agent that keeps sockets on 127.0.0.1."""
        return self.home / "lib" / "loopback-agent.jar"

    @property
    def archive(self) -> Path:
        """The class data archive, which JVMs start faster with."""
        return self.home / "lib" / "hadoop.jsa"

    @property
    def logs(self) -> Path:
        """One file a daemon, and `userlogs` with a folder an application."""
        return self.home / "logs"

    @property
    def state(self) -> Path:
        """What the daemons store: HDFS, and the NodeManagers' local files."""
        return self.work / "state"

    @property
    def run(self) -> Path:
        """Process ids and ports."""
        return self.work / "run"

    def configuration(self, daemon: str = "hadoop") -> Path:
        """The HADOOP_CONF_DIR of a daemon, or that of the clients."""
        return self.home / "etc" / daemon


def default_layout() -> Layout:
    """The layout beside these sources."""
    source = Path(__file__).resolve().parent.parent
    return Layout(source=source, work=source / ".work")
