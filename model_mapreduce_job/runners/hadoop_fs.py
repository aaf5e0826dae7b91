"""The filesystems that the `hadoop` command reaches, in few calls: each starts a Java machine."""

from __future__ import annotations

import posixpath
import re
import subprocess
import tempfile
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mrjob.cat import decompress
from mrjob.fs.hadoop import HadoopFilesystem

from model_mapreduce_job.exceptions import InputError, ModelMapReduceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_MISSING: Final = re.compile(r"^\w+: `(?P<path>.*)': No such file or directory", re.MULTILINE)
# -rw-r--r--   3 owner group       3276 2010-01-13 14:00 /path; some filesystems have no owner and group
_ENTRY: Final = re.compile(r"^(?P<kind>[-dl])\S+ .*?(?P<size>\d+) \d{4}-\d\d-\d\d \d\d:\d\d (?P<path>.+)$")
_LOG_RECORD: Final = re.compile(r"^\d{2,4}[-/]\d\d[-/]\d\d \d\d:\d\d:\d\d\S* [A-Z]+ |^\s*at |^SLF4J|^\s*$")
_SEE_MORE: Final = re.compile(r"; For more details see: .*", re.DOTALL)
_CHUNK_BYTES: Final = 1 << 20
# A cluster that is down refuses at once; ten tries a second apart, as usual, would not find it up
_FEW_TRIES: Final = ("-D", "ipc.client.connect.max.retries=2")


class ClusterError(ModelMapReduceError):
    """Raised when a cluster, or a program that reaches it, can't be used."""


@dataclass(frozen=True)
class Listing:
    """What is at some paths: the files, directories left out, and which of the paths are missing."""

    files: Sequence[str]
    missing: frozenset[str]


