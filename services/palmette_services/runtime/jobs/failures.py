"""Why a job failed, as a person and as ``google.rpc.Status`` see it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2

_DOMAIN = "palmette"


@dataclass(frozen=True)
class JobFailure:
    """What went wrong.

    Attributes:
        message: One line that a person can act on.
        reason: Class of the exception, or a word for what happened to the worker.
        log_tail: Last lines of the job's log, with the traceback if there is one.
        advice: What to do, where the message does not say it yet.
        code: A value of ``google.rpc.Code``.
    """

    message: str
    reason: str
    log_tail: str = ""
    advice: str = "see the end of its log"
    code: int = code_pb2.INTERNAL

    def with_message(self, message: str) -> JobFailure:
        """Return a copy with another message."""
        return replace(self, message=message)

    def to_status(self) -> status_pb2.Status:
        """Return the failure as it is stored in a job: `ErrorInfo` and `DebugInfo` in the details."""
        status = status_pb2.Status(code=self.code, message=self.message)
        _pack(status, error_details_pb2.ErrorInfo(reason=self.reason, domain=_DOMAIN))
        if self.log_tail:
            _pack(status, error_details_pb2.DebugInfo(detail=self.log_tail))
        return status

    @classmethod
    def from_status(cls, status: status_pb2.Status) -> JobFailure:
        """Read what a worker sent."""
        reason, log_tail = "", ""
        for detail in status.details:
            info, debug = error_details_pb2.ErrorInfo(), error_details_pb2.DebugInfo()
            if detail.Unpack(info):
                reason = info.reason
            elif detail.Unpack(debug):
                log_tail = debug.detail
        return cls(status.message, reason, log_tail, code=status.code)


def _pack(status: status_pb2.Status, detail: error_details_pb2.ErrorInfo | error_details_pb2.DebugInfo) -> None:
    packed = any_pb2.Any()
    packed.Pack(detail)
    status.details.append(packed)
