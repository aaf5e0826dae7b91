"""The `hadoop` program, whose commands one Java machine runs where it can, and else one each."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from model_mapreduce_job.storage.hadoop_commands import ProcessCommand
from model_mapreduce_job.storage.java_server import JavaServer, ServerGoneError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from model_mapreduce_job.storage.hadoop_commands import Command
    from model_mapreduce_job.storage.java_server import ServedCommand

log = logging.getLogger("mrjob.hadoop")  # mrjob shows what its own loggers write


class HadoopClient:
    """Runs commands of `hadoop`, a program with its first arguments; raises OSError if one can't be started.

    Without a jar, each command starts a Java machine. before_start runs in the one that serves commands.
    """

    def __init__(
        self, hadoop: Sequence[str], jar: Path | None, before_start: Callable[[], None] | None = None
    ) -> None:
        self._hadoop = hadoop
        self._jar = jar
        self._before_start = before_start
        self._server: JavaServer | None = None

    def start(self) -> None:
        """Start the Java machine that serves commands; it gets ready while this process does other work."""
        if self._server is None and self._jar:
            jar, self._jar = self._jar, None  # it is tried once
            if not jar.exists():
                self._without(f"there is no {jar}")
                return
            with suppress(OSError):  # the first command will say so
                self._server = JavaServer(self._hadoop, jar, self._before_start)

    def adopt(self, server: JavaServer) -> None:
        """Take a Java machine that was started before, if this program started it; else end it."""
        if not server.is_open:
            return
        if [*server.program] == [*self._hadoop] and self._server is None:
            self._server, self._jar = server, None
        else:
            server.close()

    def hand_over(self) -> JavaServer | None:
        """Return the Java machine that serves commands, and use it no more; None where there is none."""
        server, self._server = self._server, None
        return server if server and server.is_open else None

    def run(self, args: Sequence[str]) -> Command:
        """Return a command that was started."""
        return self.serve(args) or ProcessCommand([*self._hadoop, *args])

    def serve(self, args: Sequence[str]) -> ServedCommand | None:
        """Return a command that the one Java machine runs; None if it can't, or is busy with another."""
        self.start()
        if self._server is None or not self._server.is_open or self._server.busy:
            return None
        try:
            return self._server.start(args)
        except ServerGoneError as error:
            self._without(str(error))
            return None

    @staticmethod
    def _without(reason: str) -> None:
        log.warning("Each command to Hadoop starts a Java machine, which takes longer: %s", reason)

    def close(self) -> None:
        """End the Java machine; a command that comes later starts its own."""
        self._jar = None
        if self._server:
            self._server.close()
