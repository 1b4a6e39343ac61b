"""``google.rpc.Status`` as a `Failure`."""

from __future__ import annotations

import grpc
from google.rpc import error_details_pb2, status_pb2

from palmette.types import Failure

_CODES = {code.value[0]: code.name for code in grpc.StatusCode}


def failure_from(status: status_pb2.Status) -> Failure:
    """Return why something failed, with the exception's class and the log tail of the details."""
    exception_class, log_tail = "", ()
    for detail in status.details:
        info, debug = error_details_pb2.ErrorInfo(), error_details_pb2.DebugInfo()
        if detail.Unpack(info):
            exception_class = info.reason
        elif detail.Unpack(debug):
            log_tail = tuple(debug.stack_entries) or tuple(debug.detail.splitlines())
    return Failure(status.message, exception_class, _CODES.get(status.code, str(status.code)), log_tail)
