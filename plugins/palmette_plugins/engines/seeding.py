"""Random draws that depend on a seed and on what they are for, and on nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def derive_seed(seed: int, purpose: str = "") -> int:
    """Return a seed in [0, 2**63) that is independent for every pair of `seed` and `purpose`."""
    digest = hashlib.sha256(f"{seed}:{purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def seeded_generator(seed: int, purpose: str = "") -> torch.Generator:
    """Return a CPU generator; equal arguments give equal draws, different ones unrelated draws."""
    return torch.Generator().manual_seed(derive_seed(seed, purpose))


@contextmanager
def seeded_draws(seed: int, purpose: str = "") -> Iterator[None]:
    """Seed torch's global CPU generator inside the block, and leave it undisturbed outside.

    For code that draws from the global generator and takes none of its own, such as weight initialisation.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive_seed(seed, purpose))
        yield
