"""Many small files are read by few commands, each file's content its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_mapreduce_job.plan.small_files import SmallFiles

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class CountedShell:
    """A filesystem's command that gives files in chunks, and keeps what it was asked for."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.asked: list[list[str]] = []
        self.client = self

    def serve(self, _command: Sequence[str]) -> None:
        """Have no Java machine that serves commands."""

    def read(self, paths: Sequence[str]) -> Iterator[bytes]:
        self.asked.append([*paths])
        data = b"".join(self.files[path.replace("\\", "")] for path in paths)
        yield from (data[start : start + 7] for start in range(0, len(data), 7))


def content(small: SmallFiles, uri: str) -> bytes:
    with small.open(uri, 0) as source:
        return source.read(1 << 20)


def test_each_file_has_its_own_content_and_few_commands_bring_it() -> None:
    files = {f"hdfs://n/in/{number:04}[1].csv": b"x" * (number % 5) + b"\n" for number in range(1_200)}
    shell = CountedShell(files)
    small = SmallFiles(shell, {uri: len(data) for uri, data in files.items()})  # type: ignore[arg-type]  # a fake
    assert {uri: content(small, uri) for uri in files} == files
    assert len(shell.asked) == 3


def test_a_file_of_another_length_than_it_was_listed_with_is_read_alone() -> None:
    files = {"hdfs://n/a": b"one\n", "hdfs://n/b": b"two, and more\n", "hdfs://n/c": b""}
    small = SmallFiles(CountedShell(files), dict.fromkeys(files, 4))  # type: ignore[arg-type]  # a fake
    assert {uri: content(small, uri) for uri in files} == files
