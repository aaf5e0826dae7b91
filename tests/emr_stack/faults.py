"""Faults that a test asks for: the next answers that a kind of request gets instead of the right one."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from socket import SHUT_RDWR, socket
from threading import Lock
from typing import Final, Literal

from werkzeug.wrappers import Response

Kind = Literal["throttle", "error", "drop", "cut"]
KINDS: Final = ("throttle", "error", "drop", "cut")


@dataclass(frozen=True)
class Fault:
    """What goes wrong, for which requests, and how often.

    throttle: 503 SlowDown; error: 500 InternalError; drop: the connection ends without an answer;
    cut: it ends half way through the right answer's body. For EMR, whose requests all have one path, the
    operation's name stands for the path. Only a driver's requests are hit, never those of the agent or nodes.
    """

    kind: Kind
    service: str = "s3"
    method: str = ".*"
    path: str = ".*"
    times: int = 1

    def matches(self, service: str, method: str, path: str) -> bool:
        """Tell whether a request is one that this fault is for."""
        return (
            service == self.service
            and re.fullmatch(self.method, method) is not None
            and re.search(self.path, path) is not None
        )


class FaultPlan:
    """The faults still to come, oldest first."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._left: list[Fault] = []
        self._done = 0

    @property
    def done(self) -> int:
        """How many requests have met a fault."""
        return self._done

    def add(self, fault: Fault) -> None:
        """Plan a fault for the next requests that match."""
        if fault.kind not in KINDS:
            raise ValueError(f"no fault of kind {fault.kind!r}; there are {', '.join(KINDS)}")
        with self._lock:
            self._left += [fault] * fault.times

    def forget(self) -> None:
        """Drop the faults that are still to come."""
        with self._lock:
            self._left.clear()

    def take(self, service: str, method: str, path: str) -> Fault | None:
        """Return and use up the fault for a request, or None when it is to be answered rightly."""
        with self._lock:
            hit = next((fault for fault in self._left if fault.matches(service, method, path)), None)
            if hit is not None:
                self._left.remove(hit)
                self._done += 1
            return hit


def broken(fault: Fault, right: Response, connection: socket) -> Response:
    """Return the answer that a request gets under a fault, made from the right one where that is cut."""
    if fault.kind in {"cut", "drop"}:
        body = right.get_data() if fault.kind == "cut" else b""
        right.response = _half(body, connection)
        right.headers["Content-Length"] = str(len(body))
        return right
    status, code = (503, "SlowDown") if fault.kind == "throttle" else (500, "InternalError")
    return Response(
        f"<Error><Code>{code}</Code><Message>planned</Message></Error>", status, mimetype="text/xml"
    )


def _half(body: bytes, connection: socket) -> Iterator[bytes]:
    if body:
        yield body[: len(body) // 2]
    connection.shutdown(SHUT_RDWR)
    raise ConnectionAbortedError("planned fault")
