"""Free ports for the daemons, and who listens where."""

import json
import os
import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

LOOPBACK = "127.0.0.1"
LOWEST = 10240
STRIDE = 64  # more than a cluster has daemons' ports
LISTEN = "0A"

Ports = Mapping[str, int]


@dataclass(frozen=True, order=True)
class Listener:
    """A listening TCP socket: numeric address and port."""

    address: str
    port: int


def choose_ports(names: Iterable[str], path: Path) -> Ports:
    """Find a free port of 127.0.0.1 for each name, and write them to `path`."""
    free = _free_ports()
    ports = {name: next(free) for name in names}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(ports), encoding="utf-8")
    return ports


def chosen_ports(path: Path) -> Ports:
    """Read the ports that were written to `path`; none when it isn't there."""
    if not path.exists():
        return {}
    ports: dict[str, int] = json.loads(path.read_text(encoding="utf-8"))
    return ports


def listeners(pid: int) -> list[Listener]:
    """Return the listening TCP sockets of a process; empty when it has ended."""
    inodes = set(_socket_inodes(pid))
    return sorted(listener for inode, listener in _listening_sockets() if inode in inodes)


def _free_ports() -> Iterator[int]:
    # Below the range that the kernel takes for outgoing connections: a daemon that is started again on its
    # port can't find it taken by one. Two clusters that start together begin at different places.
    ephemeral = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii")
    highest = int(ephemeral.split()[0])
    start = LOWEST + os.getpid() * STRIDE % (highest - LOWEST)
    return (port for port in (*range(start, highest), *range(LOWEST, start)) if _is_free(port))


def _is_free(port: int) -> bool:
    with socket.socket() as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _socket_inodes(pid: int) -> Iterator[str]:
    try:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            target = str(descriptor.readlink())
            if target.startswith("socket:["):
                yield target[len("socket:[") : -1]
    except (FileNotFoundError, ProcessLookupError):
        return


def _listening_sockets() -> Iterator[tuple[str, Listener]]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text(encoding="ascii").splitlines()[1:]:
            _, local, _, state, _, _, _, _, _, inode, *_ = line.split()
            if state == LISTEN:
                yield inode, _listener(local)


def _listener(local: str) -> Listener:
    address, port = local.split(":")
    # the kernel prints each 32 bits of the address in the machine's byte order, which is little-endian
    words = [bytes.fromhex(address[i : i + 8])[::-1] for i in range(0, len(address), 8)]
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    return Listener(socket.inet_ntop(family, b"".join(words)), int(port, 16))
