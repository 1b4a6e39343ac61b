"""Roles: what the bearer of a token may do."""

from __future__ import annotations

from enum import IntEnum

from palmette_protos.v1 import token_pb2


class Role(IntEnum):
    """Each role may do all that the ones before it may."""

    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3

    @property
    def claim(self) -> str:
        """How it is written in a token."""
        return self.name.lower()

    @classmethod
    def from_claim(cls, claim: object) -> Role:
        """Read a token's claim.

        Raises:
            ValueError: No such role.
        """
        for role in cls:
            if role.claim == claim:
                return role
        raise ValueError(f"no role '{claim}': use {', '.join(role.claim for role in cls)}")

    @property
    def proto(self) -> token_pb2.Role.ValueType:
        """How it is written on the wire."""
        return token_pb2.Role.Value(f"ROLE_{self.name}")

    def allows(self, needed: Role) -> bool:
        """Whether this role includes `needed`."""
        return self >= needed
