"""Resource names of jobs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from palmette_plugins.api.errors import InvalidArgument

_JOB = re.compile(r"services/([a-z][a-z0-9_]*)/jobs/([0-9A-HJKMNP-TV-Z]{26})")


@dataclass(frozen=True)
class JobName:
    """``services/{service}/jobs/{id}``; the id is a ULID."""

    service: str
    id: str

    def __str__(self) -> str:
        return f"services/{self.service}/jobs/{self.id}"

    @classmethod
    def parse(cls, text: str, service: str, field: str = "name") -> JobName:
        """Parse the name of a job of `service`; raise `InvalidArgument` naming `field` otherwise."""
        match = _JOB.fullmatch(text)
        if match is None:
            raise InvalidArgument.field(field, f"'{text}' is not a job name: services/{service}/jobs/<26 characters>")
        if match[1] != service:
            raise InvalidArgument.field(field, f"'{text}' belongs to the service '{match[1]}'; this is '{service}'")
        return cls(match[1], match[2])


def check_parent(text: str, service: str) -> None:
    """Raise `InvalidArgument` unless `text` means this service."""
    if text not in ("", "services/-", f"services/{service}"):
        raise InvalidArgument.field("parent", f"'{text}' is not this service: write services/{service}")
