"""The person behind a request, as Envoy vouches for them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from starlette.requests import HTTPConnection

from palmette.types import Role

USER_HEADER = "x-palmette-user"
ROLE_HEADER = "x-palmette-role"
_RANK = {Role.VIEWER: 1, Role.OPERATOR: 2, Role.ADMIN: 3}


class Action(Enum):
    """Everything that a person can change here: what it is called in a sentence, and the least role that may do it."""

    SUBMIT_JOB = ("start jobs", Role.OPERATOR)
    CANCEL_JOB = ("cancel jobs", Role.OPERATOR)
    RETRY_JOB = ("retry jobs", Role.OPERATOR)
    DELETE_JOB = ("delete jobs", Role.ADMIN)
    DELETE_ARTIFACT = ("delete artifacts", Role.ADMIN)
    DEPLOY = ("deploy models", Role.OPERATOR)
    ROLL_BACK = ("roll deployments back", Role.OPERATOR)
    DELETE_DEPLOYMENT = ("delete deployments", Role.ADMIN)
    ISSUE_TOKEN = ("issue tokens", Role.ADMIN)

    @property
    def phrase(self) -> str:
        """What it is called after 'you may not'."""
        return self.value[0]

    @property
    def least_role(self) -> Role:
        """The least role that may do it."""
        return self.value[1]


@dataclass(frozen=True)
class Caller:
    """A person and their role."""

    user: str
    role: Role

    def may(self, action: Action) -> bool:
        """Whether the role allows an action."""
        return _RANK[self.role] >= _RANK[action.least_role]

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What tells a service who calls."""
        return ((USER_HEADER, self.user), (ROLE_HEADER, self.role.value))


DASHBOARD = Caller("dashboard", Role.VIEWER)
"""The dashboard itself, which looks at the suite when nobody does."""


def caller_of(connection: HTTPConnection) -> Caller | None:
    """Return the caller that Envoy verified, or None for a request that carries none."""
    role = connection.headers.get(ROLE_HEADER, "")
    if role not in set(Role):
        return None
    return Caller(connection.headers.get(USER_HEADER, ""), Role(role))
