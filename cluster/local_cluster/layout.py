"""Where the cluster keeps its files."""

from dataclasses import dataclass
from pathlib import Path

from local_cluster.errors import ClusterError


@dataclass(frozen=True)
class Layout:
    """The folders of the clusters: `source` holds what is committed, `work` all that is built or written."""

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
    def tools(self) -> Path:
        """The jar of Hadoop streaming."""
        return self.home / "share" / "hadoop" / "tools" / "lib"

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
        """The class data archive that JVMs start faster with."""
        return self.home / "lib" / "hadoop.jsa"

    @property
    def class_lists(self) -> Path:
        """What each JVM of a training run loaded, one file a JVM."""
        return self.home / "lib" / "classes"

    @property
    def tmp(self) -> Path:
        """The temporary folder of Hadoop's daemons and commands."""
        return self.home / "tmp"

    @property
    def logs(self) -> Path:
        """One file a daemon, and `userlogs` with a folder an application."""
        return self.home / "logs"

    @property
    def state(self) -> Path:
        """What Hadoop's daemons store: HDFS, and the NodeManagers' local files."""
        return self.work / "state"

    @property
    def run(self) -> Path:
        """Hadoop's process ids and ports."""
        return self.work / "run"

    @property
    def spark(self) -> Path:
        """All that Spark writes."""
        return self.work / "spark"

    def configuration(self, daemon: str = "hadoop") -> Path:
        """Return the HADOOP_CONF_DIR of a daemon, or that of the clients."""
        return self.home / "etc" / daemon


def default_layout() -> Layout:
    """Return the layout beside these sources; ClusterError when Hadoop can't run in such a path."""
    source = Path(__file__).resolve().parent.parent
    if any(character.isspace() or character in ":,$%" for character in str(source)):
        raise ClusterError(
            f"Hadoop can't run in {source}: use a path without white space and without : , $ %"
        )
    return Layout(source=source, work=source / ".work")
