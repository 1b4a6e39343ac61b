"""Errors of the control plane's calls: a google.rpc.Status with details, made where the cause is known."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import cast

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

DOMAIN = "palmette"


class CallError(Exception):
    """Ends a call with `status`."""

    def __init__(self, status: status_pb2.Status) -> None:
        super().__init__(status.message)
        self.status = status


def call_error(code: int, message: str, *details: Message) -> CallError:
    """Make an error of a google.rpc.Code with details."""
    status = status_pb2.Status(code=code, message=message)
    for detail in details:
        status.details.add().Pack(detail)
    return CallError(status)


def invalid_argument(violations: Iterable[tuple[str, str]]) -> CallError:
    """Make an INVALID_ARGUMENT from (field, what is wrong and what would be right) pairs."""
    found = [error_details_pb2.BadRequest.FieldViolation(field=field, description=text) for field, text in violations]
    message = "; ".join(f"{violation.field}: {violation.description}" for violation in found)
    return call_error(code_pb2.INVALID_ARGUMENT, message, error_details_pb2.BadRequest(field_violations=found))


def unknown_service(name: str, known: Sequence[str]) -> CallError:
    """Make the NOT_FOUND for a service that this suite does not have, with the nearest names."""
    near = difflib.get_close_matches(name, known, n=2, cutoff=0.5)
    if near:
        hint = "did you mean " + " or ".join(f"'{candidate}'" for candidate in near) + "?"
    else:
        hint = f"this suite has {', '.join(sorted(known)) or 'none'}"
    return call_error(code_pb2.NOT_FOUND, f"no service named '{name}'; {hint}")


def unavailable(message: str, retry_after_s: int = 2) -> CallError:
    """Make an UNAVAILABLE that says when to try again."""
    retry = error_details_pb2.RetryInfo(retry_delay=Duration(seconds=retry_after_s))
    return call_error(code_pb2.UNAVAILABLE, message, retry)


def from_upstream(service: str, address: str, error: grpc.aio.AioRpcError) -> CallError:
    """Make the error that a service's caller gets: its own, or that it does not answer."""
    if did_not_answer(error):
        return unavailable(f"{describe_silence(service, address, error)}; `palmette status` says more")
    status = rpc_status.from_call(cast(grpc.Call, error))
    if status is None:
        status = status_pb2.Status(code=error.code().value[0], message=error.details() or "")
    return CallError(status)


def did_not_answer(error: grpc.aio.AioRpcError) -> bool:
    """Whether nobody was reached, as opposed to somebody who said UNAVAILABLE."""
    text = (error.details() or "") + (error.debug_error_string() or "")
    marks = ("failed to connect", "Connection refused", "Socket closed", "connection attempts", "DNS resolution")
    return error.code() is grpc.StatusCode.UNAVAILABLE and any(mark.lower() in text.lower() for mark in marks)


def describe_silence(service: str, address: str, error: grpc.aio.AioRpcError) -> str:
    """Say in one line why a service gave no answer."""
    if did_not_answer(error):
        return f"{service} does not answer at {address}"
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return f"{service} at {address} did not answer in time"
    return f"{service} at {address}: {error.code().name}: {error.details()}"
