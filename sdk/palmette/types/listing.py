"""What several services listed together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

T = TypeVar("T")


class Listing(list[T]):
    """A list joined from several services.

    Attributes:
        unreachable: Why a service could not be asked, by service: what it holds is missing from the list. Empty when
            the list is whole.
        total: How many there are, also beyond the limit that was asked for; None where that was not told.
    """

    def __init__(
        self, items: Iterable[T] = (), unreachable: Mapping[str, str] | None = None, total: int | None = None
    ) -> None:
        super().__init__(items)
        self.unreachable: Mapping[str, str] = dict(unreachable or {})
        self.total = total

    def __repr__(self) -> str:
        missing = "".join(f"; {service} is missing: {why}" for service, why in self.unreachable.items())
        return super().__repr__() + missing
