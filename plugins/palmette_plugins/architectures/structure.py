"""A model's structure without memory for its weights."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import nn

from palmette_plugins.api.spec import ModelSpec
from palmette_plugins.architectures.building import build
from palmette_plugins.engines.seeding import seeded_draws


def structure_of(spec: ModelSpec) -> nn.Module:
    """Return the module of a spec on the ``meta`` device, or on the CPU where it cannot be built there.

    Specs that say the same share one module: do not change it.
    """
    return _cached(spec.model_copy(update={"io": None, "task": ""}).model_dump_json())


@lru_cache(maxsize=32)
def _cached(spec_json: str) -> nn.Module:
    spec = ModelSpec.model_validate_json(spec_json)
    with seeded_draws(0, "structure"):
        try:
            with torch.device("meta"):
                return build(spec)
        except (NotImplementedError, RuntimeError):  # some constructors compute with their tensors
            return build(spec).to("meta")
