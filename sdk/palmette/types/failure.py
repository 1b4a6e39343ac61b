"""Why something failed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """Why a job or a deployment failed.

    Attributes:
        cause: One line that a person can act on.
        exception_class: Class of the exception behind it, such as ``MemoryError``; empty when there was none.
        code: Name of the gRPC status code, such as ``INTERNAL``.
        log_tail: Last lines of the log.
    """

    cause: str
    exception_class: str = ""
    code: str = ""
    log_tail: tuple[str, ...] = ()
