"""The token of the user who runs the suite: in a file that only he can read, renewed before it expires."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from palmette_gateway.access.roles import Role
from palmette_gateway.access.tokens import TokenError, Tokens
from palmette_gateway.private_files import replace_file

TOKEN_FILE = "token"
SUBJECT = "local"
RENEW_EVERY_S = 3600.0

log = structlog.get_logger(__name__)


class LocalToken:
    """Keeps ``token`` in the auth folder valid for at least a third of its lifetime."""

    def __init__(self, folder: Path, tokens: Tokens, lifetime: timedelta) -> None:
        self.path = folder / TOKEN_FILE
        self._tokens = tokens
        self._lifetime = lifetime

    def renew(self) -> bool:
        """Write a new token if there is none, or it is not valid, or it soon ends to be; return whether it did."""
        if self._is_good():
            return False
        token, expires = self._tokens.issue(SUBJECT, Role.ADMIN, self._lifetime)
        replace_file(self.path, f"{token}\n".encode())
        log.info("wrote the local token", path=str(self.path), expires=expires.isoformat())
        return True

    async def keep(self) -> None:
        """Renew until cancelled."""
        wait_s = min(RENEW_EVERY_S, self._lifetime.total_seconds() / 6)
        while True:
            await asyncio.sleep(wait_s)
            self.renew()

    def _is_good(self) -> bool:
        try:
            identity = self._tokens.identify(self.path.read_text().strip())
        except (OSError, TokenError):
            return False
        if self.path.stat().st_mode & 0o077:
            return False
        return identity.role is Role.ADMIN and identity.expires - datetime.now(UTC) > self._lifetime / 3
