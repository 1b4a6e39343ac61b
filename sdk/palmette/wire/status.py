"""gRPC statuses as errors of the SDK."""

from __future__ import annotations

import re
from collections.abc import Iterable

import grpc
from google.rpc import error_details_pb2, status_pb2

from palmette import errors

_PLAIN: dict[grpc.StatusCode, type[errors.PalmetteError]] = {
    grpc.StatusCode.NOT_FOUND: errors.NotFound,
    grpc.StatusCode.ALREADY_EXISTS: errors.AlreadyExists,
    grpc.StatusCode.FAILED_PRECONDITION: errors.FailedPrecondition,
    grpc.StatusCode.ABORTED: errors.FailedPrecondition,
    grpc.StatusCode.DATA_LOSS: errors.DataLoss,
    grpc.StatusCode.UNIMPLEMENTED: errors.Unsupported,
}
_TOO_LARGE = re.compile(r"larger than max \((\d+) vs. (\d+)\)")
_DETAILS_KEY = "grpc-status-details-bin"


def error_from(error: grpc.aio.AioRpcError, address: str) -> errors.PalmetteError:
    """Return the SDK's error for a failed call to `address`."""
    message = (error.details() or error.code().name).strip()
    metadata = [(str(key), value) for key, value in error.trailing_metadata() or ()]
    return error_of(error.code(), message, metadata, address)


def error_of(
    code: grpc.StatusCode, message: str, metadata: Iterable[tuple[str, object]], address: str
) -> errors.PalmetteError:
    """Return the SDK's error for a status with its trailing metadata."""
    details = _details(metadata)
    reason = next((d.reason for d in details if isinstance(d, error_details_pb2.ErrorInfo)), "")
    match code:
        case grpc.StatusCode.INVALID_ARGUMENT | grpc.StatusCode.OUT_OF_RANGE:
            return errors.InvalidRequest(message, _violations(details), reason=reason)
        case grpc.StatusCode.UNAUTHENTICATED:
            return errors.Unauthenticated(_unauthenticated(message), reason=reason)
        case grpc.StatusCode.PERMISSION_DENIED:
            return errors.PermissionDenied(_denied(message), reason=reason)
        case grpc.StatusCode.UNAVAILABLE:
            return errors.Unavailable(_unavailable(message, address), reason=reason)
        case grpc.StatusCode.RESOURCE_EXHAUSTED if too_large := _TOO_LARGE.search(message):
            size, most = (int(number) / 1e6 for number in too_large.groups())
            return errors.ResourceExhausted(f"the request is larger than the server takes: {size:.1f} of {most:.1f} MB")
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            return errors.ResourceExhausted(message, reason=reason, retry_after_s=_retry_after_s(details))
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return errors.DeadlineExceeded(_late(message, address), reason=reason)
        case _ if code in _PLAIN:
            return _PLAIN[code](message, reason=reason)
        case _:
            return errors.ServerError(f"{message} (status {code.name})", reason=reason)


def _details(metadata: Iterable[tuple[str, object]]) -> list[object]:
    found: list[object] = []
    for key, value in metadata:
        if key != _DETAILS_KEY or not isinstance(value, bytes):
            continue
        for detail in status_pb2.Status.FromString(value).details:
            for kind in (error_details_pb2.BadRequest, error_details_pb2.ErrorInfo, error_details_pb2.RetryInfo):
                message = kind()
                if detail.Unpack(message):
                    found.append(message)
    return found


def _violations(details: list[object]) -> list[errors.FieldViolation]:
    return [
        errors.FieldViolation(violation.field, violation.description)
        for detail in details
        if isinstance(detail, error_details_pb2.BadRequest)
        for violation in detail.field_violations
    ]


def _retry_after_s(details: list[object]) -> float | None:
    for detail in details:
        if isinstance(detail, error_details_pb2.RetryInfo):
            return float(detail.retry_delay.seconds + detail.retry_delay.nanos / 1e9)
    return None


def _unauthenticated(message: str) -> str:
    if "missing" in message.lower():
        advice = "set PALMETTE_TOKEN, or run where `palmette up` was started, so that its token is found"
    elif "expired" in message.lower():
        advice = "ask an admin for a new one: `palmette auth token SUBJECT --role ROLE`"
    else:
        advice = "check PALMETTE_TOKEN; it must have been issued by this suite"
    return f"the gateway refuses the token: {message.rstrip('.')}; {advice}"


def _denied(message: str) -> str:
    return (
        f"your token's role does not allow this ({message}); `palmette auth whoami` shows the role, an admin "
        "issues another token with `palmette auth token`"
    )


def _late(message: str, address: str) -> str:
    said = "" if message.lower() in ("deadline exceeded", "deadline_exceeded") else f" ({message})"
    return (
        f"{address} did not answer in time{said}; `palmette health` shows which part is not well, and a client made "
        "with a larger timeout_s waits longer"
    )


def _unavailable(message: str, address: str) -> str:
    text = message.lower()
    if "certificate" in text:
        return f"the certificate of {address} is not trusted; set PALMETTE_CA_FILE to the authority that signed it"
    if "upstream" not in text and any(sign in text for sign in ("failed to connect", "connection refused")):
        return f"nothing answers at {address}: is the suite running? start it with `palmette up`"
    return f"the part that was asked does not answer ({message}); `palmette status` says what is wrong"
