"""Errors of the SDK: one class for each thing that a caller may want to react to.

Every error's text says what happened, where, and what to do. `palmette.wire.status` makes them of gRPC
statuses; nothing of gRPC reaches the caller.
"""

# ruff: noqa: N818 - named for what happened, as users read them

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from palmette.types import DeploymentInfo, Failure, JobInfo


@dataclass(frozen=True)
class FieldViolation:
    """One thing wrong with one field: its path, such as ``config.density``, and what would be right."""

    field: str
    description: str


class PalmetteError(Exception):
    """Base of everything that the SDK raises.

    Attributes:
        code: Name of the gRPC status code behind it, such as ``NOT_FOUND``; empty for errors made here.
        reason: Machine-readable reason that the server gave, or empty.
    """

    code = ""

    def __init__(self, message: str, *, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class InvalidRequest(PalmetteError):
    """The request is wrong and fails again unchanged; `violations` lists everything that is wrong with it."""

    code = "INVALID_ARGUMENT"

    def __init__(self, message: str, violations: Iterable[FieldViolation] = (), *, reason: str = "") -> None:
        self.violations = tuple(violations)
        lines = [f"  {violation.field}: {violation.description}" for violation in self.violations]
        # A server's message repeats its violations in one line; the list reads better.
        head = f"{len(lines)} thing{'s' * (len(lines) > 1)} to correct" if lines else message
        super().__init__("\n".join([head, *lines]), reason=reason)

    @classmethod
    def of(cls, violations: Iterable[FieldViolation]) -> InvalidRequest:
        """Make the error for violations found here."""
        return cls("invalid request", violations)

    @classmethod
    def field(cls, field: str, description: str) -> InvalidRequest:
        """Make the error for a single field."""
        return cls.of([FieldViolation(field, description)])


class NotFound(PalmetteError):
    """Something named does not exist."""

    code = "NOT_FOUND"


class AlreadyExists(PalmetteError):
    """The name or id is taken by something else."""

    code = "ALREADY_EXISTS"


class FailedPrecondition(PalmetteError):
    """Something must change first; the message says what."""

    code = "FAILED_PRECONDITION"


class Unauthenticated(PalmetteError):
    """The token is missing, expired or not signed by this suite."""

    code = "UNAUTHENTICATED"


class PermissionDenied(PalmetteError):
    """The token's role does not allow the call."""

    code = "PERMISSION_DENIED"


class ResourceExhausted(PalmetteError):
    """A queue, a limit or a disk is full; `retry_after_s` says when to try again, if the server knows."""

    code = "RESOURCE_EXHAUSTED"

    def __init__(self, message: str, *, reason: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message, reason=reason)
        self.retry_after_s = retry_after_s


class Unavailable(PalmetteError):
    """The suite, or the part of it that was asked, does not answer now."""

    code = "UNAVAILABLE"


class SuiteNotRunning(Unavailable):
    """No suite is known: nothing says where it is."""


class SuiteDidNotStart(Unavailable):
    """`palmette up` failed; the message says which part and why. What had started was stopped again."""


class DeadlineExceeded(PalmetteError):
    """The call took longer than it was given."""

    code = "DEADLINE_EXCEEDED"


class DataLoss(PalmetteError):
    """Bytes are not the bytes that were written."""

    code = "DATA_LOSS"


class Unsupported(PalmetteError):
    """This suite does not have the call; client and suite may be of different versions."""

    code = "UNIMPLEMENTED"


class ServerError(PalmetteError):
    """The server failed in a way that it did not foresee; its log says more."""

    code = "INTERNAL"


class JobFailed(PalmetteError):
    """A job ended FAILED; `job` is the job, `failure` says why."""

    def __init__(self, job: JobInfo, failure: Failure) -> None:
        self.job, self.failure = job, failure
        cause = failure.cause
        if failure.exception_class and failure.exception_class not in cause:
            cause = f"{failure.exception_class}: {cause}"
        tail = "".join(f"\n  | {line}" for line in failure.log_tail[-10:])
        super().__init__(f"{job.name} ({job.plugin}) failed: {cause}{tail}")


class JobCancelled(PalmetteError):
    """A job ended CANCELLED."""

    def __init__(self, job: JobInfo, reason: str = "") -> None:
        self.job = job
        super().__init__(f"{job.name} ({job.plugin}) was cancelled" + (f": {reason}" if reason else ""))


class DeploymentFailed(PalmetteError):
    """A version of a deployment does not serve; the one before it, if any, goes on serving."""

    def __init__(self, deployment: DeploymentInfo, failure: Failure) -> None:
        self.deployment, self.failure = deployment, failure
        after = f"; version {deployment.serving_version} goes on serving" if deployment.serving_version else ""
        tail = "".join(f"\n  | {line}" for line in failure.log_tail[-10:])
        super().__init__(f"{deployment.name} failed: {failure.cause}{after}{tail}")
