"""Exit codes, for scripts. They are part of the interface and never change their meaning."""

from __future__ import annotations

from enum import IntEnum

from palmette import errors


class ExitCode(IntEnum):
    """How a command ended."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNAVAILABLE = 3
    NOT_FOUND = 4
    DENIED = 5
    INVALID = 6
    INTERRUPTED = 130


_BY_ERROR: tuple[tuple[type[errors.PalmetteError], ExitCode], ...] = (
    (errors.Unavailable, ExitCode.UNAVAILABLE),
    (errors.DeadlineExceeded, ExitCode.UNAVAILABLE),
    (errors.NotFound, ExitCode.NOT_FOUND),
    (errors.Unauthenticated, ExitCode.DENIED),
    (errors.PermissionDenied, ExitCode.DENIED),
    (errors.InvalidRequest, ExitCode.INVALID),
)

EXPLANATION = (
    "Exit codes: 0 done, 1 failed (a job or deployment, or the request met a state that forbids it), 2 wrong usage, "
    "3 the suite does not answer, 4 not found, 5 not allowed, 6 invalid request, 130 interrupted."
)


def exit_code(error: errors.PalmetteError) -> ExitCode:
    """Return the exit code that stands for an error."""
    return next((code for kind, code in _BY_ERROR if isinstance(error, kind)), ExitCode.FAILED)
