"""Checking requests against ``google.api.field_behavior = REQUIRED``, all violations at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import cache

from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from palmette_plugins.api.errors import FieldViolation, InvalidArgument
from palmette_services.runtime.rpc.calls import Call, CallInterceptor


def missing_fields(message: Message, prefix: str = "") -> Iterator[FieldViolation]:
    """Yield a violation for every required field that is unset or empty, in nested messages too."""
    for field, required in _checked_fields(message.DESCRIPTOR):
        name = f"{prefix}{field.name}"
        present = message.HasField(field.name) if field.has_presence else bool(getattr(message, field.name))
        if required and not present:
            yield FieldViolation(name, "required")
        elif present and field.message_type is not None and not field.is_repeated:
            yield from missing_fields(getattr(message, field.name), f"{name}.")


class RequiredFieldsInterceptor(CallInterceptor):
    """Refuses requests that lack required fields. Messages of a stream are checked by their servicer."""

    @asynccontextmanager
    async def around(self, call: Call) -> AsyncIterator[None]:
        """Check the request before the handler runs."""
        if not call.streams_requests:
            violations = list(missing_fields(call.request))
            if violations:
                raise InvalidArgument(violations)
        yield


@cache
def _checked_fields(descriptor: Descriptor) -> tuple[tuple[FieldDescriptor, bool], ...]:
    """Return the fields to look at: required ones, and messages that hold required ones somewhere below."""
    found = []
    for field in descriptor.fields:
        required = field_behavior_pb2.REQUIRED in field.GetOptions().Extensions[field_behavior_pb2.field_behavior]
        nested = field.message_type is not None and not field.is_repeated and _holds_required(field.message_type, ())
        if required or nested:
            found.append((field, required))
    return tuple(found)


def _holds_required(descriptor: Descriptor, above: tuple[str, ...]) -> bool:
    if descriptor.full_name in above:  # google.protobuf.Struct nests itself
        return False
    below = (*above, descriptor.full_name)
    return any(
        field_behavior_pb2.REQUIRED in field.GetOptions().Extensions[field_behavior_pb2.field_behavior]
        or (field.message_type is not None and not field.is_repeated and _holds_required(field.message_type, below))
        for field in descriptor.fields
    )
