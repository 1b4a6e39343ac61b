"""Where something listens or answers: host, port and whether it speaks TLS, or a socket of this machine."""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Annotated, ClassVar

from pydantic import BeforeValidator
from pydantic_settings import NoDecode

TLS_SCHEME = "grpcs://"
SOCKET_SCHEME = "unix:"
MAX_SOCKET_BYTES = 107  # sockaddr_un has room for 108, the zero at the end included
_MEANS_SOMETHING_IN_AN_ADDRESS = re.compile(r"[%?#\s]")


@dataclass(frozen=True, order=True)
class Address:
    """A host and a port, written ``host:port``, ``[::1]:port`` or ``grpcs://host:port`` for an upstream with TLS."""

    host: str
    port: int
    tls: bool = False

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read an address.

        Raises:
            ValueError: The text has no host or no port from 1 to 65535.
        """
        tls = text.startswith(TLS_SCHEME)
        host, separator, port = text.removeprefix(TLS_SCHEME).rpartition(":")
        if not separator or not host:
            raise ValueError(f"'{text}' is not an address: write host:port, such as 127.0.0.1:8080")
        if not port.isdecimal() or not 1 <= int(port) <= 65535:
            raise ValueError(f"'{text}' has no port from 1 to 65535")
        return cls(host.removeprefix("[").removesuffix("]"), int(port), tls)

    @property
    def is_ip(self) -> bool:
        """Whether the host is a literal address, so that nothing has to be resolved."""
        try:
            ipaddress.ip_address(self.host)
        except ValueError:
            return False
        return True

    @property
    def target(self) -> str:
        """``host:port`` as gRPC and URLs take it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"{TLS_SCHEME}{self.target}" if self.tls else self.target


@dataclass(frozen=True, order=True)
class UnixSocket:
    """A Unix domain socket, written ``unix:/path``: who may reach it is a matter of its folder's mode."""

    path: str
    tls: ClassVar[bool] = False

    @classmethod
    def parse(cls, text: str) -> UnixSocket:
        """Read an address.

        Raises:
            ValueError: The text has another form, or no socket can have this path.
        """
        path = text.removeprefix(SOCKET_SCHEME)
        if path == text or not PurePosixPath(path).is_absolute() or _MEANS_SOMETHING_IN_AN_ADDRESS.search(path):
            raise ValueError(f"'{text}' is not a socket: write unix:/path, the path without spaces, '%', '?' and '#'")
        if len(os.fsencode(path)) > MAX_SOCKET_BYTES:
            raise ValueError(f"'{path}' is too long for a socket: {MAX_SOCKET_BYTES} bytes at most")
        return cls(path)

    @property
    def target(self) -> str:
        """``unix:/path`` as gRPC takes it."""
        return f"{SOCKET_SCHEME}{self.path}"

    def __str__(self) -> str:
        return self.target


Upstream = Address | UnixSocket


def parse_collector(text: str) -> Address:
    """Read the address of an OpenTelemetry collector, ``http://host:port`` or ``https://host:port``.

    Raises:
        ValueError: It is another.
    """
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in ("http", "https"):
        raise ValueError(f"'{text}' is not http://host:port or https://host:port")
    return replace(Address.parse(rest.rstrip("/")), tls=scheme == "https")


def _parse(value: object) -> object:
    return Address.parse(value) if isinstance(value, str) else value


def _parse_upstream(value: object) -> object:
    return UnixSocket.parse(value) if isinstance(value, str) and value.startswith(SOCKET_SCHEME) else _parse(value)


# NoDecode: in the environment an address is text, not JSON.
AddressField = Annotated[Address, NoDecode, BeforeValidator(_parse)]
OptionalAddressField = Annotated[Address | None, NoDecode, BeforeValidator(_parse)]
OptionalUpstreamField = Annotated[Upstream | None, NoDecode, BeforeValidator(_parse_upstream)]
