"""Spaces and supernets that the tests use."""

from __future__ import annotations

import torch

from palmette_plugins.api import LoadedModel
from palmette_plugins.architectures.loading import load_model_reference
from palmette_plugins.architectures.mobile.frame import MBV3
from palmette_plugins.engines.elastic import Space, Supernet

TINY = "zoo:mobile-supernet?in_channels=1&widths=8,8,16&strides=2,1&depths=1,2,3&expands=2,3,4&kernels=3,5,7"


def paper_space(resolutions: tuple[int, ...] = tuple(range(128, 225, 4))) -> Space:
    """The space of Cai et al."""
    return Space(MBV3, (2, 3, 4), (3, 4, 6), (3, 5, 7), resolutions)


def tiny(more: str = "&squeeze_excite=2&resolutions=8,12") -> LoadedModel:
    """A supernet of two stages whose batch norms and transforms have been about."""
    model = load_model_reference(TINY + more, "model", None, None, seed=0)
    generator = torch.Generator().manual_seed(5)
    for name, tensor in model.module.state_dict().items():
        if "norm" in name or name.startswith(("stem.1", "feature.1")):
            if tensor.is_floating_point():
                tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
        elif "transforms" in name:
            tensor.add_(0.1 * torch.randn(tensor.shape, generator=generator))
    return model


def supernet(model: LoadedModel) -> Supernet:
    """The module, in evaluation mode."""
    module = model.module
    assert isinstance(module, Supernet)
    return module.eval()
