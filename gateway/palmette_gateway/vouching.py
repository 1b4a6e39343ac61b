"""Carries a caller that this process has verified to the control plane, which believes only signed tokens."""

from __future__ import annotations

import time
from datetime import timedelta

import grpc

from palmette_gateway.access.roles import Role
from palmette_gateway.access.tokens import Tokens

LIFETIME = timedelta(minutes=10)
LEAST_S = 60.0


class Voucher:
    """Makes short-lived tokens for callers that were verified already, and keeps them while they last."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._made: dict[tuple[str, str], tuple[str, float]] = {}

    def token(self, subject: str, role: str) -> str:
        """A token that is valid for at least a minute."""
        known = self._made.get((subject, role))
        if known is not None and known[1] - time.time() > LEAST_S:
            return known[0]
        token, expires = self._tokens.issue(subject, Role.from_claim(role), LIFETIME)
        self._made = {who: made for who, made in self._made.items() if made[1] > time.time()}
        self._made[subject, role] = token, expires.timestamp()
        return token

    def vouch(self, details: grpc.aio.ClientCallDetails) -> grpc.aio.ClientCallDetails:
        """The call's details with a token for the caller that its metadata names."""
        metadata = list(details.metadata or ())
        named = dict(metadata)
        token = self.token(str(named["x-palmette-user"]), str(named["x-palmette-role"]))
        metadata.append(("authorization", f"Bearer {token}"))
        return grpc.aio.ClientCallDetails(
            details.method, details.timeout, grpc.aio.Metadata(*metadata), details.credentials, details.wait_for_ready
        )
