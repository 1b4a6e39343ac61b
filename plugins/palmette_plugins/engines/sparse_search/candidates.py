"""Candidates: sparse sub-networks named by (seed, index), whose masks need not be stored."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import torch

from palmette_plugins.engines.seeding import derive_seed, seeded_generator
from palmette_plugins.engines.sparse_search.spaces import Masks, MaskSpace


class Role(StrEnum):
    """What a candidate is drawn for. The roles draw from unrelated streams."""

    SEARCH = "search"
    CONTROL = "control"


@dataclass(frozen=True)
class Candidate:
    """The candidate `index` of the stream `seed`; equal candidates have equal masks, whatever else was drawn."""

    seed: int
    index: int

    def masks(self, space: MaskSpace) -> Masks:
        """Draw its masks."""
        return space.draw(self.generator())

    def generator(self) -> torch.Generator:
        """Return the generator that its masks are drawn from, at its start."""
        return seeded_generator(self.seed, f"candidate/{self.index}")


def stream(seed: int, role: Role, sparsity: float) -> int:
    """Return the seed of the candidates of one role at one sparsity, for a replicate's `seed`."""
    return derive_seed(seed, f"{role}/{sparsity!r}")


def smallest_search(share: float, confidence: float) -> int:
    """Return the smallest N whose best lies among the best `share` of all with probability >= `confidence`."""
    candidates = 1
    while reached(candidates, share) < confidence:
        candidates += 1
    return candidates


def reached(candidates: int, share: float) -> float:
    """Return the probability 1 - (1 - share)^N that the best of N random ones is among the best `share` of all."""
    return 1.0 - float((1.0 - share) ** candidates)
