"""Several workers of pytest and one Hadoop: who makes what they share, and who has the Hadoop alone."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO


@dataclass
class Turns:
    """What the workers of one run agree by: locks in a directory that all of them know."""

    place: Path
    has_hadoop: bool = False
    """Whether this worker has the Hadoop, beside others or alone: what it asks for then, it has."""

    def once(self, name: str, make: Callable[[Path], object]) -> Path:
        """Return a path that the first worker to ask for it has made."""
        path, made = self.place / name, self.place / f"{name}.made"
        with self.held(name):
            if not made.exists():
                make(path)
                made.touch()
        return path

    @contextmanager
    def held(self, name: str, *, shared: bool = False) -> Iterator[IO[str]]:
        """Give a lock that is held."""
        with (self.place / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
            yield lock

    def is_last(self, lock: IO[str]) -> bool:
        """Return whether nobody else holds a lock that is shared."""
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    @contextmanager
    def beside_others(self) -> Iterator[None]:
        """Have the Hadoop together with other workers; who waits to have it alone comes first."""
        if self.has_hadoop:
            yield
            return
        with ExitStack() as until_the_end:
            with self.held("gate"):
                until_the_end.enter_context(self.held("hadoop", shared=True))
            with self._having():
                yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Have the Hadoop while no other worker does."""
        with self.held("gate"), self.held("hadoop"), self._having():
            yield

    @contextmanager
    def _having(self) -> Iterator[None]:
        self.has_hadoop = True
        try:
            yield
        finally:
            self.has_hadoop = False