class HadoopShell(HadoopFilesystem):
    """mrjob's Hadoop filesystem, with many paths to a command. Raises ClusterError when a command fails."""

    def __init__(self, hadoop_bin: list[str] | None) -> None:
        super().__init__(hadoop_bin)
        self._puts: list[tuple[str, str]] | None = None
        self._directories: list[str] = []

    def invoke_hadoop(
        self,
        args: list[str],
        ok_returncodes: Iterable[int] | None = None,
        ok_stderr: Iterable[Any] | None = None,
        return_stdout: bool = False,
    ) -> Any:
        """Run a command and return its exit code, or what it printed, as mrjob's own does."""
        ended = self._run(args)
        codes = {0, *(ok_returncodes or ())}
        accepted = any(pattern.search(ended.stderr) for pattern in ok_stderr or ())
        if ended.returncode not in codes and not accepted:
            raise ClusterError(
                f"hadoop {' '.join(args[:2])} failed: {complaint(ended.stderr.decode(errors='replace'))}"
            )
        return ended.stdout if return_stdout else ended.returncode

    def look(self, paths: Sequence[str]) -> Listing:
        """Return what is at paths, globs and directories; a directory's own files, not those below."""
        ended = self._run(["fs", *_FEW_TRIES, "-ls", *paths])
        stderr = ended.stderr.decode(errors="replace")
        missing = frozenset(found["path"] for found in _MISSING.finditer(stderr))
        if ended.returncode and not missing:
            raise ClusterError(f"{_place(paths)} can't be reached: {complaint(stderr)}")
        return Listing(list(_files(ended.stdout.decode(errors="replace"))), missing)

    def ls(self, path_glob: str) -> Iterator[str]:
        """Yield the URIs of the files at and below a path or glob; none when it's missing."""
        ended = self._run(["fs", *_FEW_TRIES, "-ls", "-R", path_glob])
        stderr = ended.stderr.decode(errors="replace")
        if ended.returncode and not _MISSING.search(stderr):
            raise ClusterError(f"{_place([path_glob])} can't be reached: {complaint(stderr)}")
        for path in _files(ended.stdout.decode(errors="replace")):
            yield path if "://" in path else _root(path_glob) + path

    def exists(self, path_glob: str) -> bool:
        """Return whether anything is at a path or glob."""
        return not self.look([path_glob]).missing

    def cat(self, path_glob: str) -> Iterator[bytes]:
        """Yield what the files at a path or glob hold; raises InputError when there are none."""
        paths = [path for path in self.ls(path_glob) if posixpath.basename(path)[0] not in "_."]
        if not paths:
            raise InputError(nothing_at(path_glob))
        for path in paths:
            yield from self._cat_file(path)

    def read(self, paths: Sequence[str], command: str = "-cat") -> Iterator[bytes]:
        """Yield what files and globs hold, one after the other, as it is."""
        # standard error goes to a file: in a pipe that nobody reads yet, a talkative command would stop
        with tempfile.TemporaryFile() as err, self._popen(["fs", command, *paths], err) as process:
            try:
                yield from iter(lambda: process.stdout.read(_CHUNK_BYTES), b"")
            except GeneratorExit:
                process.kill()
                raise
            if process.wait():
                err.seek(0)
                raise ClusterError(
                    f"{_place(paths)} can't be read: {complaint(err.read().decode(errors='replace'))}"
                )

    def move(self, source: str, target: str) -> None:
        """Rename a file or directory; raises InputError when the target is there already."""
        if self.exists(target):
            raise InputError(f"The output {target} is there already: another run was faster. Name another.")
        self.invoke_hadoop(["fs", "-mv", source, target])

    def remove(self, paths: Sequence[str]) -> None:
        """Remove files, directories and globs, those that are there."""
        self.invoke_hadoop(["fs", "-rm", "-r", "-f", "-skipTrash", *paths])

    def mkdir(self, path: str) -> None:
        """Make a directory and those above it."""
        if self._puts is not None:
            self._directories.append(path)
            return
        self.invoke_hadoop(["fs", "-mkdir", "-p", path])

    def put(self, src: str, path: str) -> None:
        """Copy a local file."""
        if self._puts is not None:
            self._puts.append((src, path))
            return
        self.invoke_hadoop(["fs", "-put", src, path])

    @contextmanager
    def together(self) -> Iterator[None]:
        """Do the mkdirs and puts of the with statement when it ends, in as few commands as can be."""
        self._puts, self._directories = [], []
        try:
            yield
            puts = self._puts
        finally:
            self._puts = None
        if self._directories:
            self.invoke_hadoop(["fs", "-mkdir", "-p", *self._directories])
        for target, sources in _by_target(puts).items():
            self.invoke_hadoop(["fs", "-put", *sources, target])

    def _cat_file(self, path: str) -> Iterator[bytes]:
        chunks: Iterator[bytes] = decompress(self.read([path]), path)
        yield from chunks

    def _run(self, args: list[str]) -> subprocess.CompletedProcess[bytes]:
        with self._popen(args, subprocess.PIPE) as process:
            stdout, stderr = process.communicate()
        return subprocess.CompletedProcess(args, process.returncode, stdout, stderr)

    def _popen(self, args: list[str], stderr: Any) -> Any:
        command = [*self.get_hadoop_bin(), *args]
        try:
            return subprocess.Popen(  # noqa: S603 - the operator's own hadoop
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr
            )
        except OSError as error:
            raise ClusterError(
                no_command(command[0], "Hadoop's", "HADOOP_HOME", "--hadoop-bin", error)
            ) from error


def no_command(name: str, whose: str, variable: str, option: str, error: OSError) -> str:
    """Return what to say of a command that can't be started."""
    return (
        f"{name} can't be started: {error.strerror}. Set {variable} to {whose} directory, or name "
        f"the command with {option}."
    )


def nothing_at(path: str) -> str:
    """Return what to say of an input that isn't there."""
    return f"There is no input {path}. Check the path, and which filesystem HADOOP_CONF_DIR names."


def complaint(stderr: str) -> str:
    """Return the line of standard error that says what went wrong: the last that is no log record."""
    lines = [line for line in stderr.splitlines() if not _LOG_RECORD.match(line)]
    return _SEE_MORE.sub("", lines[-1]).strip() if lines else "it did not say why"


def _files(listing: str) -> Iterator[str]:
    for found in filter(None, map(_ENTRY.match, listing.splitlines())):
        if found["kind"] != "d":
            yield found["path"]


def _by_target(puts: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return sources by where they go: to a directory where they keep their names, else to a file."""
    targets: dict[str, list[str]] = defaultdict(list)
    for source, path in puts:
        directory, name = posixpath.split(path)
        targets[f"{directory}/" if name == posixpath.basename(source) else path].append(source)
    return targets


def _place(paths: Sequence[str]) -> str:
    return f"{paths[0]} and {len(paths) - 1} more" if len(paths) > 1 else paths[0]


def _root(uri: str) -> str:
    scheme, _, rest = uri.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"
