"""A model with the weights that it would start with, whatever it has learned."""

from __future__ import annotations

from palmette_plugins.api.architecture import LoadedModel
from palmette_plugins.architectures.building import build
from palmette_plugins.engines.seeding import seeded_draws


def fresh_model(model: LoadedModel, seed: int) -> LoadedModel:
    """Return the model of the same spec, initialised from `seed` as a new one of its architecture would be."""
    with seeded_draws(seed, "initialisation"):
        module = build(model.spec)
    return model.replaced(module=module, pretrained=False)
