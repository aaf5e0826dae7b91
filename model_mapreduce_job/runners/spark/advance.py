"""Spark's driver program, started on this machine while the driver still looks at the model and the input."""

from __future__ import annotations

import fcntl
import json
import logging
from typing import TYPE_CHECKING, Final

from model_mapreduce_job.runners.hadoop.client_process import start_client

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence

    from model_mapreduce_job.runners.shared import LocalTmp

log = logging.getLogger("mrjob.spark")  # mrjob shows what its own loggers write

# What runners/spark/local_program.py has before the file that its arguments come in.
_AWAIT: Final = "--arguments-in"


class ProgramInAdvance:
    """A program that has started Spark and waits for its arguments, in a file of this private directory.

    It waits for a lock that this process holds, so it ends if this one does. Raises OSError if it can't be
    started.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], directory: LocalTmp) -> None:
        self._asked = (list(command), dict(environment))
        self._directory = directory
        path = directory.path / "arguments.json"
        self._file = path.open("x", encoding="utf-8")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        arguments = [*command, _AWAIT, str(path)]
        self._client: subprocess.Popen[bytes] | None = start_client(arguments, environment)

    def take(
        self, command: Sequence[str], environment: Mapping[str, str], arguments: Sequence[str]
    ) -> subprocess.Popen[bytes] | None:
        """Let the program run these arguments, and return its process, which is the caller's from now on.

        Returns None if it was taken before. It ends, and None is returned, if the command or the environment
        is another than the one that it was started with.
        """
        if (list(command), dict(environment)) != self._asked:
            self.close()
        if self._client is None:
            return None
        log.debug("  Spark was started in advance")
        json.dump(arguments, self._file)
        self._file.close()
        client, self._client = self._client, None
        return client

    def close(self) -> None:
        """End the program if nobody has taken it, and remove its file."""
        self._file.close()
        if self._client is not None:
            client, self._client = self._client, None
            client.terminate()  # Spark's own shutdown removes its temporary files
            client.communicate()
        self._directory.remove()
