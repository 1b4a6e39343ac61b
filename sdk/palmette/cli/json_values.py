"""Values of `palmette.types` as JSON: the same names as in Python, times in ISO 8601, durations in seconds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from palmette.types import JobEvent, Outputs


def to_json(value: Any) -> Any:
    """Return plain JSON values."""
    if isinstance(value, Outputs):
        return value.as_dict()
    if is_dataclass(value) and not isinstance(value, type):
        plain = {item.name: to_json(getattr(value, item.name)) for item in fields(value)}
        plain.pop("manifest", None)  # bytes, and repeated in every other field
        return {"event": type(value).__name__, **plain} if isinstance(value, JobEvent) else plain
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    return value


def dumps(value: Any, *, indent: int | None = 2) -> str:
    """Return a value as JSON text."""
    return json.dumps(to_json(value), indent=indent, ensure_ascii=False)
