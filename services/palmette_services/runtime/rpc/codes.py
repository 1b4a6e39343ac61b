"""Which ``google.rpc.Code`` an error stands for."""

from __future__ import annotations

from google.rpc import code_pb2

from palmette_plugins.api import errors

_CODES: dict[type[errors.PalmetteError], int] = {
    errors.InvalidArgument: code_pb2.INVALID_ARGUMENT,
    errors.NotFound: code_pb2.NOT_FOUND,
    errors.FailedPrecondition: code_pb2.FAILED_PRECONDITION,
    errors.AlreadyExists: code_pb2.ALREADY_EXISTS,
    errors.ResourceExhausted: code_pb2.RESOURCE_EXHAUSTED,
    errors.DataLoss: code_pb2.DATA_LOSS,
    errors.Unavailable: code_pb2.UNAVAILABLE,
}


class Unauthenticated(errors.PalmetteError):
    """The caller is not who it must be (UNAUTHENTICATED)."""


_CODES[Unauthenticated] = code_pb2.UNAUTHENTICATED


def error_code(error: errors.PalmetteError) -> int:
    """Return the ``google.rpc.Code`` of an error."""
    return next((code for kind, code in _CODES.items() if isinstance(error, kind)), int(code_pb2.UNKNOWN))
