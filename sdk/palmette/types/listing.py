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
    """

    def __init__(self, items: Iterable[T] = (), unreachable: Mapping[str, str] | None = None) -> None:
        super().__init__(items)
        self.unreachable: Mapping[str, str] = dict(unreachable or {})

    def __repr__(self) -> str:
        missing = "".join(f"; {service} is missing: {why}" for service, why in self.unreachable.items())
        return super().__repr__() + missing
