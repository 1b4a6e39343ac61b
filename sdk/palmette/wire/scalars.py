"""Conversion of times, structs and enums."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, TypeVar

from google.protobuf import json_format
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from palmette.errors import FieldViolation, InvalidRequest

E = TypeVar("E", bound=StrEnum)


class EnumWrapper(Protocol):
    """What generated enum wrappers have in common."""

    def Name(self, number: Any) -> str:  # noqa: N802 - protobuf's name
        """Return the name of a number."""


def time_from(message: Message, field: str) -> datetime | None:
    """Return a timestamp field as an aware UTC datetime, or None when unset."""
    if not message.HasField(field):
        return None
    stamp: Timestamp = getattr(message, field)
    return stamp.ToDatetime(tzinfo=UTC)


def duration_from(message: Message, field: str) -> timedelta | None:
    """Return a duration field, or None when unset."""
    if not message.HasField(field):
        return None
    duration: Duration = getattr(message, field)
    return duration.ToTimedelta()


def enum_from(wrapper: EnumWrapper, number: int, prefix: str, values: type[E]) -> E:
    """Return the member of `values` for a protobuf enum number whose name is `prefix` plus the member's name."""
    return values[wrapper.Name(number).removeprefix(prefix)]


def mapping_from(struct: Struct) -> dict[str, Any]:
    """Return a Struct as plain values; whole numbers become ints, as they were before the wire."""
    return {key: _plain(value) for key, value in json_format.MessageToDict(struct).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def struct_of(values: Mapping[str, Any], field: str) -> Struct:
    """Return plain values as a Struct; raise `InvalidRequest` naming the one that is no JSON value."""
    struct = Struct()
    violations = []
    for key, value in values.items():
        try:
            struct.update({key: _json_value(value)})
        except (TypeError, ValueError) as error:
            violations.append(FieldViolation(f"{field}.{key}", f"is not a JSON value: {error}"))
    if violations:
        raise InvalidRequest.of(violations)
    return struct


def _json_value(value: Any) -> Any:
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (int, float)):
        if value != value or value in (float("inf"), float("-inf")):
            raise ValueError("numbers must be finite")
        if isinstance(value, int) and abs(value) > 2**53:
            raise ValueError("whole numbers above 2**53 lose digits")
        return value
    if isinstance(value, Mapping):
        return {str(key): _json_value(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json_value(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "item"):  # NumPy and torch scalars
        return _json_value(value.item())
    raise TypeError(f"{type(value).__name__} has no JSON form")
