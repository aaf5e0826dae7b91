"""The filesystems that the `hadoop` command reaches, in few calls, since each starts a Java machine."""

from __future__ import annotations

import posixpath
import re
import tempfile
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from mrjob.cat import decompress
from mrjob.fs.hadoop import HadoopFilesystem

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.printable import some_of
from model_mapreduce_job.storage.hadoop_client import HadoopClient
from model_mapreduce_job.storage.hadoop_commands import ClusterError, complaint
from model_mapreduce_job.storage.inputs import is_hidden
from model_mapreduce_job.storage.java_server import JAR
from model_mapreduce_job.storage.upload_names import escape_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from model_mapreduce_job.storage.hadoop_commands import Command
    from model_mapreduce_job.storage.java_server import JavaServer, ServedCommand

_MISSING: Final = re.compile(r"^\w+: `(?P<path>.*)': No such file or directory", re.MULTILINE)
# -rw-r--r--   3 owner group       3276 2010-01-13 14:00 /path; some filesystems have no owner and group
_ENTRY: Final = re.compile(
    r"^(?P<kind>[-dl])\S+ .*?(?P<size>\d+) (?P<changed>\d{4}-\d\d-\d\d \d\d:\d\d) (?P<path>.+)$"
)
# A cluster that is down refuses at once; the usual ten tries, a second apart, would only take time
_FEW_TRIES: Final = ("-D", "ipc.client.connect.max.retries=2")
# A run's files on a cluster are private to its user, like its temporary files on this machine
_PRIVATE: Final = ("-D", "fs.permissions.umask-mode=077")
_COMMAND_BYTES: Final = 1 << 17  # of names in one command, under the kernel's limit
_PLAIN: Final = re.compile(r"[\w./-]+", re.ASCII)


class FoundFile(msgspec.Struct, frozen=True):
    """A file as `hadoop fs -ls` shows it: its length in bytes, and the time of its last change."""

    size: int
    changed: str


class Listing(msgspec.Struct, frozen=True):
    """What is at some paths: the files by path, and which of the paths are missing."""

    files: Mapping[str, FoundFile]
    missing: frozenset[str]


