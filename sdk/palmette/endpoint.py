"""How the SDK finds the suite."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

from palmette.errors import InvalidRequest, SuiteNotRunning
from palmette.home import Home
from palmette.settings import Settings


@dataclass(frozen=True)
class Endpoint:
    """Where the gateway is and what to show it.

    Attributes:
        address: ``host:port``.
        token: Bearer token; empty sends none.
        tls: Whether to speak TLS.
        ca_file: Certificates to trust; None for the system's.
    """

    address: str
    token: str = field(default="", repr=False)
    tls: bool = False
    ca_file: Path | None = None

    @property
    def url(self) -> str:
        """The dashboard's address."""
        return f"{'https' if self.tls else 'http'}://{self.address}"

    @property
    def login_url(self) -> str:
        """A link that logs in to the dashboard, as secret as the token. What follows ``#`` stays in the browser."""
        return f"{self.url}/login#token={quote(self.token)}"


def find_endpoint(endpoint: str | None = None, token: str | None = None, home: Path | str | None = None) -> Endpoint:
    """Return the suite to talk to: as given, else by ``PALMETTE_ENDPOINT`` and ``PALMETTE_TOKEN``, else the local one.

    Raises:
        SuiteNotRunning: Nothing says where a suite is.
        InvalidRequest: The address is not one.
    """
    settings = Settings()
    given = endpoint or ("" if home else settings.endpoint)
    place = Home.find(home)
    if given:
        tls, address = _parse(given)
        return Endpoint(address, token or settings.token or _local_token(place, address), tls, settings.ca_file)
    running = running_suite(place)
    if running is None:
        raise SuiteNotRunning(
            f"no suite runs from {place.root}: start it with `palmette up`, or set PALMETTE_ENDPOINT and PALMETTE_TOKEN"
        )
    tls, address = _parse(str(running["gateway"]))
    # A home that was asked for comes with its own token.
    return Endpoint(address, token or ("" if home else settings.token) or _read(place.token), tls, settings.ca_file)


def running_suite(home: Home) -> dict[str, object] | None:
    """Return what ``run/endpoints.json`` says, or None when no suite has finished starting."""
    try:
        found: dict[str, object] = json.loads(home.endpoints.read_text())
    except FileNotFoundError:
        return None
    return found


def _local_token(home: Home, address: str) -> str:
    """Return the local suite's token if `address` is that suite, so that only it is ever shown the token."""
    running = running_suite(home)
    return _read(home.token) if running and _parse(str(running["gateway"]))[1] == address else ""


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        return ""


def _parse(text: str) -> tuple[bool, str]:
    parts = urlsplit(text if "://" in text else f"http://{text}")
    try:
        port = parts.port
    except ValueError:
        port = -1
    if port == -1 or parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidRequest.field("PALMETTE_ENDPOINT", f"'{text}' is not host:port or http[s]://host:port")
    tls = parts.scheme == "https"
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return tls, f"{host}:{port or (443 if tls else 80)}"
