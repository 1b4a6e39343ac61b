"""Which tensors carry saliency scores."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn


def scored_weights(module: nn.Module) -> list[str]:
    """Return the names of all weight matrices and kernels, in order: no bias, normalisation or embedding.

    A tensor that several modules share is named once, and not at all if one of them is an embedding.
    """
    embeddings = {id(m.weight) for m in module.modules() if isinstance(m, nn.Embedding)}
    return [
        name
        for name, parameter in module.named_parameters()
        if parameter.ndim >= 2 and name.endswith("weight") and id(parameter) not in embeddings
    ]


def tensors(module: nn.Module, names: Sequence[str]) -> list[Tensor]:
    """Return the named parameters in order."""
    parameters = dict(module.named_parameters())
    return [parameters[name] for name in names]
