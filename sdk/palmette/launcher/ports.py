"""Ports on the loopback interface."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import psutil

from palmette.errors import FailedPrecondition

HOST = "127.0.0.1"


class PortTaken(FailedPrecondition):
    """Something else listens on a port that was asked for."""

    def __init__(self, port: int, owner: str) -> None:
        by = f" by {owner}" if owner else ""
        super().__init__(f"port {port} on {HOST} is taken{by}; stop that, or choose another: `palmette up --port PORT`")
        self.port = port
        self.owner = owner


def check_free(port: int) -> None:
    """Raise `PortTaken`, naming the owner where it can be known, if the port cannot be listened on."""
    with socket.socket() as probe:
        # As servers do: a connection that lingers from an earlier run does not count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise PortTaken(port, owner_of(port)) from None


def owner_of(port: int) -> str:
    """Return ``name (pid N)`` of the process that listens on a port, or an empty string if that is hidden."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        return ""
    for connection in connections:
        listens = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
        if listens and connection.pid:
            try:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
            except psutil.NoSuchProcess:
                return ""
    return ""


def free_ports(count: int) -> list[int]:
    """Return that many different free ports; all are held open until the last is found."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((HOST, 0))
        return [each.getsockname()[1] for each in sockets]
