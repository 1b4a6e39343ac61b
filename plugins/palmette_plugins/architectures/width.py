"""Architectures that exist in any width: one factor scales every inner width."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.api.references import Reference
from palmette_plugins.api.resolve import architecture_provider


@runtime_checkable
class HasWidth(Protocol):
    """An architecture provider some of whose architectures have a width factor."""

    def width_factor(self, reference: Reference) -> int | None:
        """Return the factor of a complete reference; None for an architecture without one."""

    def with_width_factor(self, reference: Reference, factor: int) -> Reference:
        """Return the complete reference of the same architecture with every inner width scaled to `factor`."""


def width_factor(reference: Reference) -> int | None:
    """Return the width factor of a complete reference, or None where the architecture declares none."""
    provider = architecture_provider(reference)
    return provider.width_factor(reference) if isinstance(provider, HasWidth) else None


def with_width_factor(reference: Reference, factor: int) -> Reference:
    """Return the same architecture with every inner width (not inputs, not classes) times factor / old factor.

    Raises:
        InvalidArgument: It has no width factor, or a width would not be whole; field ``reference``.
    """
    provider = architecture_provider(reference)
    if not isinstance(provider, HasWidth) or provider.width_factor(reference) is None:
        raise InvalidArgument.field("reference", f"'{reference}' has no width factor")
    return provider.with_width_factor(reference, factor)
