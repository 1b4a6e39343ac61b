"""Resource names of artifacts."""

from __future__ import annotations

import re

from palmette_plugins.api.errors import InvalidArgument

_NAME = re.compile(r"artifacts/([0-9a-f]{8,64})")


def artifact_name(identifier: str) -> str:
    """Return ``artifacts/{id}``."""
    return f"artifacts/{identifier}"


def parse_artifact_name(text: str, field: str = "name") -> str:
    """Return the id, or the prefix of one, in a name; raise `InvalidArgument` naming `field` otherwise."""
    match = _NAME.fullmatch(text)
    if match is None:
        raise InvalidArgument.field(field, f"'{text}' is not an artifact name: artifacts/<8 to 64 hex digits>")
    return match[1]
