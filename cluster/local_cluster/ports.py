"""Free ports for the daemons, and who listens where."""

import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

LOOPBACK = "127.0.0.1"
LOWEST = 10240
LISTEN = "0A"


@dataclass(frozen=True, order=True)
class Listener:
    """A listening TCP socket: numeric address and port."""

    address: str
    port: int


def choose_ports(names: Iterable[str]) -> dict[str, int]:
    """A free port of 127.0.0.1 for each name."""
    free = _free_ports()
    return {name: next(free) for name in names}


def listeners(pid: int) -> list[Listener]:
    """The listening TCP sockets of a process; empty when it has ended."""
    inodes = _socket_inodes(pid)
    return sorted(listener for inode, listener in _listening_sockets() if inode in inodes)


def _free_ports() -> Iterator[int]:
    # Below the range that the kernel gives to outgoing connections: a daemon that is restarted on its port
    # can't find it taken by one.
    ephemeral = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii")
    lowest_ephemeral = int(ephemeral.split()[0])
    return (port for port in range(LOWEST, lowest_ephemeral) if _is_free(port))


def _is_free(port: int) -> bool:
    with socket.socket() as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _socket_inodes(pid: int) -> set[str]:
    inodes = set()
    try:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            target = str(descriptor.readlink())
            if target.startswith("socket:["):
                inodes.add(target[len("socket:[") : -1])
    except (FileNotFoundError, ProcessLookupError):
        return set()
    return inodes


def _listening_sockets() -> Iterator[tuple[str, Listener]]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTEN:
                yield fields[9], _listener(fields[1])


def _listener(local: str) -> Listener:
    address, port = local.split(":")
    # the kernel prints each 32 bits of the address in the machine's byte order, which is little-endian
    words = [bytes.fromhex(address[i : i + 8])[::-1] for i in range(0, len(address), 8)]
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    return Listener(socket.inet_ntop(family, b"".join(words)), int(port, 16))
