"""From exceptions to gRPC statuses with ``google.rpc`` details, in one place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import structlog
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status
from sqlalchemy.exc import DBAPIError

from palmette_plugins.api import errors
from palmette_services.runtime.rpc.calls import Call, CallInterceptor
from palmette_services.runtime.rpc.codes import error_code

_RETRY_AFTER_S = 2
_DOMAIN = "palmette"
_log = structlog.get_logger(__name__)


def error_status(error: errors.PalmetteError, domain: str = _DOMAIN) -> status_pb2.Status:
    """Return the full status: `ErrorInfo` always, `BadRequest` for violations, `RetryInfo` where waiting helps."""
    code = error_code(error)
    status = status_pb2.Status(code=code, message=str(error))
    _add(status, error_details_pb2.ErrorInfo(reason=type(error).__name__, domain=domain))
    if isinstance(error, errors.InvalidArgument):
        violations = [
            error_details_pb2.BadRequest.FieldViolation(field=violation.field, description=violation.description)
            for violation in error.violations
        ]
        _add(status, error_details_pb2.BadRequest(field_violations=violations))
    if code in (code_pb2.RESOURCE_EXHAUSTED, code_pb2.UNAVAILABLE):
        _add(status, error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=_RETRY_AFTER_S)))
    return status


class ErrorInterceptor(CallInterceptor):
    """Ends a call with the status of whatever its handler raised."""

    @asynccontextmanager
    async def around(self, call: Call) -> AsyncIterator[None]:
        """Map what comes out of the handler."""
        try:
            yield
        except errors.PalmetteError as error:
            await call.context.abort_with_status(rpc_status.to_status(error_status(error)))
        except DBAPIError as error:
            _log.error("database error", method=call.method, error=str(error.orig))
            await call.context.abort_with_status(rpc_status.to_status(error_status(database_error(error))))
        except (grpc.aio.AbortError, grpc.aio.UsageError):
            raise
        except Exception as error:  # noqa: BLE001 - the call's border
            _log.exception("unexpected error", method=call.method)
            message = f"unexpected {type(error).__name__}; the service's log has the details"
            status = status_pb2.Status(code=code_pb2.INTERNAL, message=message)
            _add(status, error_details_pb2.ErrorInfo(reason=type(error).__name__, domain=_DOMAIN))
            await call.context.abort_with_status(rpc_status.to_status(status))


def database_error(error: DBAPIError) -> errors.PalmetteError:
    """Return what a database error means to a caller."""
    text = str(error.orig)
    if "is full" in text or "No space left" in text or "could not extend file" in text:
        return errors.ResourceExhausted("the disk of the service's database is full; free some space, then retry")
    return errors.Unavailable(f"the service's database does not answer now: {text.splitlines()[0]}")


def _add(status: status_pb2.Status, detail: Message) -> None:
    packed = any_pb2.Any()
    packed.Pack(detail)
    status.details.append(packed)
