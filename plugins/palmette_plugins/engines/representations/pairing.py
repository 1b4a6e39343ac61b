"""Which layer of a target belongs to which layer of its guide (Subramaniam et al., 2025, section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from palmette_plugins.api.errors import FieldViolation, InvalidArgument, nearest_names


class Collisions(StrEnum):
    """What happens where several layers of the guide fall onto one of the target."""

    ALL = "all"
    LAST = "last"


@dataclass(frozen=True)
class Pair:
    """A layer of the target and the layer of the guide that it follows, by module name."""

    target: str
    guide: str


def spread_positions(guide_taps: int, target_taps: int) -> list[int]:
    """Return the target tap for each guide tap: spread evenly, halves rounded to the even neighbour."""
    if guide_taps == 1:
        return [0]
    step = Fraction(target_taps - 1, guide_taps - 1)
    return [min(round(index * step), target_taps - 1) for index in range(guide_taps)]


def spread_pairs(target: Sequence[str], guide: Sequence[str], collisions: Collisions = Collisions.ALL) -> list[Pair]:
    """Pair every guide layer with a target layer, in the guide's order.

    With more guide layers than target layers, some share a target layer: all of those pairs count, or only the
    last, as in the authors' code.
    """
    positions = spread_positions(len(guide), len(target)) if target and guide else []
    pairs = [Pair(target[position], name) for name, position in zip(guide, positions, strict=False)]
    if collisions is Collisions.ALL:
        return pairs
    return list({pair.target: pair for pair in pairs}.values())


def chosen(taps: Sequence[str], wanted: Sequence[str], field: str) -> list[str]:
    """Return the taps that were asked for, in their order of execution; all of them if none was asked for.

    Raises:
        InvalidArgument: A name that is not a tap; with the nearest names.
    """
    unknown = [name for name in wanted if name not in taps]
    if unknown:
        raise InvalidArgument(
            FieldViolation(field, f"'{name}' is not a layer to tap{nearest_names(name, list(taps))}")
            for name in unknown
        )
    return [name for name in taps if name in wanted] if wanted else list(taps)
