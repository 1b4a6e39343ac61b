"""Where a method was published."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Paper:
    """A publication: title, authors (such as ``Liu et al.``), year and, where there is one, its address."""

    title: str
    authors: str
    year: int
    url: str = ""
