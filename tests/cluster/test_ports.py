"""Ports are free, on 127.0.0.1, and remembered. Needs no cluster."""

import os
import socket
from pathlib import Path

import pytest
from local_cluster.ports import LOOPBACK, Listener, choose_ports, chosen_ports, listeners


def test_each_name_gets_a_port_of_its_own_that_can_be_listened_on(tmp_path: Path) -> None:
    names = ["rpc", "http", "data"]
    ports = choose_ports(names, tmp_path / "run" / "ports.json")
    assert list(ports) == names
    assert len(set(ports.values())) == len(names)
    for port in ports.values():
        socket.create_server((LOOPBACK, port)).close()


def test_a_port_in_use_is_not_chosen(tmp_path: Path) -> None:
    taken = choose_ports(["first"], tmp_path / "before")["first"]
    with socket.create_server((LOOPBACK, taken)):
        assert choose_ports(["first"], tmp_path / "after")["first"] != taken


def test_ports_lie_below_those_of_outgoing_connections(tmp_path: Path) -> None:
    text = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii")
    ports = choose_ports(map(str, range(40)), tmp_path / "ports.json")
    assert max(ports.values()) < int(text.split()[0])


def test_chosen_ports_are_remembered(tmp_path: Path) -> None:
    assert chosen_ports(tmp_path / "ports.json") == {}
    ports = choose_ports(["rpc"], tmp_path / "ports.json")
    assert chosen_ports(tmp_path / "ports.json") == ports


@pytest.mark.parametrize(
    ("family", "address"),
    [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "127.0.0.2"), (socket.AF_INET6, "::1")],
)
def test_a_listener_is_seen_with_its_address(family: socket.AddressFamily, address: str) -> None:
    with socket.socket(family) as server:
        try:
            server.bind((address, 0))
        except OSError:
            pytest.skip(f"this machine has no {address}")
        port = server.getsockname()[1]
        assert Listener(address, port) not in listeners(os.getpid())
        server.listen()
        assert Listener(address, port) in listeners(os.getpid())


def test_a_process_that_has_ended_listens_on_nothing() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    assert listeners(pid) == []
