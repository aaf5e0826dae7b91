"""The filesystems that the `hadoop` command reaches, in few calls: each starts a Java machine."""

from __future__ import annotations

import posixpath
import re
import subprocess
import tempfile
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mrjob.cat import decompress
from mrjob.fs.hadoop import HadoopFilesystem

from model_mapreduce_job.exceptions import InputError, ModelMapReduceError
from model_mapreduce_job.storage.given_names import escape_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_MISSING: Final = re.compile(r"^\w+: `(?P<path>.*)': No such file or directory", re.MULTILINE)
# -rw-r--r--   3 owner group       3276 2010-01-13 14:00 /path; some filesystems have no owner and group
_ENTRY: Final = re.compile(r"^(?P<kind>[-dl])\S+ .*?(?P<state>\d+ \d{4}-\d\d-\d\d \d\d:\d\d) (?P<path>.+)$")
_LOG_RECORD: Final = re.compile(r"^\d{2,4}[-/]\d\d[-/]\d\d \d\d:\d\d:\d\d\S* [A-Z]+ |^\s*at |^SLF4J|^\s*$")
_SEE_MORE: Final = re.compile(r"; For more details see: .*", re.DOTALL)
_CHUNK_BYTES: Final = 1 << 20
# A cluster that is down refuses at once; ten tries a second apart, as usual, would not find it up
_FEW_TRIES: Final = ("-D", "ipc.client.connect.max.retries=2")
# What a run puts on a cluster is nobody else's to read, as its temporary files on this machine
_PRIVATE: Final = ("-D", "fs.permissions.umask-mode=077")
_COMMAND_BYTES: Final = 1 << 17  # of names in one command: the kernel takes some more
_PLAIN: Final = re.compile(r"[\w./-]+", re.ASCII)


class ClusterError(ModelMapReduceError):
    """Raised when a cluster, or a program that reaches it, can't be used."""


@dataclass(frozen=True)
class Listing:
    """What is at some paths: the files, each with its length and time, and which of the paths are missing."""

    files: Mapping[str, str]
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

    def look(self, paths: Sequence[str], how: str = "-R") -> Listing:
        """Return what is at paths and globs, and below those that are directories (with -d, not below)."""
        ended = self._run(["fs", *_FEW_TRIES, "-ls", how, *paths])
        stderr = ended.stderr.decode(errors="replace")
        missing = frozenset(found["path"] for found in _MISSING.finditer(stderr))
        if ended.returncode and not missing:
            raise ClusterError(f"{_place(paths)} can't be reached: {complaint(stderr)}")
        return Listing(_files(ended.stdout.decode(errors="replace")), missing)

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
        return not self.look([path_glob], "-d").missing

    def cat(self, path_glob: str) -> Iterator[bytes]:
        """Yield what the files at a path or glob hold; raises InputError when there are none."""
        paths = [path for path in self.ls(path_glob) if posixpath.basename(path)[0] not in "_."]
        if not paths:
            raise InputError(nothing_at(path_glob))
        for path in paths:
            yield from self._cat_file(escape_pattern(path))

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
        """Remove files and directories, those that are there."""
        self._remove(list(map(escape_pattern, paths)))

    def remove_all(self, prefix: str) -> None:
        """Remove the files and directories whose paths begin so."""
        self._remove([f"{escape_pattern(prefix)}*"])

    def _remove(self, patterns: Sequence[str]) -> None:
        self.invoke_hadoop(["fs", "-rm", "-r", "-f", "-skipTrash", *patterns])

    def mkdir(self, path: str) -> None:
        """Make a directory, of this user alone, and those above it."""
        if self._puts is not None:
            self._directories.append(path)
            return
        self.invoke_hadoop(["fs", *_PRIVATE, "-mkdir", "-p", path])

    def mkdir_for_all(self, path: str) -> None:
        """Make a directory and those above it as the user's own settings say: other runs use them too."""
        self.invoke_hadoop(["fs", "-mkdir", "-p", path])

    def put(self, src: str, path: str) -> None:
        """Copy a local file, for this user alone to read; any name will do."""
        if self._puts is not None:
            self._puts.append((src, path))
            return
        with self.together():
            self.put(src, path)

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
            self.invoke_hadoop(["fs", *_PRIVATE, "-mkdir", "-p", *self._directories])
        self._put_all(puts)

    def _put_all(self, puts: Sequence[tuple[str, str]]) -> None:
        """Copy files by links with their new names: one command takes many, and reads its names as URIs."""
        with tempfile.TemporaryDirectory() as place:
            for number, (directory, entries) in enumerate(_by_directory(puts).items()):
                links = Path(place, str(number))
                links.mkdir()
                for source, name in entries:
                    (links / name).symlink_to(Path(source).absolute())
                for some in _in_commands([_as_uri(str(links / name)) for _, name in entries]):
                    self.invoke_hadoop(["fs", *_PRIVATE, "-put", *some, f"{directory}/"])

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


def _files(listing: str) -> dict[str, str]:
    found = filter(None, map(_ENTRY.match, listing.splitlines()))
    return {entry["path"]: entry["state"] for entry in found if entry["kind"] != "d"}


def _by_directory(puts: Iterable[tuple[str, str]]) -> dict[str, list[tuple[str, str]]]:
    """Return sources and their new names by the directory that they go to."""
    targets: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for source, path in puts:
        directory, _, name = path.rpartition("/")
        targets[directory].append((source, name))
    return targets


def _in_commands(names: Sequence[str]) -> Iterator[list[str]]:
    """Yield names in as many at once as a command takes."""
    some: list[str] = []
    size = 0
    for name in names:
        if some and size + len(name) > _COMMAND_BYTES:
            yield some
            some, size = [], 0
        some.append(name)
        size += len(name) + 1
    if some:
        yield some


def _as_uri(path: str) -> str:
    return path if _PLAIN.fullmatch(path) else Path(path).as_uri()


def _place(paths: Sequence[str]) -> str:
    return f"{paths[0]} and {len(paths) - 1} more" if len(paths) > 1 else paths[0]


def _root(uri: str) -> str:
    scheme, _, rest = uri.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"
