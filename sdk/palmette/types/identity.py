"""Who is calling."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """What a caller may do; each role includes the ones before it."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


@dataclass(frozen=True)
class Identity:
    """The caller as the gateway sees it."""

    subject: str
    role: Role
    expire_time: datetime | None = None


@dataclass(frozen=True)
class Token:
    """A signed token, to be sent as ``authorization: Bearer <token>``. It is shown only once."""

    token: str = field(repr=False)
    expire_time: datetime | None = None