class HadoopShell(HadoopFilesystem):
    """mrjob's Hadoop filesystem, with many paths to a command. Raises ClusterError when a command fails.

    One Java machine runs the commands until close() if it is certain to end with this process: before_start,
    called in it first, sees to that. Without before_start each command starts one.
    """

    local_tmp: Callable[[], str | None] = staticmethod(lambda: None)  # removed however the run ends

    def __init__(self, hadoop_bin: list[str] | None, before_start: Callable[[], None] | None = None) -> None:
        super().__init__(hadoop_bin)
        self._before_start = before_start
        self._client: HadoopClient | None = None
        self._puts: list[tuple[str, str]] | None = None
        self._directories: list[str] = []

    @property
    def client(self) -> HadoopClient:
        """The program that runs the commands."""
        if self._client is None:
            jar = JAR if self._before_start else None
            self._client = HadoopClient(self.get_hadoop_bin(), jar, self._before_start)
        return self._client

    def adopt(self, server: JavaServer) -> None:
        """Take a Java machine that was started before; it ends if another program than its own is to run."""
        self.client.adopt(server)

    def start(self) -> None:
        """Start the Java machine now, which gets ready while this process does other work."""
        self.client.start()

    def serve(self, command: Sequence[str]) -> ServedCommand | None:
        """Return a command, given with the program, that the one Java machine runs; None if it can't."""
        program = self.get_hadoop_bin()
        return self.client.serve(command[len(program) :]) if [*command][: len(program)] == program else None

    def hand_over(self) -> JavaServer | None:
        """Return the Java machine for another to adopt; None where there is none that answers."""
        return self._client.hand_over() if self._client else None

    def close(self) -> None:
        """End the Java machine that ran the commands; those that come later start their own."""
        if self._client:
            self._client.close()

    def invoke_hadoop(
        self,
        args: list[str],
        ok_returncodes: Iterable[int] | None = None,
        ok_stderr: Iterable[Any] | None = None,
        return_stdout: bool = False,
    ) -> Any:
        """Run a command and return its exit code, or its output, as mrjob's method does."""
        command = self._run(args)
        out = b"".join(command.out())
        codes = {0, *(ok_returncodes or ())}
        accepted = any(pattern.search(command.errors.encode()) for pattern in ok_stderr or ())
        if command.code not in codes and not accepted:
            raise ClusterError(f"hadoop {' '.join(args[:2])} failed: {complaint(command.errors)}")
        return out if return_stdout else command.code

    def look(self, paths: Sequence[str], how: str = "-R") -> Listing:
        """Return the files at paths and globs, and below directories (with -d, not below them)."""
        command = self._run(["fs", *_FEW_TRIES, "-ls", how, *paths])
        files = _files(_lines(command.out()))
        missing = frozenset(found["path"] for found in _MISSING.finditer(command.errors))
        if command.code and not missing:
            raise ClusterError(f"{some_of(paths, 1)} can't be reached: {complaint(command.errors)}")
        return Listing(files, missing)

    def ls(self, path_glob: str) -> Iterator[str]:
        """Yield the URIs of the files at and below a path or glob; none when it's missing."""
        yield from self.find_files(path_glob)

    def find_files(self, path_glob: str) -> dict[str, FoundFile]:
        """Return the files at and below a path or glob, by URI; none when it's missing."""
        return as_uris(path_glob, self.look([path_glob]).files)

    def exists(self, path_glob: str) -> bool:
        """Return whether anything is at a path or glob."""
        return not self.look([path_glob], "-d").missing

    def cat(self, path_glob: str) -> Iterator[bytes]:
        """Yield the content of the files at a path or glob; raises InputError when there are none."""
        paths = [path for path in self.ls(path_glob) if not is_hidden(posixpath.basename(path))]
        if not paths:
            raise InputError(nothing_at(path_glob))
        for path in paths:
            yield from self._cat_file(escape_pattern(path))

    def read(self, paths: Sequence[str], how: str = "-cat") -> Iterator[bytes]:
        """Yield the content of files and globs, one after the other, as it is."""
        command = self._run(["fs", how, *paths])
        yield from command.out()
        if command.code:
            raise ClusterError(f"{some_of(paths, 1)} can't be read: {complaint(command.errors)}")

    def move(self, source: str, target: str) -> None:
        """Rename a file or directory; raises InputError when the target exists."""
        if self.exists(target):
            raise InputError(f"The output {target} is there already: another run was faster. Name another.")
        self.invoke_hadoop(["fs", "-mv", source, target])

    def remove(self, paths: Sequence[str]) -> None:
        """Remove files and directories, those that exist."""
        self._remove(list(map(escape_pattern, paths)))

    def remove_all(self, prefix: str) -> None:
        """Remove the files and directories whose paths begin with prefix."""
        self._remove([f"{escape_pattern(prefix)}*"])

    def _remove(self, patterns: Sequence[str]) -> None:
        self.invoke_hadoop(["fs", "-rm", "-r", "-f", "-skipTrash", *patterns])

    def mkdir(self, path: str) -> None:
        """Make a private directory, and those above it."""
        if self._puts is not None:
            self._directories.append(path)
            return
        self.invoke_hadoop(["fs", *_PRIVATE, "-mkdir", "-p", path])

    def mkdir_for_all(self, path: str) -> None:
        """Make a directory, and those above it, with the user's own umask, since other runs use it too."""
        self.invoke_hadoop(["fs", "-mkdir", "-p", path])

    def put(self, src: str, path: str) -> None:
        """Copy a local file, of any name, to a file that only this user can read."""
        if self._puts is not None:
            self._puts.append((src, path))
            return
        with self.together():
            self.put(src, path)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Collect the mkdirs and puts of the with statement, and do them in few commands when it ends."""
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
        """Copy files by way of links that have their new names, so that one command copies many files."""
        with tempfile.TemporaryDirectory(dir=self.local_tmp()) as place:
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

    def _run(self, args: Sequence[str]) -> Command:
        try:
            return self.client.run(args)
        except OSError as error:
            name = self.get_hadoop_bin()[0]
            raise ClusterError(no_command(name, "Hadoop's", "HADOOP_HOME", "--hadoop-bin", error)) from error


def no_command(name: str, whose: str, variable: str, option: str, error: OSError) -> str:
    """Return the message for a command that can't be started."""
    return (
        f"{name} can't be started: {error.strerror}. Set {variable} to {whose} directory, or name "
        f"the command with {option}."
    )


def nothing_at(path: str) -> str:
    """Return the message for an input that does not exist."""
    return f"There is no input {path}. Check the path, and which filesystem HADOOP_CONF_DIR names."


def as_uris(pattern: str, files: Mapping[str, FoundFile]) -> dict[str, FoundFile]:
    """Return files that were found at a path or glob by their URIs."""
    return {path if "://" in path else _root(pattern) + path: file for path, file in files.items()}


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield the lines in chunks, without their ends."""
    begun = b""
    for chunk in chunks:
        *whole, begun = (begun + chunk).split(b"\n")
        yield from (line.decode(errors="replace") for line in whole)
    if begun:
        yield begun.decode(errors="replace")


def _files(listing: Iterable[str]) -> dict[str, FoundFile]:
    found = filter(None, map(_ENTRY.match, listing))
    return {
        entry["path"]: FoundFile(int(entry["size"]), entry["changed"])
        for entry in found
        if entry["kind"] != "d"
    }


def _by_directory(puts: Iterable[tuple[str, str]]) -> dict[str, list[tuple[str, str]]]:
    """Return sources and their new names by the directory that they go to."""
    targets: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for source, path in puts:
        directory, _, name = path.rpartition("/")
        targets[directory].append((source, name))
    return targets


def _in_commands(names: Sequence[str]) -> Iterator[list[str]]:
    """Yield names in groups, each as large as a command can have."""
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


def _root(uri: str) -> str:
    scheme, _, rest = uri.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"
