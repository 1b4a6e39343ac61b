"""The models that the demo compares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DENSE = "dense"


@dataclass(frozen=True)
class Candidate:
    """One way to a model: a title for people, a name for the deployment, the method and its configuration.

    The `longest` is submitted first, so that the others fill the slots beside it.
    """

    title: str
    name: str
    plugin: str
    config: Mapping[str, Any]
    longest: bool = False


@dataclass(frozen=True)
class Sizes:
    """How much the demo does.

    Attributes:
        images: Training images.
        held_out: Test images.
        epochs: Passes over them, for every method alike.
        density: Share of weights that random pruning keeps.
        blocks_removed: Residual blocks that the layer lottery leaves out.
        seed: Seed of every job.
        latency_requests: Single images sent one after the other to measure latency.
    """

    images: int = 10_000
    held_out: int = 10_000
    epochs: int = 2
    density: float = 0.1
    blocks_removed: int = 3
    seed: int = 0
    latency_requests: int = 300

    @property
    def data(self) -> str:
        """Reference of the data."""
        return f"fashion-mnist?limit={self.images}&test_limit={self.held_out}"


MODEL = "zoo:resnet20"


def candidates(sizes: Sizes) -> list[Candidate]:
    """Return the dense baseline and the three reduced models, trained with one recipe."""
    recipe = {"epochs": sizes.epochs, "batch_size": 128, "lr": 0.1, "nesterov": True}
    growth = {"batch_size": 128, "lr": 0.1}
    return [
        Candidate("dense", DENSE, "dense-training", {"recipe": recipe}),
        Candidate(
            f"random pruning, {1 - sizes.density:.0%} sparse",
            "random-pruning",
            "random-pruning",
            {"density": sizes.density, "ratio": "erk", "recipe": recipe},
        ),
        Candidate(
            f"layer lottery, {sizes.blocks_removed} blocks fewer",
            "layer-lottery",
            "layer-lottery",
            {"blocks_removed": sizes.blocks_removed, "when": "init", "recipe": recipe},
        ),
        Candidate(
            "mixture growth",
            "mixture-growth",
            "mixture-growth",
            {"epochs_small": sizes.epochs, "epochs_grown": 1, "lr_grown": 0.01, "recipe": growth},
            longest=True,
        ),
    ]
