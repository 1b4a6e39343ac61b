"""Errors that methods and their machinery raise, with what a person needs to act on them.

Each class stands for one gRPC status; a service maps it in one interceptor. Raise where the cause is
known, name the field, and say what would be right.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class FieldViolation:
    """One thing wrong with one field.

    Attributes:
        field: Path of the field, such as ``config.density`` or ``inputs.model``.
        description: What is wrong and what would be right, as one sentence.
    """

    field: str
    description: str


class PalmetteError(Exception):
    """Base of every error with a cause that a person can act on."""


class InvalidArgument(PalmetteError):  # noqa: N818 - named for its gRPC status
    """The request itself is wrong; the same request fails again (INVALID_ARGUMENT)."""

    def __init__(self, violations: Iterable[FieldViolation]) -> None:
        self.violations: tuple[FieldViolation, ...] = tuple(violations)
        if not self.violations:
            raise ValueError("InvalidArgument needs at least one violation")
        super().__init__("; ".join(f"{v.field}: {v.description}" for v in self.violations))

    @classmethod
    def field(cls, field: str, description: str) -> InvalidArgument:
        """Make the error for a single field."""
        return cls([FieldViolation(field, description)])


class NotFound(PalmetteError):  # noqa: N818 - named for its gRPC status
    """Something named does not exist (NOT_FOUND)."""

    @classmethod
    def named(cls, what: str, name: str, known: Sequence[str]) -> NotFound:
        """Make the error for an unknown `name`, with the nearest known names."""
        return cls(f"no {what} named '{name}'{nearest_names(name, known)}")


class FailedPrecondition(PalmetteError):  # noqa: N818 - named for its gRPC status
    """The request is fine but something must change first (FAILED_PRECONDITION)."""


class AlreadyExists(PalmetteError):  # noqa: N818 - named for its gRPC status
    """The name or id is taken by something else (ALREADY_EXISTS)."""


class ResourceExhausted(PalmetteError):  # noqa: N818 - named for its gRPC status
    """Out of space, memory or slots (RESOURCE_EXHAUSTED)."""


class DataLoss(PalmetteError):  # noqa: N818 - named for its gRPC status
    """Stored bytes are not the bytes that were written (DATA_LOSS)."""


class Unavailable(PalmetteError):  # noqa: N818 - named for its gRPC status
    """Something needed does not answer now; trying again may help (UNAVAILABLE)."""


class JobCancelled(Exception):  # noqa: N818 - it is a request, not a fault
    """Raised inside a method when its job was cancelled; a method lets it pass."""


def nearest_names(name: str, known: Sequence[str], most: int = 3) -> str:
    """Return ``"; did you mean 'a' or 'b'?"`` for the known names nearest to `name`, or what is known at all."""
    near = difflib.get_close_matches(name, known, n=most, cutoff=0.5)
    if near:
        return "; did you mean " + " or ".join(f"'{candidate}'" for candidate in near) + "?"
    if known:
        return "; known: " + ", ".join(sorted(known))
    return "; none is installed"
