"""Checks that every field that the contract calls REQUIRED is set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.api import field_behavior_pb2
from google.protobuf.message import Message

from palmette_gateway.errors import invalid_argument


def check_required(request: Message) -> None:
    """Refuse a request that leaves out required fields, all of them named.

    Raises:
        CallError: INVALID_ARGUMENT.
    """
    missing = [(field, "is required") for field in _missing(request)]
    if missing:
        raise invalid_argument(missing)


def _missing(message: Message, prefix: str = "") -> Iterator[str]:
    for field in message.DESCRIPTOR.fields:
        is_set = message.HasField(field.name) if field.has_presence else bool(getattr(message, field.name))
        if _is_required(field) and not is_set:
            yield prefix + field.name
        elif is_set and field.message_type is not None and not field.is_repeated:
            yield from _missing(getattr(message, field.name), f"{prefix}{field.name}.")


def _is_required(field: Any) -> bool:
    behaviour = field.GetOptions().Extensions[field_behavior_pb2.field_behavior]
    return field_behavior_pb2.REQUIRED in behaviour
